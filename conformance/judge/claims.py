"""What is claimed of a transition: invariants of the state after it, contracts of the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from conformance.judge.finding import Finding, Kind
from model.contracts import START_CONTRACTS, contracts_of
from model.invariants import INVARIANTS
from model.machine_ints import INTS
from model.profiles import Mapping
from model.state import ConcreteAction, ConcreteResult, ConcreteState, Fixed, Op

REALIZE: Final = "realize"
"""The transition that makes a device; the others have the name of their operation."""
TRANSITIONS: Final = (REALIZE, *(op.value for op in Op))


Judge = Callable[[Fixed[int, bool], Any, Any, ConcreteResult], bool]
"""Of (Fixed, state before, action, result); before `realize` the middle two are None."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim about one transition."""

    name: str
    kind: Kind
    judge: Judge


def _of_state(holds: Callable[..., Any]) -> Judge:
    return lambda fixed, before, action, result: bool(holds(INTS, fixed, result.state))


def _of_step(holds: Callable[..., Any]) -> Judge:
    return lambda fixed, before, action, result: bool(holds(INTS, fixed, before, action, result))


@cache
def claims_of(transition: str, mapping: Mapping) -> tuple[Claim, ...]:
    """All claims about a transition of a device with that way of mapping, the invariants first."""
    invariants = (i for i in INVARIANTS if not i.of_layout and mapping in i.mappings)
    claims = [Claim(i.name, Kind.INVARIANT, _of_state(i.holds)) for i in invariants]
    if transition == REALIZE:
        claims += [Claim(c.name, Kind.CONTRACT, _of_state(c.holds)) for c in START_CONTRACTS]
    else:
        contracts = contracts_of(Op(transition), mapping)
        claims += [Claim(c.name, Kind.CONTRACT, _of_step(c.holds)) for c in contracts]
    return tuple(claims)


def breaks(
    found: Finding,
    fixed: Fixed[int, bool],
    before: ConcreteState,
    action: ConcreteAction,
    result: ConcreteResult,
) -> bool:
    """The step breaks the invariant or contract that a finding names."""
    return any(
        (claim.kind, claim.name) == (found.kind, found.what)
        and not claim.judge(fixed, before, action, result)
        for claim in claims_of(action.op.value, fixed.mapping)
    )

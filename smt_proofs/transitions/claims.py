"""What is claimed of every transition: each invariant of the state, each contract of the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from model.contracts import START_CONTRACTS, contracts_of
from model.events import realize
from model.profiles import Mapping, Profile
from model.rules import step
from model.state import Action, Answer, Fixed, Op, Result, State
from smt_proofs.transitions.inputs import state_invariants

REALIZE: Final = "realize"
"""The transition that makes a device; the others are named by their operation."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim about one transition: `holds` takes (domain, fixed, before, action, result).

    `serves` names the invariant or contract; `of_state` says that it is about the state that the
    step leaves, whatever the step; `follows` that the other claims imply it.
    """

    theorem: str
    serves: str
    text: str
    source: str
    holds: Callable[[Any, Any, Any, Any, Any], Any]
    of_state: bool = False
    follows: bool = False


def slug(transition: str) -> str:
    """A transition in the name of a theorem."""
    return transition.replace("-", "_")


def claims_of(mapping: Mapping, transition: str) -> list[Claim]:
    """All that is claimed of a transition for a way of mapping: invariants, then contracts."""
    return [*_invariants(mapping, transition), *_contracts(mapping, transition)]


def _of_state_after(holds: Callable[..., Any]) -> Callable[..., Any]:
    """A claim about a state, made of the one that a step leaves."""
    return lambda d, f, s, a, r: holds(d, f, r.state)


def _invariants(mapping: Mapping, transition: str) -> list[Claim]:
    verb = "establishes" if transition == REALIZE else "keeps"
    return [
        Claim(
            theorem=f"{slug(transition)}_{verb}_{slug(invariant.name)}",
            serves=invariant.name,
            text=invariant.claim,
            source="model/invariants.py",
            holds=_of_state_after(invariant.holds),
            of_state=True,
        )
        for invariant in state_invariants(mapping)
    ]


def _contracts(mapping: Mapping, transition: str) -> list[Claim]:
    if transition == REALIZE:
        return [
            Claim(
                theorem=f"realize_establishes_{slug(contract.name)}",
                serves=contract.name,
                text=contract.claim,
                source=contract.source,
                holds=_of_state_after(contract.holds),
                follows=contract.follows,
            )
            for contract in START_CONTRACTS
        ]
    return [
        Claim(
            theorem=f"{slug(transition)}_obeys_{slug(contract.name)}",
            serves=contract.name,
            text=contract.claim,
            source=contract.source,
            holds=contract.holds,
            follows=contract.follows,
        )
        for contract in contracts_of(Op(transition), mapping)
    ]


def carry_out(
    d: Any, transition: str, f: Fixed[Any, Any], s: State[Any, Any, Any], a: Action[Any, Any]
) -> Result[Any, Any, Any]:
    """The rule of a transition."""
    if transition == REALIZE:
        return Result(realize(d, f), Answer.DONE)
    return step(d, f, s, a)


def transitions() -> list[str]:
    """Every transition, realize first."""
    return [REALIZE, *(op.value for op in Op)]


def mappings_of(profile: Profile) -> list[Mapping]:
    """The ways of mapping that a profile permits."""
    found: dict[Mapping, None] = {}
    for option in (True, False):
        for inaccessible in (True, False):
            try:
                found[profile.mapping_for(option=option, inaccessible=inaccessible)] = None
            except ValueError:
                continue
    return list(found)

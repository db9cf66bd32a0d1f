"""What is allowed: the model's observation, and every invariant by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, Protocol

from model.contracts import START_CONTRACTS, contracts_of
from model.invariants import INVARIANTS, Invariant, Layout
from model.machine_ints import INTS
from model.observation import Observation
from model.profiles import Mapping
from model.state import ConcreteAction, ConcreteResult, ConcreteState, Config, Fixed

FIELDS: Final = {
    "answer": "answer",
    "state": "block_state",
    "size": "size",
    "requested": "requested",
    "usable": "usable",
    "constants": "constants",
    "slots": "slots",
    "mapped": "mapped",
    "notified": "notified",
    "memory": "memory",
    "held": "held",
    "told": "told",
}
"""Fields of an observation by the names that traces give them, in the order they are judged."""
BY_THEMSELVES: Final = ("memory", "held", "told")
"""Fields that are judged against the blocks' states; the model shows none to compare with."""
BY_RULES: Final = ("used",)
"""Fields that no profile has a word about: rules alone judge them."""
ALWAYS: Final = frozenset({"answer", "state"})
"""Fields that every target shows: no `state` then means that the device gave none."""


def shared(allowed: Observation, seen: Observation) -> list[str]:
    """The fields that are compared: those that both show, of ALWAYS those that either shows."""
    return [
        name
        for name, field in FIELDS.items()
        if (any if name in ALWAYS else all)(
            getattr(side, field) is not None for side in (allowed, seen)
        )
    ]


def amounts(seen: Observation) -> dict[str, int]:
    """How many of each field are shown, those that no profile has a word about among them."""
    fields = {**FIELDS, **{name: name for name in BY_RULES}}
    shown = ((name, getattr(seen, field)) for name, field in fields.items())
    return {
        name: len(value) if name in BY_THEMSELVES else 1
        for name, value in shown
        if value is not None
    }


def differing(allowed: Observation, seen: Observation) -> str | None:
    """The first field that differs, of those that both show or must; None if none does."""
    for name, field in FIELDS.items():
        want, have = getattr(allowed, field), getattr(seen, field)
        judged = name in ALWAYS or (want is not None and have is not None)
        if judged and want != have:
            return name
    return None


def spelled(value: Any) -> str:
    """A field's JSON value in a message."""
    if isinstance(value, dict):
        return " ".join(f"{name} {part}" for name, part in value.items())
    return str(value)


@cache
def _claimed(mapping: Mapping, of_layout: bool) -> tuple[Invariant, ...]:
    return tuple(i for i in INVARIANTS if mapping in i.mappings and i.of_layout == of_layout)


def invariants_of(mapping: Mapping) -> tuple[Invariant, ...]:
    """The invariants claimed of every state of a device with that way of mapping."""
    return _claimed(mapping, False)


class Claim(Protocol):
    """An invariant or a contract."""

    @property
    def name(self) -> str: ...

    @property
    def holds(self) -> Callable[..., Any]: ...


Passes = Callable[[str], bool]
"""Of the name of a claim that is broken: whether to look on, as it is known to be."""


def never(name: str) -> bool:
    """No claim may be broken."""
    return False


def _first_broken(
    claimed: Sequence[Claim], passes: Passes, *view: object
) -> tuple[str | None, int]:
    for number, claim in enumerate(claimed, 1):
        if not claim.holds(INTS, *view) and not passes(claim.name):
            return claim.name, number
    return None, len(claimed)


def broken_by_layout(
    config: Config, fixed: Fixed[int, bool], passes: Passes = never
) -> tuple[str | None, int]:
    """The first layout invariant that does not hold, if any, and how many were checked."""
    layout = Layout(
        region=config.region,
        block=config.block,
        limit=config.limit,
        several=config.option,
        slots=fixed.slots,
    )
    return _first_broken(_claimed(fixed.mapping, True), passes, layout)


def broken_by_state(
    fixed: Fixed[int, bool], state: ConcreteState, passes: Passes = never
) -> tuple[str | None, int]:
    """The first state invariant that does not hold, if any, and how many were checked."""
    return _first_broken(_claimed(fixed.mapping, False), passes, fixed, state)


def broken_by_start(
    fixed: Fixed[int, bool], state: ConcreteState, passes: Passes = never
) -> tuple[str | None, int]:
    """The first contract that a device just realized does not keep, if any, and how many were
    checked."""
    return _first_broken(START_CONTRACTS, passes, fixed, state)


def broken_by_step(
    fixed: Fixed[int, bool],
    before: ConcreteState,
    action: ConcreteAction,
    result: ConcreteResult,
    passes: Passes = never,
) -> tuple[str | None, int]:
    """The first contract that a step does not keep, if any, and how many were checked."""
    claimed = contracts_of(action.op, fixed.mapping)
    return _first_broken(claimed, passes, fixed, before, action, result)

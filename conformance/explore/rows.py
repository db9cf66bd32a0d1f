"""A state as a row of plain numbers, and what a step of one says; the same by the rules themselves.

`Interpreted` asks the rules for each step. It is slow, has no bound on indices, and is what the
compiled steps are held against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from operator import attrgetter
from typing import Any, Final, TypeAlias

from conformance.judge.oracle import broken_by_state, broken_by_step
from model.contracts import contracts_of
from model.contracts.words import SETS
from model.extents import Extents
from model.machine_ints import INTS
from model.rules import step
from model.state import (
    REQUESTS,
    Answer,
    BlockState,
    ConcreteAction,
    ConcreteResult,
    ConcreteState,
    Fixed,
    Op,
    State,
)

Fix: TypeAlias = Fixed[int, bool]
FIELDS: Final = tuple(field.name for field in fields(State))
_ARE_SETS: Final = tuple(name in SETS for name in FIELDS)
Row: TypeAlias = tuple[Any, ...]
"""The fields of a state in their order; sets as masks with one bit an index, or as they are."""
Label: TypeAlias = tuple[Answer, BlockState | None, bool]
"""What the guest sees of a step: the answer, the block state, whether it was notified."""
Taken: TypeAlias = tuple[Label, bool, Row | None]
"""What is seen of a step, whether its contracts hold, and the state after it; None for the same."""
Step: TypeAlias = Callable[..., Taken]

_every = attrgetter(*FIELDS)
_but_accepted = attrgetter(*(name for name in FIELDS if name != "accepted"))
_seen = attrgetter("answer", "block_state", "notified", "effects")


class NotAlike(Exception):
    """A rule reads `accepted`."""


def row_of(state: ConcreteState) -> Row:
    """A state as a row."""
    return tuple(
        _mask(value) if is_set else value
        for value, is_set in zip(_every(state), _ARE_SETS, strict=True)
    )


def state_of(row: Row) -> ConcreteState:
    """The state that a row is."""
    named = zip(FIELDS, row, _ARE_SETS, strict=True)
    values: dict[str, Any] = {n: _extents(value) if is_set else value for n, value, is_set in named}
    return State(**values)


def fields_of(state: ConcreteState) -> Row:
    """A state as a row that keeps its sets as they are, however large their indices."""
    return tuple(_every(state))


def _mask(items: Extents) -> int:
    return sum((1 << end) - (1 << start) for start, end in items.ranges())


def _extents(mask: int | Extents) -> Extents:
    if isinstance(mask, Extents):
        return mask
    flips = mask ^ (mask << 1)
    return Extents(tuple(at for at in range(flips.bit_length()) if flips >> at & 1))


def contract_checks(fixed: Fix, op: Op, *, merged: bool) -> int:
    """How many contracts one step of that operation is held against."""
    return len(contracts_of(op, fixed.mapping)) * (2 if merged and op not in REQUESTS else 1)


class Interpreted:
    """The device's steps by the rules. A step raises NotAlike where states are to be `merged` that
    a rule tells apart."""

    row_of = staticmethod(fields_of)

    def __init__(
        self, fixed: Fix, actions: Sequence[ConcreteAction], *, merged: bool, judged: bool
    ) -> None:
        self.fixed, self.merged, self.judged = fixed, merged, judged
        self.steps: tuple[Step, ...] = tuple(partial(self._step, done) for done in actions)
        self.holds: Callable[..., bool] = self._holds

    def _holds(self, *row: Any) -> bool:
        return broken_by_state(self.fixed, state_of(row))[0] is None

    def _step(self, done: ConcreteAction, *row: Any) -> Taken:
        state = state_of(row)
        result = step(INTS, self.fixed, state, done)
        holds = not self.judged or self._keeps(state, done, result)
        if self.merged:
            holds = self._same_for_twin(state, done, result) and holds
        after = fields_of(replace(result.state, accepted=False) if self.merged else result.state)
        label = (result.answer, result.block_state, result.notified)
        return label, holds, None if after == row else after

    def _keeps(self, state: ConcreteState, done: ConcreteAction, result: ConcreteResult) -> bool:
        return broken_by_step(self.fixed, state, done, result)[0] is None

    def _same_for_twin(
        self, state: ConcreteState, done: ConcreteAction, result: ConcreteResult
    ) -> bool:
        """The step from the same state with the flag set comes to the same; what an event of the
        host does to the flag is judged there as well."""
        twin = replace(state, accepted=True)
        other = step(INTS, self.fixed, twin, done)
        if _but_accepted(other.state) != _but_accepted(result.state) or _seen(other) != _seen(
            result
        ):
            raise NotAlike
        if done.op not in REQUESTS:
            return not self.judged or self._keeps(twin, done, other)
        # Judged from one of the two, which a request leaves as they are in this.
        if result.state.accepted or not other.state.accepted:
            raise NotAlike
        return True

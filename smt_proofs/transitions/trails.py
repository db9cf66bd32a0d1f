"""Which ways through a rule executed situations take: a proof of a case nobody reaches is idle."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, TypeAlias

from model.arithmetic import U64_MASK
from model.extents import Extents
from model.machine_ints import MachineInts
from model.profiles import Mapping
from smt_proofs.transitions.claims import carry_out
from smt_proofs.transitions.inputs import state_invariants

Trail: TypeAlias = tuple[bool, ...]
"""The outcomes of a rule's branches, in order."""


BEYOND: Final = 1 << 62
"""An index that no block and no memslot has."""


class TrailInts(MachineInts):
    """Machine integers that note the outcome of every branch, but for those in loop bodies."""

    __slots__ = ("_inside", "trail")

    def __init__(self) -> None:
        self.trail: list[bool] = []
        self._inside = False

    def test(self, condition: bool) -> bool:  # type: ignore[override]
        if not self._inside:
            self.trail.append(condition)
        return condition

    def select(self, condition: bool, then: int, otherwise: int) -> int:  # type: ignore[override]
        return then if self.test(condition) else otherwise

    def dropped(  # type: ignore[override]
        self, items: Extents, start: int, end: int, drop: Callable[[int], bool]
    ) -> Extents:
        return self._within(lambda: MachineInts.dropped(items, start, end, drop))

    def chosen(  # type: ignore[override]
        self, items: Extents, start: int, end: int, keep: Callable[[int], bool]
    ) -> Extents:
        return self._within(lambda: MachineInts.chosen(items, start, end, keep))

    def _within(self, loop: Callable[[], Extents]) -> Extents:
        self._inside = True
        changed = loop()
        self._inside = False
        return changed


def trail_of(transition: str, situation: Any) -> Trail:
    """The way that a concrete situation takes through the rule of a transition."""
    d = TrailInts()
    carry_out(d, transition, situation.fixed, situation.state, situation.action)
    return tuple(d.trail)


def unreached(wanted: Iterable[Trail], transition: str, situations: Iterable[Any]) -> set[Trail]:
    """The trails that none of the situations takes; looks at no more of them than it takes."""
    missing = set(wanted)
    for situation in situations:
        if not missing:
            break
        missing.discard(trail_of(transition, situation))
    return missing


def strayed(cases: Container[Trail], transition: str, situations: Iterable[Any]) -> Any | None:
    """A situation that takes none of the cases: what was assumed to rule its case out is wrong."""
    return next((at for at in situations if trail_of(transition, at) not in cases), None)


class Wrapped(Exception):
    """An operation left the 64-bit words, or divided by zero."""


class ExactInts(MachineInts):
    """Machine integers on which an operation that its rule expects not to wrap raises Wrapped."""

    __slots__ = ()

    @staticmethod
    def add(a: int, b: int) -> int:
        return _word(a + b)

    @staticmethod
    def sub(a: int, b: int) -> int:
        return _word(a - b)

    @staticmethod
    def mul(a: int, b: int) -> int:
        return _word(a * b)

    @staticmethod
    def div(a: int, b: int) -> int:
        return a // b if b else _word(-1)

    @staticmethod
    def mod(a: int, b: int) -> int:
        return a % b if b else _word(-1)


def _word(value: int) -> int:
    if not 0 <= value <= U64_MASK:
        raise Wrapped
    return value


def _wraps(evaluate: Callable[..., object], *about: object) -> bool:
    try:
        evaluate(ExactInts(), *about)
    except Wrapped:
        return True
    return False


def wraps_outside(transition: str, situations: Iterable[Any]) -> bool:
    """Some operation of the rule wraps on one of these, once sizes are out of all bounds."""

    def step_of(d: ExactInts, at: Any) -> object:
        return carry_out(d, transition, at.fixed, at.state, at.action)

    wrongs = (wrong for at in situations for wrong in _out_of_bounds(at))
    return any(_wraps(step_of, wrong) for wrong in wrongs)


def invariants_wrap_outside(mapping: Mapping, situations: Iterable[Any]) -> bool:
    """Evaluating some invariant wraps on one of these, once an index beyond all bounds is a member
    of a set."""
    beyond = Extents.of_ranges([(BEYOND, BEYOND + 1)])
    everything = Extents.of_ranges([(0, BEYOND)])
    states = (
        (at.fixed, state)
        for at in situations
        for state in (replace(at.state, mapped=beyond), replace(at.state, plugged=everything))
    )
    invariants = state_invariants(mapping)
    return any(_wraps(i.holds, fixed, state) for fixed, state in states for i in invariants)


def _out_of_bounds(at: Any) -> Iterator[Any]:
    yield replace(at, state=replace(at.state, size=U64_MASK, usable=U64_MASK))
    yield replace(at, fixed=replace(at.fixed, extent=U64_MASK, addr=U64_MASK))
    yield replace(at, fixed=replace(at.fixed, extent=U64_MASK, region=U64_MASK))

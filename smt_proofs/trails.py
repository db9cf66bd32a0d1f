"""Which ways through a rule executed situations take: a proof of a case nobody reaches is idle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from model.arithmetic import U64_MASK, MachineInts
from model.extents import Extents
from smt_proofs.claims import carry_out

Trail: TypeAlias = tuple[bool, ...]
"""The outcomes of a rule's branches, in order."""


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


def wraps(transition: str, situation: Any) -> bool:
    """Carried out on this situation, some operation of the rule wraps or divides by zero."""
    try:
        carry_out(ExactInts(), transition, situation.fixed, situation.state, situation.action)
    except Wrapped:
        return True
    return False


def wraps_outside(transition: str, situations: Iterable[Any]) -> bool:
    """It wraps on some of these once the sizes of the device and its state are out of bounds."""
    for at in situations:
        state = replace(at.state, size=U64_MASK, usable=U64_MASK)
        fixed = replace(at.fixed, extent=U64_MASK, addr=U64_MASK)
        for wrong in (replace(at, state=state), replace(at, fixed=fixed)):
            if wraps(transition, wrong):
                return True
    return False

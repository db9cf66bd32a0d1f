"""Sets as masks, one bit an index, in the domain that writes down instead of computing.

Indices are below a width that the device gives; one that would be added beyond is a TooFar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from conformance.explore.terms import Term, Terms, Truth, Word

Set: TypeAlias = Any
"""A mask, or a term for one."""


class TooFar(Exception):
    """A set that would have an index beyond those that a device has room for."""


def span(start: int, end: int, width: int) -> int:
    """The mask of [start, end). Raises TooFar for an index that is not below `width`."""
    if start >= end:
        return 0
    if end > width:
        raise TooFar(f"index {end - 1} is not below {width}")
    return (1 << end) - (1 << start)


def cut(start: int, end: int, width: int) -> int:
    """The mask of those of [start, end) that are below `width`."""
    return span(start, min(end, width), width)


class Masks(Terms):
    """Sets as masks, for indices below `width`; one that would be added beyond raises TooFar."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width: Final = width

    def no_blocks(self) -> Set:
        return 0

    def no_slots(self) -> Set:
        return 0

    def span(self, start: Word, end: Word) -> Set:
        """The indices of [start, end); none where it is empty."""
        if isinstance(start, int) and isinstance(end, int):
            return span(start, end, self.width)
        return self.make("span", start, end)

    def cut(self, start: Word, end: Word) -> Set:
        """The indices of [start, end) that a set can have."""
        if isinstance(start, int) and isinstance(end, int):
            return cut(start, end, self.width)
        return self.make("cut", start, end)

    def _or(self, a: Set, b: Set) -> Set:
        if a == 0 or b == 0 or a is b:
            return b if a == 0 else a
        return a | b if isinstance(a, int) and isinstance(b, int) else self.make("or", a, b)

    def _and(self, a: Set, b: Set) -> Set:
        if a == 0 or b == 0:
            return 0
        if a is b:
            return a
        return a & b if isinstance(a, int) and isinstance(b, int) else self.make("and", a, b)

    def _without(self, a: Set, b: Set) -> Set:
        if a == 0 or b == 0:
            return a
        return a & ~b if isinstance(a, int) and isinstance(b, int) else self.make("without", a, b)

    def _where(self, start: Word, end: Word, holds: Callable[[Word], Truth]) -> Set:
        """The indices of [start, end) for which it holds."""
        low = start if isinstance(start, int) else 0
        high = end if isinstance(end, int) else self.width
        found: Set = 0
        for index in range(low, high):
            inside = self.both(self.le(start, index), self.lt(index, end))
            if inside is not False:
                bit = self.select(self.both(inside, holds(index)), 1 << index, 0)
                found = self._or(found, bit)
        return found

    def filled(self, items: Set, start: Word, end: Word) -> Set:
        return self._or(items, self.span(start, end))

    def cleared(self, items: Set, start: Word, end: Word) -> Set:
        return self._without(items, self.cut(start, end))

    def dropped(self, items: Set, start: Word, end: Word, drop: Callable[[Word], Truth]) -> Set:
        return items if items == 0 else self._without(items, self._where(start, end, drop))

    def chosen(self, items: Set, start: Word, end: Word, keep: Callable[[Word], Truth]) -> Set:
        return self._or(self.cleared(items, start, end), self._where(start, end, keep))

    def all_in(self, items: Set, start: Word, end: Word) -> Truth:
        if isinstance(start, int) and isinstance(end, int) and start < end > self.width:
            return False
        wanted = self.span(start, end)
        return self.eq(self._and(items, wanted), wanted)

    def none_in(self, items: Set, start: Word, end: Word) -> Truth:
        return self.eq(self._and(items, self.cut(start, end)), 0)

    def _group(self, group: Word) -> int:
        if isinstance(group, Term):
            raise TypeError("a device just realized knows how many blocks a memslot has")
        return group

    def with_groups(self, items: Set, members: Set, group: Word) -> Set:
        size = self._group(group)
        for number, first in enumerate(range(0, self.width, size)):
            some = self.negate(self.none_in(members, first, min(first + size, self.width)))
            items = self._or(items, self.select(some, 1 << number, 0))
        return items

    def groups_within(self, items: Set, group: Word, outer: Set) -> Truth:
        size = self._group(group)
        return self.all_of(
            self.either(
                self.none_in(items, first, min(first + size, self.width)),
                self.member(outer, number),
            )
            for number, first in enumerate(range(0, self.width, size))
        )

    def all_below(self, items: Set, end: Word) -> Truth:
        return self.none_in(items, end, self.width)

    def every_member(self, items: Set, holds: Callable[[Word], Truth]) -> Truth:
        return self.all_of(
            self.either(self.negate(self.member(items, index)), holds(index))
            for index in range(self.width)
        )

    def member(self, items: Set, index: Word) -> Truth:
        return self.negate(self.none_in(items, index, self.add(index, 1)))

    def same_members(self, a: Set, b: Set) -> Truth:
        return self.eq(a, b)

    def count(self, items: Set) -> Word:
        return items.bit_count() if isinstance(items, int) else self.make("count", items)

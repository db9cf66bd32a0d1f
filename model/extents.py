"""An immutable set of non-negative integers kept as its sorted boundaries.

A member run [a, b) contributes the two boundaries a and b, so a 1 TiB region in 1 MiB blocks that
is wholly plugged takes two integers. A query costs one binary search, a change one copy of the
boundaries: cost follows how fragmented the set is, never how large its indices are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Extents:
    """A set of indices; `bounds` are the strictly ascending positions where membership flips."""

    bounds: tuple[int, ...] = ()

    EMPTY: ClassVar[Extents]

    @classmethod
    def of_ranges(cls, ranges: list[tuple[int, int]]) -> Extents:
        """The union of half-open ranges. Raises ValueError for an empty or negative range."""
        items = cls()
        for start, end in ranges:
            if not 0 <= start < end:
                raise ValueError(f"range [{start}, {end}) is empty or negative")
            items = items.with_range(start, end)
        return items

    def ranges(self) -> Iterator[tuple[int, int]]:
        """The maximal runs of members as half-open ranges, ascending."""
        bounds = iter(self.bounds)
        return zip(bounds, bounds, strict=True)

    def members(self, start: int, end: int) -> Iterator[int]:
        """The members of [start, end), ascending."""
        for a, b in self.ranges_within(start, end):
            yield from range(a, b)

    def ranges_within(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The maximal runs of members, cut to [start, end), ascending."""
        bounds = self.bounds
        at = bisect_right(bounds, start) & ~1
        while at < len(bounds) and bounds[at] < end:
            a, b = max(bounds[at], start), min(bounds[at + 1], end)
            if a < b:
                yield a, b
            at += 2

    def __contains__(self, index: int) -> bool:
        return bool(bisect_right(self.bounds, index) & 1)

    def __len__(self) -> int:
        return sum(self.bounds[1::2]) - sum(self.bounds[::2])

    def __bool__(self) -> bool:
        return bool(self.bounds)

    def all_in(self, start: int, end: int) -> bool:
        """Every index of [start, end) is a member; True for an empty range."""
        if start >= end:
            return True
        at = bisect_right(self.bounds, start)
        return bool(at & 1) and self.bounds[at] >= end

    def none_in(self, start: int, end: int) -> bool:
        """No index of [start, end) is a member; True for an empty range."""
        if start >= end:
            return True
        at = bisect_right(self.bounds, start)
        return not at & 1 and (at == len(self.bounds) or self.bounds[at] >= end)

    def with_range(self, start: int, end: int) -> Extents:
        """The set with every index of [start, end) added."""
        return self._spliced(start, end, 1) if start < end else self

    def without_range(self, start: int, end: int) -> Extents:
        """The set with every index of [start, end) removed."""
        return self._spliced(start, end, 0) if start < end else self

    def with_only(self, start: int, end: int, members: Iterable[int]) -> Extents:
        """The set whose members in [start, end) are exactly `members`, ascending and within it."""
        if start >= end:
            return self
        inside: list[int] = []
        for index in members:
            if inside and inside[-1] == index:
                inside[-1] = index + 1
            else:
                inside += (index, index + 1)
        bounds = self.without_range(start, end).bounds
        low, high = bisect_left(bounds, start), bisect_right(bounds, end)
        # Runs that meet at `start` or `end` become one: a boundary that both have is none.
        middle = sorted({*bounds[low:high]} ^ {*inside})
        return Extents((*bounds[:low], *middle, *bounds[high:]))

    def _spliced(self, start: int, end: int, inside: int) -> Extents:
        bounds = self.bounds
        low, high = bisect_left(bounds, start), bisect_right(bounds, end)
        # An even position lies outside a run: a boundary is owed where the new state differs.
        middle = ((start,) if low & 1 != inside else ()) + ((end,) if high & 1 != inside else ())
        return (
            self if bounds[low:high] == middle else Extents(bounds[:low] + middle + bounds[high:])
        )


Extents.EMPTY = Extents()

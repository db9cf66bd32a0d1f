"""Steps of a long trace, which are made anew instead of being held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final, TypeVar, overload

T = TypeVar("T")

HELD: Final = 4096
"""Steps of a trace that are held in memory; a longer one is made again each time that it is used.
"""


class Streamed(Sequence[T]):
    """So many steps, made by a function whenever they are gone through; none of them is held."""

    def __init__(self, make: Callable[[], Iterator[T]], count: int) -> None:
        self._make = make
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return self._make()

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice):
            first, last, stride = at.indices(self._count)
            if stride != 1:
                raise ValueError(f"every {stride}th of a stream: expected neighbours")
            return held(Streamed(partial(_part, self, first, last), max(last - first, 0)))
        place = at + self._count if at < 0 else at
        if not 0 <= place < self._count:
            raise IndexError(at)
        return next(islice(self._make(), place, None))


def held(steps: Sequence[T]) -> Sequence[T]:
    """The steps as a tuple, where they are few enough to be held."""
    return tuple(steps) if len(steps) <= HELD else steps


def _part(steps: Iterable[T], first: int, last: int) -> Iterator[T]:
    return islice(steps, first, last)

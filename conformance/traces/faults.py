"""Which of a request's memslots the host fails for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from model.state import NO_FAULTS, Faults


@dataclass(frozen=True, slots=True)
class FaultsAt(Faults[bool]):
    """Host operations that fail for one memslot alone: those for the memslots before it succeed.

    `memslot` counts, from 1 and in ascending order, those that the range of the request touches, or
    where it has none those with a plugged block; a larger number is the last one's. No rule reads
    it: a request that fails leaves everything as it was, wherever it fails.
    """

    memslot: int

    def anywhere(self) -> Faults[bool]:
        """The same operations failing for every memslot."""
        return Faults(self.discard, self.prealloc, self.populate)


def simpler_faults(faults: Faults[bool]) -> Iterator[Faults[bool]]:
    """None; then the same everywhere, or else one less."""
    yield NO_FAULTS
    if isinstance(faults, FaultsAt):
        yield faults.anywhere()
    else:
        for name in (name for name, fails in asdict(faults).items() if fails):
            yield replace(faults, **{name: False})

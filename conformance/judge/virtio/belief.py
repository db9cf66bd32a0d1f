"""What a driver can know of the block states from the responses it got."""

from __future__ import annotations

from dataclasses import dataclass

from model.extents import Extents
from model.state import BlockState


@dataclass(frozen=True, slots=True)
class Belief:
    """Block indices: `sure` are plugged, `maybe` adds those that may be; the others are not."""

    sure: Extents
    maybe: Extents

    @classmethod
    def nothing(cls) -> Belief:
        """Every block is unplugged."""
        return cls(Extents.EMPTY, Extents.EMPTY)

    @classmethod
    def anything(cls, blocks: int) -> Belief:
        """Any block of the region may be plugged."""
        return cls(Extents.EMPTY, Extents.EMPTY.with_range(0, blocks))

    def plugged(self, start: int, end: int) -> Belief:
        """The blocks [start, end) are plugged."""
        return Belief(self.sure.with_range(start, end), self.maybe.with_range(start, end))

    def unplugged(self, start: int, end: int) -> Belief:
        """The blocks [start, end) are not plugged."""
        return Belief(self.sure.without_range(start, end), self.maybe.without_range(start, end))

    def state(self, start: int, end: int) -> BlockState | None:
        """The state of the blocks [start, end), None where it is not known."""
        if self.sure.all_in(start, end):
            return BlockState.PLUGGED
        if self.maybe.none_in(start, end):
            return BlockState.UNPLUGGED
        if not self.sure.none_in(start, end) and not self.maybe.all_in(start, end):
            return BlockState.MIXED
        return None

    def allows(self, state: BlockState, start: int, end: int) -> bool:
        """The blocks [start, end), at least one, can have that state."""
        if state is BlockState.PLUGGED:
            return self.maybe.all_in(start, end)
        if state is BlockState.UNPLUGGED:
            return self.sure.none_in(start, end)
        one = end - start == 1
        return not (one or self.sure.all_in(start, end) or self.maybe.none_in(start, end))

    def told(self, state: BlockState, start: int, end: int) -> Belief:
        """What is known once a STATE answer that is allowed is known."""
        if state is BlockState.PLUGGED:
            return self.plugged(start, end)
        return self.unplugged(start, end) if state is BlockState.UNPLUGGED else self

    def counts(self, blocks: int) -> bool:
        """As many blocks can be plugged."""
        return len(self.sure) <= blocks <= len(self.maybe)

    def counted(self, blocks: int) -> Belief:
        """What is known once the number of plugged blocks, an allowed one, is known."""
        if blocks == len(self.sure):
            return Belief(self.sure, self.sure)
        return Belief(self.maybe, self.maybe) if blocks == len(self.maybe) else self

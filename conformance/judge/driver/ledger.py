"""The device as its answers tell: which blocks are plugged, how much is requested and usable."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.judge.driver.seen import Asked, Emptied, Requested, Seen, Usable
from model.extents import Extents
from model.state import Answer, Op


@dataclass(frozen=True, slots=True)
class Region:
    """The device's region (bytes)."""

    addr: int
    size: int
    block: int

    def blocks(self, addr: int, count: int) -> tuple[int, int]:
        """The block indices [first, end) of `count` blocks from an address in the region on."""
        first = (addr - self.addr) // self.block
        return first, first + count


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is plugged (block indices), requested and usable (bytes).

    The device is believed: its own rules are another oracle's to judge.
    """

    region: Region
    plugged: Extents = Extents.EMPTY
    requested: int = 0
    usable: int = 0

    @property
    def size(self) -> int:
        """The plugged size in bytes."""
        return len(self.plugged) * self.region.block

    def after(self, seen: Seen) -> Ledger:
        """The ledger once a record was seen."""
        if isinstance(seen, Requested):
            return replace(self, requested=seen.size)
        if isinstance(seen, Usable):
            return replace(self, usable=seen.size)
        if isinstance(seen, Emptied):
            return replace(self, plugged=Extents.EMPTY)
        if isinstance(seen, Asked) and seen.answer is Answer.ACK:
            return self._done(seen)
        return self

    def _done(self, asked: Asked) -> Ledger:
        first, end = self.region.blocks(asked.addr, asked.blocks)
        if asked.op is Op.PLUG:
            return replace(self, plugged=self.plugged.with_range(max(first, 0), end))
        if asked.op is Op.UNPLUG:
            return replace(self, plugged=self.plugged.without_range(max(first, 0), end))
        if asked.op is Op.UNPLUG_ALL:
            return replace(self, plugged=Extents.EMPTY)
        return self

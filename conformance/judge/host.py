"""What the host must see of a device's memory: what it costs, and what listeners know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from model.effects import Did
from model.extents import Extents
from model.observation import Constants, HostMemory, Told


def held_fault(constants: Constants, plugged: Extents, held: Sequence[HostMemory]) -> str | None:
    """The host holds memory for plugged blocks at most: what was unplugged was given back.

    `plugged` are block indices. The first range that tells otherwise, in one line.
    Source: VIRTIO, Memory Device, Device Operation; virtio_mem_set_block_state, which discards.
    """
    for part in held:
        offset = part.addr - constants.addr
        if not 0 <= offset <= constants.region or offset + part.size > constants.region:
            return f"{part.size} bytes at {part.addr:#x} are not inside the region"
        most = covered(plugged, constants.block, offset, part.size)
        if part.held > most:
            return (
                f"{part.held} bytes of host memory behind {part.size} bytes at {part.addr:#x}, "
                f"of which {most} are plugged"
            )
    return None


def covered(plugged: Extents, block: int, offset: int, size: int) -> int:
    """The plugged bytes of [offset, offset + size) of the region."""
    end = offset + size
    runs = plugged.ranges_within(offset // block, -(-end // block))
    return sum(min(last * block, end) - max(first * block, offset) for first, last in runs)


@dataclass(slots=True)
class Listeners:
    """What listeners (vhost, VFIO) know: the blocks that they were told to be populated."""

    known: Extents = field(default=Extents.EMPTY)

    def renewed(self) -> None:
        """The device was moved: those that listen to the new one know nothing yet."""
        self.known = Extents.EMPTY

    def hear(self, constants: Constants, told: Sequence[Told]) -> str | None:
        """Take note of what was told in a step, in order; in one line what is wrong with one."""
        for each in told:
            first, odd = divmod(each.addr - constants.addr, constants.block)
            end, rest = divmod(each.addr + each.size - constants.addr, constants.block)
            if odd or rest or not 0 <= first <= end <= constants.region // constants.block:
                return f"{each.heard.value} of {each.size} bytes at {each.addr:#x}: not its blocks"
            if each.heard is Did.POPULATE:
                self.known = self.known.with_range(first, end)
            else:
                self.known = self.known.without_range(first, end)
        return None

    def fault(self, sure: Extents, maybe: Extents) -> str | None:
        """Listeners know exactly the plugged blocks: all that are `sure`, none beyond `maybe`.

        Source: virtio_mem_notify_plug, virtio_mem_notify_unplug, virtio_mem_post_load.
        """
        for first, end in sure.ranges():
            if not self.known.all_in(first, end):
                return f"listeners were not told of all of the plugged blocks {first}..{end - 1}"
        for first, end in self.known.ranges():
            if not maybe.all_in(first, end):
                return f"listeners still know a block of {first}..{end - 1} that is not plugged"
        return None

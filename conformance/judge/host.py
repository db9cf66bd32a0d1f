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


def unaccounted(kept: Sequence[int], held: Sequence[HostMemory]) -> str | None:
    """While blocks are plugged some range is told of, and where bytes were `kept` in them, given by
    their addresses, a range with one of these: there is memory behind it. What is wrong, in one
    line.

    Source: VIRTIO, Memory Device, Device Operation: plugged memory holds what is written to it.
    """
    if not any(part.size for part in held):
        return "blocks are plugged, and no range is told of"
    around = [
        (addr, part) for addr in kept for part in held if part.addr <= addr < part.addr + part.size
    ]
    for addr, part in around:
        if not part.held:
            return (
                f"no host memory behind {part.size} bytes at {part.addr:#x}, "
                f"though {addr:#x} holds what was written"
            )
    if kept and not around:
        return f"no range is told of that has {kept[0]:#x}, which holds what was written"
    return None


def in_both(these: Extents, those: Extents) -> Extents:
    """What is among both."""
    runs = (run for each in these.ranges() for run in those.ranges_within(*each))
    return Extents.of_ranges(list(runs))


def covered(plugged: Extents, block: int, offset: int, size: int) -> int:
    """The plugged bytes of [offset, offset + size) of the region."""
    end = offset + size
    runs = plugged.ranges_within(offset // block, -(-end // block))
    return sum(min(last * block, end) - max(first * block, offset) for first, last in runs)


@dataclass(slots=True)
class Listeners:
    """What listeners (vhost, VFIO) know: the blocks that they were told to be populated."""

    known: Extents = field(default=Extents.EMPTY)
    heard: list[tuple[Did, Extents]] = field(default_factory=list)
    """What changed for them since somebody looked: neighbours of one kind are one."""

    def renewed(self) -> None:
        """The device was moved: those that listen to the new one know nothing yet."""
        self.known = Extents.EMPTY

    def hear(
        self, constants: Constants, told: Sequence[Told], staying: Extents | None = None
    ) -> str | None:
        """Take note of what was told in a step, in order; in one line what is wrong with one.

        `staying` are blocks that were plugged all the time, None where listeners may be told anew.
        VFIO would map a block twice that it is told of twice, and take away one that stays.
        """
        for each in told:
            first, odd = divmod(each.addr - constants.addr, constants.block)
            end, rest = divmod(each.addr + each.size - constants.addr, constants.block)
            if odd or rest or not 0 <= first <= end <= constants.region // constants.block:
                return f"{each.heard.value} of {each.size} bytes at {each.addr:#x}: not its blocks"
            blocks = f"{each.heard.value} of blocks {first}..{end - 1}"
            if each.heard is Did.POPULATE:
                if staying is not None and not self.known.none_in(first, end):
                    return f"{blocks}: listeners know one of them as plugged already"
                self._heard(each.heard, [(first, end)])
                self.known = self.known.with_range(first, end)
            else:
                if staying is not None and not staying.none_in(first, end):
                    return f"{blocks}: one of them was plugged and stays so"
                # Of what they do not know a discard tells them nothing.
                self._heard(each.heard, list(self.known.ranges_within(first, end)))
                self.known = self.known.without_range(first, end)
        return None

    def _heard(self, kind: Did, runs: list[tuple[int, int]]) -> None:
        if not runs:
            return
        whole = Extents.EMPTY
        if self.heard and self.heard[-1][0] is kind:
            _, whole = self.heard.pop()
        for first, end in runs:
            whole = whole.with_range(first, end)
        self.heard.append((kind, whole))

    def fault(self, sure: Extents, maybe: Extents) -> str | None:
        """Listeners know exactly the plugged blocks: all that are `sure`, none beyond `maybe`; they
        are told of each change once, and of nothing else.

        Source: virtio_mem_notify_plug, virtio_mem_notify_unplug, virtio_mem_post_load.
        """
        for first, end in sure.ranges():
            if not self.known.all_in(first, end):
                return f"listeners were not told of all of the plugged blocks {first}..{end - 1}"
        for first, end in self.known.ranges():
            if not maybe.all_in(first, end):
                return f"listeners still know a block of {first}..{end - 1} that is not plugged"
        return None

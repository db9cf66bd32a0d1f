"""What a device's memory must do where it was written: the judgement over probes."""

from __future__ import annotations

from collections.abc import Sequence

from model.observation import Probe
from model.profiles import Mapping
from model.state import ConcreteState, Fixed


def memory_fault(
    fixed: Fixed[int, bool], state: ConcreteState, probes: Sequence[Probe]
) -> str | None:
    """A plugged block holds what is written to it, and nothing holds what is written where no
    memslot is mapped; an unplugged block in a mapped memslot may do either.

    The first probe that tells otherwise, in one line; None if none does.
    Source: VIRTIO, Memory Device, Device Operation; virtio_mem_activate_memslot.
    """
    for probe in probes:
        block, rest = divmod(probe.addr - fixed.addr, fixed.block)
        if not 0 <= probe.addr - fixed.addr < fixed.region:
            return f"{probe.addr:#x} is outside the region"
        slot = (probe.addr - fixed.addr) // fixed.slots.size
        where = f"byte {rest} of block {block} (memslot {slot})"
        if block in state.plugged:
            if not probe.held:
                since = "" if probe.fresh else " earlier"
                return f"{where} is plugged and does not hold what was written{since}"
        elif fixed.mapping is not Mapping.STATIC and slot not in state.mapped and probe.held:
            return f"{where} is in a memslot that is not mapped and holds what was written"
    return None

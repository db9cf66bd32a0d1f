"""What the model says that QEMU decides for the virtio-mem devices of a machine."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.targets.qemu.decision_grid import DecisionCase, Device
from conformance.targets.qemu.machine import DIMM_SIZE
from model.arithmetic import MIB
from model.caller import demand_for, device_limit
from model.geometry import (
    MIN_BLOCK_SIZE,
    DecisionInput,
    decide_memslots,
    default_block_size,
    effective_block,
    realized_memslots,
    slot_length,
    slot_start,
)
from model.machine_ints import INTS
from model.profiles import QEMU, Mapping

_HUGE_PAGES: Final = Path("/sys/kernel/mm/transparent_hugepage")
_X86_HUGE_PAGE: Final = 2 * MIB

Slots = dict[int, tuple[int, int]]
"""Number of a memslot to its offset in the region and its size (bytes)."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The decision for one device: `count` memslots within `limit`; all else in bytes.

    `size` is that of every memslot but the last, `last` that of the last. `slots` are the memslots
    of the device's own: none where its memory is mapped as a whole, which counts as one memslot.
    """

    limit: int
    block: int
    count: int
    size: int
    last: int
    slots: Slots


def expectations(case: DecisionCase) -> tuple[Expectation, ...]:
    """The model's decisions for the earlier devices of a case and then for its own.

    Raises ValueError where a device does not fit the device space left.
    """
    used_space, required = case.dimms * DIMM_SIZE, case.dimms
    found: list[Expectation] = []
    for device in (*case.earlier, case.device):
        demand = demand_for(
            size=device.region,
            device_space=case.device_space,
            used_space=used_space,
            required=required,
        )
        found.append(_expectation(device, device_limit(demand)))
        used_space += device.region
        required += found[-1].count
    return tuple(found)


def _expectation(device: Device, limit: int) -> Expectation:
    # The backend of `machine_args` has ordinary pages.
    page = mmap.PAGESIZE
    question = DecisionInput(
        region=device.region,
        block=device.block,
        limit=limit,
        page=page,
        default_block=default_block_size(INTS, page, page, _huge_page_size()),
        option=device.option,
        has_ram=True,
    )
    slots = realized_memslots(INTS, device.region, decide_memslots(INTS, question))

    def length(number: int) -> int:
        return slot_length(INTS, slots, device.region, number)

    static = QEMU.mapping_for(option=device.option, inaccessible=True) is Mapping.STATIC
    return Expectation(
        limit=limit,
        block=effective_block(INTS, question),
        count=slots.count,
        size=slots.size,
        last=length(slots.count - 1),
        slots={
            number: (slot_start(INTS, slots, number), length(number))
            for number in range(0 if static else slots.count)
        },
    )


def _huge_page_size() -> int:
    """This host's transparent huge page size, as QEMU finds it. Source: virtio_mem_thp_size."""
    if not _HUGE_PAGES.exists():
        return MIN_BLOCK_SIZE
    try:
        return int((_HUGE_PAGES / "hpage_pmd_size").read_text())
    except OSError:
        return _X86_HUGE_PAGE

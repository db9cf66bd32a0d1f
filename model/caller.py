"""The memslot limit that QEMU's memory-device core hands to the decision function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SAFE_MAX_MEMSLOTS: Final = 509
"""Memslots. Source: MEMORY_DEVICES_SAFE_MAX_MEMSLOTS, include/hw/mem/memory-device.h."""
SOFT_MEMSLOT_LIMIT: Final = 256
"""Memslots over all memory devices. Source: MEMORY_DEVICES_SOFT_MEMSLOT_LIMIT, same file."""
UNLIMITED: Final = (1 << 32) - 1
"""UINT_MAX: what vhost reports where no vhost device exists. Source: vhost_get_max_memslots."""


@dataclass(frozen=True, slots=True)
class MemslotDemand:
    """What the core knows when a memory device of `size` bytes asks to be plugged.

    `device_space` is maxmem less the boot memory and `used_space` the part of it that earlier
    memory devices took (bytes). `required` and `used` count memslots: promised to earlier devices,
    and mapped by them now. `maximum` and `free` are the smaller of KVM's and vhost's figures.
    """

    size: int
    device_space: int
    used_space: int = 0
    required: int = 0
    used: int = 0
    maximum: int = UNLIMITED
    free: int = UNLIMITED


def decision_limit(demand: MemslotDemand) -> int:
    """The `limit` argument of decide_memslots, at least 1.

    A device that fits gets at most 256; the share of a partial one is computed in C doubles, which
    Python floats are. Raises ValueError where the device does not fit the space left: the core
    also computes a limit then, but refuses the device right after.
    Source: memory_device_memslot_decision_limit, hw/mem/memory-device.c, QEMU 8.2 and later.
    """
    available = demand.device_space - demand.used_space
    if not 0 < demand.size <= available:
        raise ValueError(f"a device of {demand.size} bytes does not fit {available} bytes of space")
    reserved = max(demand.required - demand.used, 0)
    if demand.maximum < SAFE_MAX_MEMSLOTS or demand.required >= SOFT_MEMSLOT_LIMIT:
        return 1
    if demand.free <= reserved:
        return 1
    memslots = min(SOFT_MEMSLOT_LIMIT - demand.required, demand.free - reserved)
    if demand.size == demand.device_space:
        return memslots
    return max(int(float(memslots) * float(demand.size) / float(available)), 1)

"""The memslot limit that QEMU's memory-device core hands to the decision function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic

from model.arithmetic import B, Doubles, W, Words, maximum, minimum
from model.machine_ints import INTS

SAFE_MAX_MEMSLOTS: Final = 509
"""Memslots. Source: MEMORY_DEVICES_SAFE_MAX_MEMSLOTS, include/hw/mem/memory-device.h."""
SOFT_MEMSLOT_LIMIT: Final = 256
"""Memslots over all memory devices. Source: MEMORY_DEVICES_SOFT_MEMSLOT_LIMIT, same file."""
UNLIMITED: Final = (1 << 32) - 1
"""UINT_MAX: what vhost reports where no vhost device exists. Source: vhost_get_max_memslots."""


@dataclass(frozen=True, slots=True)
class MemslotDemand(Generic[W]):
    """What the core knows when a memory device of `size` bytes asks to be plugged.

    `device_space` is maxmem less the boot memory and `used_space` the part of it that earlier
    memory devices took (bytes). `required` and `used` count memslots: promised to earlier devices,
    and mapped by them now. `maximum` and `free` are the smaller of KVM's and vhost's figures.
    """

    size: W
    device_space: W
    used_space: W
    required: W
    used: W
    maximum: W
    free: W


def demand_for(
    size: int,
    device_space: int,
    used_space: int = 0,
    required: int = 0,
    used: int = 0,
    maximum: int = UNLIMITED,
    free: int = UNLIMITED,
) -> MemslotDemand[int]:
    """The demand of a device in a machine with no other device and no limit but those given."""
    return MemslotDemand(size, device_space, used_space, required, used, maximum, free)


def reserved_memslots(d: Words[W, B], required: W, used: W) -> W:
    """Memslots that were promised to memory devices and are not mapped yet.

    Source: get_reserved_memslots, hw/mem/memory-device.c, QEMU 8.2 and later.
    """
    if d.test(d.lt(required, used)):
        return d.lit(0)
    return d.sub(required, used)


def memslot_proportion(d: Doubles[W, B], memslots: W, size: W, available: W) -> W:
    """The part of `memslots` that `size` bytes of `available` ones come to, as C doubles tell it.

    Source: memory_device_memslot_decision_limit: (double)memslots * size / available_space, stored
    to an unsigned int.
    """
    product = d.double_product(d.double(memslots), d.double(size))
    return d.double_quotient(product, d.double(available))


def decision_limit(d: Doubles[W, B], c: MemslotDemand[W]) -> W:
    """The `limit` argument of decide_memslots, at least 1, and at most 256 for a device that fits.

    The core also computes a limit for a device that it refuses right after for lack of space.
    Source: memory_device_memslot_decision_limit, hw/mem/memory-device.c, QEMU 8.2 and later.
    """
    reserved = reserved_memslots(d, c.required, c.used)
    if d.test(d.lt(c.maximum, d.lit(SAFE_MAX_MEMSLOTS))):
        return d.lit(1)
    if d.test(d.le(d.lit(SOFT_MEMSLOT_LIMIT), c.required)):
        return d.lit(1)
    if d.test(d.le(c.free, reserved)):
        return d.lit(1)
    left = d.sub(d.lit(SOFT_MEMSLOT_LIMIT), c.required)
    memslots = minimum(d, left, d.sub(c.free, reserved))
    if d.test(d.eq(c.size, c.device_space)):
        return memslots
    available = d.sub(c.device_space, c.used_space)
    return maximum(d, memslot_proportion(d, memslots, c.size, available), d.lit(1))


def device_limit(c: MemslotDemand[int]) -> int:
    """The limit for a device that fits. Raises ValueError for one that does not fit the space left:
    the core refuses it whatever limit it computed."""
    available = c.device_space - c.used_space
    if not 0 < c.size <= available:
        raise ValueError(f"a device of {c.size} bytes does not fit {available} bytes of space")
    return decision_limit(INTS, c)

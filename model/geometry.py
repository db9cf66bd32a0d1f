"""How a device memory region is cut into memslots: the decision function and the slot bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic

from model.arithmetic import (
    GIB,
    MIB,
    U16_BITS,
    UINT_BITS,
    B,
    W,
    Words,
    align_up,
    ceil_div,
    is_aligned,
    maximum,
)

MIN_BLOCK_SIZE: Final = MIB
"""Bytes. Source: VIRTIO_MEM_MIN_BLOCK_SIZE, enforced by virtio_mem_set_block_size."""
MIN_MEMSLOT_SIZE: Final = GIB
"""Bytes. Source: VIRTIO_MEM_MIN_MEMSLOT_SIZE (patch hunk at virtio_mem_default_thp_size)."""


@dataclass(frozen=True, slots=True)
class DecisionInput(Generic[W, B]):
    """What virtio_mem_decide_memslots reads.

    `region`, `block` and `page` (the backend's page size) are bytes; `limit` is a number of
    memslots, a 32-bit unsigned in C. `option` is multiple-memslots (patch v2) or dynamic-memslots
    (QEMU 8.2 and later); `has_ram` says that a memory backend with RAM is attached. A `block` of 0
    stands for "not configured": the rule then takes `default_block`.
    """

    region: W
    block: W
    limit: W
    page: W
    default_block: W
    option: B
    has_ram: B


@dataclass(frozen=True, slots=True)
class Memslots(Generic[W]):
    """How many memslots, and the bytes of each but the last (0 where C leaves the size unset)."""

    count: W
    size: W


def default_block_size(d: Words[W, B], page: W, host_page: W, thp: W) -> W:
    """The block size in bytes of a device for which the user gave none.

    `page` is the backend's page size, `host_page` the host's, `thp` the transparent huge page size.
    Source: virtio_mem_default_block_size.
    """
    ordinary = d.eq(page, host_page)
    return maximum(d, page, d.select(ordinary, thp, d.lit(MIN_BLOCK_SIZE)))


def effective_block(d: Words[W, B], c: DecisionInput[W, B]) -> W:
    """The configured block size, or the default where none was configured (bytes)."""
    return d.select(d.eq(c.block, d.lit(0)), c.default_block, c.block)


def memslot_share(d: Words[W, B], c: DecisionInput[W, B], block: W) -> W:
    """An equal share of the region for each of `limit` memslots, in whole blocks (bytes)."""
    return align_up(d, d.div(c.region, c.limit), block)


def minimum_memslot(d: Words[W, B], block: W) -> W:
    """The smallest size of any memslot but the last (bytes)."""
    return maximum(d, block, d.lit(MIN_MEMSLOT_SIZE))


def memslot_size(d: Words[W, B], c: DecisionInput[W, B], block: W) -> W:
    """The size of every memslot but the last, where there are several (bytes)."""
    return maximum(d, memslot_share(d, c, block), minimum_memslot(d, block))


def single_memslot(d: Words[W, B], c: DecisionInput[W, B]) -> bool:
    """One memslot is asked for, or realize is going to fail anyway."""
    if d.test(d.le(c.limit, d.lit(1))) or not d.test(c.option) or not d.test(c.has_ram):
        return True
    block = effective_block(d, c)
    return d.test(d.lt(block, c.page)) or not d.test(is_aligned(d, c.region, block))


def decide_memslots(d: Words[W, B], c: DecisionInput[W, B]) -> Memslots[W]:
    """The number and size of memslots a device chooses for itself.

    The count is computed as a 64-bit quotient, kept in an `unsigned int` and stored to a uint16_t;
    the size stays unset (0) where the `unsigned int` is 1. Source: patch hunk
    virtio_mem_decide_memslots; the same function in QEMU 8.2 and later.
    """
    if single_memslot(d, c):
        return Memslots(count=d.lit(1), size=d.lit(0))
    size = memslot_size(d, c, effective_block(d, c))
    count = d.narrow(ceil_div(d, c.region, size), UINT_BITS)
    if d.test(d.eq(count, d.lit(1))):
        size = d.lit(0)
    return Memslots(count=d.narrow(count, U16_BITS), size=size)


def realized_memslots(d: Words[W, B], region: W, decided: Memslots[W]) -> Memslots[W]:
    """The memslots once the device is realized: a single one (or none decided) spans the region.

    Source: patch hunk virtio_mem_device_realize, before virtio_mem_prepare_memslots.
    """
    if d.test(d.le(decided.count, d.lit(1))):
        return Memslots(count=d.lit(1), size=region)
    return decided


def slot_start(d: Words[W, B], slots: Memslots[W], index: W) -> W:
    """Offset of a memslot in the region (bytes). Source: virtio_mem_prepare_memslots."""
    return d.mul(index, slots.size)


def slot_length(d: Words[W, B], slots: Memslots[W], region: W, index: W) -> W:
    """Size of a memslot (bytes); the last takes what is left of the region.

    Source: virtio_mem_prepare_memslots and virtio_mem_deactivate_unplugged_memslots.
    """
    last = d.eq(index, d.sub(slots.count, d.lit(1)))
    return d.select(last, d.sub(region, slot_start(d, slots, index)), slots.size)


def first_slot(d: Words[W, B], slots: Memslots[W], offset: W) -> W:
    """Index of the memslot that holds the byte at `offset` of the region.

    Source: start_idx of virtio_mem_activate_memslots_to_plug, an `unsigned int`.
    """
    return d.narrow(d.div(offset, slots.size), UINT_BITS)


def end_slot(d: Words[W, B], slots: Memslots[W], offset: W, size: W) -> W:
    """One past the index of the last memslot that [offset, offset + size) touches.

    Source: end_idx of virtio_mem_activate_memslots_to_plug, an `unsigned int`.
    """
    return d.narrow(ceil_div(d, d.add(offset, size), slots.size), UINT_BITS)

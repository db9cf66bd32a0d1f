"""What KVM allocates for each mapped memslot, the cost that several memslots save.

Source: the patch's first page, items (1) to (4), for x86 with 4 KiB guest pages; the number of
entries of a memslot that is not aligned is that of `__kvm_mmu_slot_lpages`, arch/x86/kvm/mmu.h.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Final

from model.arithmetic import GIB, MIB, align_up, ceil_div
from model.events import realize
from model.extents import Extents
from model.geometry import slot_length, slot_start
from model.machine_ints import INTS
from model.mapping import mapped_for_blocks
from model.profiles import Mapping
from model.state import Fixed

PAGE: Final = 4096
"""Bytes of a guest page."""
HUGE_PAGE: Final = 2 * MIB
LONG_BITS: Final = 64
"""A dirty bitmap is whole `long`s. Source: kvm_dirty_bitmap_bytes, include/linux/kvm_host.h."""

Span = tuple[int, int]
"""A memslot as offset in the region and size, both in bytes."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Bytes that KVM allocates, by item, once: for one address space.

    `rmap_*`: reverse maps, 8 bytes a page of each size; the TDP MMU allocates them only when a
    nested guest needs them. `gfn_track`: 2 bytes a 4 KiB page. `lpage_info_*`: 4 bytes a large page
    of each size. `dirty_bitmaps`: 2 bitmaps of 1 bit a 4 KiB page, while dirty pages are logged.
    """

    rmap_4k: int = 0
    rmap_2m: int = 0
    rmap_1g: int = 0
    gfn_track: int = 0
    lpage_info_2m: int = 0
    lpage_info_1g: int = 0
    dirty_bitmaps: int = 0

    def __add__(self, other: Metadata) -> Metadata:
        return Metadata(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def rmap(self) -> int:
        """Item (1), in bytes."""
        return self.rmap_4k + self.rmap_2m + self.rmap_1g

    @property
    def lpage_info(self) -> int:
        """Item (3), in bytes."""
        return self.lpage_info_2m + self.lpage_info_1g

    def total(self, *, smm: bool, tdp_mmu: bool) -> int:
        """All items in bytes. With SMM every memslot exists twice, with the TDP MMU no rmap does.

        Source: the patch's first page, below the items.
        """
        once = self.gfn_track + self.lpage_info + self.dirty_bitmaps
        if not tdp_mmu:
            once += self.rmap
        return 2 * once if smm else once


NOTHING: Final = Metadata()


def pages_touched(addr: int, size: int, page: int) -> int:
    """How many pages of `page` bytes [addr, addr + size) touches, all in bytes; `size` > 0.

    Source: gfn_to_index and __kvm_mmu_slot_lpages.
    """
    return (addr + size - 1) // page - addr // page + 1


def memslot_metadata(addr: int, size: int) -> Metadata:
    """What KVM allocates for one memslot of `size` bytes at the guest physical address `addr`."""
    small, huge, giant = (pages_touched(addr, size, page) for page in (PAGE, HUGE_PAGE, GIB))
    return Metadata(
        rmap_4k=8 * small,
        rmap_2m=8 * huge,
        rmap_1g=8 * giant,
        gfn_track=2 * small,
        lpage_info_2m=4 * huge,
        lpage_info_1g=4 * giant,
        dirty_bitmaps=2 * align_up(INTS, small, LONG_BITS) // 8,
    )


def metadata_of(addr: int, spans: Iterable[Span]) -> Metadata:
    """What KVM allocates for all these memslots of a region at `addr`."""
    return sum((memslot_metadata(addr + start, size) for start, size in spans), NOTHING)


def slot_spans(fixed: Fixed[int, bool], slots: Extents) -> tuple[Span, ...]:
    """Where the memslots with these indices lie in the region."""
    return tuple(
        (slot_start(INTS, fixed.slots, i), slot_length(INTS, fixed.slots, fixed.region, i))
        for start, end in slots.ranges()
        for i in range(start, end)
    )


def mapped_if_packed(fixed: Fixed[int, bool], plugged: int) -> Extents:
    """The memslots mapped once `plugged` bytes, all of them requested, fill the region's start.

    No placement of the same blocks maps fewer. Follows `realize` and `mapped_for_blocks`.
    """
    mapped = realize(INTS, replace(fixed, start_requested=plugged)).mapped
    if fixed.mapping is not Mapping.PLUGGED:
        return mapped
    blocks = Extents.EMPTY.with_range(0, ceil_div(INTS, plugged, fixed.block))
    return mapped_for_blocks(INTS, fixed, mapped, blocks)


def mapped_at_most(fixed: Fixed[int, bool], plugged: int) -> Extents:
    """The memslots mapped where the guest plugs `plugged` bytes as scattered as it can.

    The last memslot, which may be smaller, comes last.
    """
    if fixed.mapping is not Mapping.PLUGGED:
        return mapped_if_packed(fixed, plugged)
    blocks = ceil_div(INTS, plugged, fixed.block)
    return Extents.EMPTY.with_range(0, min(fixed.slots.count, blocks))

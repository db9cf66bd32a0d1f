"""Which memslots are mapped: the loops that follow plugging, unplugging and resizing.

Each C loop touches only the memslot of its own iteration, so it is written as one change of the
index set with the loop body as a predicate on the index.
"""

from __future__ import annotations

from dataclasses import replace

from model.arithmetic import B, Domain, S, W, align_up, minimum
from model.effects import Did, Effect, Effects
from model.geometry import end_slot, first_slot, slot_length, slot_start
from model.profiles import Mapping
from model.state import Fixed, State


def block_index(d: Domain[W, B, S], f: Fixed[W, B], offset: W) -> W:
    """Index of the block that starts at `offset` bytes into the region."""
    return d.div(offset, f.block)


def range_plugged(d: Domain[W, B, S], f: Fixed[W, B], plugged: S, offset: W, size: W) -> B:
    """All blocks of the range are plugged. Source: virtio_mem_is_range_plugged."""
    first = block_index(d, f, offset)
    return d.all_in(plugged, first, d.add(first, d.div(size, f.block)))


def range_unplugged(d: Domain[W, B, S], f: Fixed[W, B], plugged: S, offset: W, size: W) -> B:
    """No block of the range is plugged. Source: virtio_mem_is_range_unplugged."""
    first = block_index(d, f, offset)
    return d.none_in(plugged, first, d.add(first, d.div(size, f.block)))


def mapped_for_plug(d: Domain[W, B, S], f: Fixed[W, B], mapped: S, offset: W, size: W) -> S:
    """The mapped memslots once those that [offset, offset + size) touches are added.

    Source: patch hunk virtio_mem_activate_memslots_to_plug.
    """
    if f.mapping is not Mapping.PLUGGED:
        return mapped
    start = first_slot(d, f.slots, offset)
    return d.filled(mapped, start, end_slot(d, f.slots, offset, size))


def mapped_for_blocks(d: Domain[W, B, S], f: Fixed[W, B], mapped: S, plugged: S) -> S:
    """The mapped memslots once all that hold a block of `plugged` are added.

    Source: virtio_mem_post_load_bitmap, which activates for every plugged range in turn.
    """
    return d.with_groups(mapped, plugged, d.div(f.slots.size, f.block))


def mapped_after_unplug(
    d: Domain[W, B, S], f: Fixed[W, B], mapped: S, plugged: S, offset: W, size: W
) -> S:
    """The mapped memslots once those left without plugged blocks are removed.

    A memslot that lies wholly inside [offset, offset + size) goes unasked; one that the range cuts
    goes only if none of its blocks is in `plugged`.
    Source: patch hunk virtio_mem_deactivate_unplugged_memslots.
    """
    if f.mapping is not Mapping.PLUGGED:
        return mapped

    def drop(index: W) -> B:
        start = slot_start(d, f.slots, index)
        length = slot_length(d, f.slots, f.region, index)
        cut = d.either(d.lt(start, offset), d.lt(d.add(offset, size), d.add(start, length)))
        return d.either(d.negate(cut), range_unplugged(d, f, plugged, start, length))

    start = first_slot(d, f.slots, offset)
    return d.dropped(mapped, start, end_slot(d, f.slots, offset, size), drop)


def usable_size(d: Domain[W, B, S], f: Fixed[W, B], requested: W) -> W:
    """The usable region size for a requested size, both in bytes.

    Source: virtio_mem_resize_usable_region.
    """
    reach = minimum(d, f.region, d.add(requested, f.extent))
    return d.select(d.eq(requested, d.lit(0)), d.lit(0), align_up(d, reach, f.block))


def resize_usable_region(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], requested: W, *, can_shrink: bool
) -> State[W, B, S]:
    """Fit the usable region to `requested` bytes; without `can_shrink` it only grows.

    Where mapping follows the usable region, a memslot ends up mapped exactly if the usable region
    covers its start. Source: virtio_mem_resize_usable_region with the patch hunk there.
    """
    usable = usable_size(d, f, requested)
    if not can_shrink and d.test(d.lt(usable, s.usable)):
        return s
    mapped = s.mapped
    if f.mapping is Mapping.USABLE:
        mapped = d.chosen(
            mapped,
            d.lit(0),
            f.slots.count,
            lambda index: d.lt(slot_start(d, f.slots, index), usable),
        )
    return replace(s, usable=usable, mapped=mapped)


def remapped(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> Effects[W, B, S]:
    """The transaction in which memslots follow a usable region just fitted, if they follow it.

    Source: patch hunk virtio_mem_resize_usable_region.
    """
    if f.mapping is not Mapping.USABLE:
        return ()
    return (Effect(Did.REMAP, s.plugged, s.mapped, d.lit(0), f.region, d.truth(True)),)

"""What the device does with a guest's requests, failure paths included."""

from __future__ import annotations

from dataclasses import replace

from model.arithmetic import B, Domain, S, W, is_aligned
from model.mapping import (
    block_index,
    mapped_after_unplug,
    mapped_for_plug,
    range_plugged,
    range_unplugged,
    resize_usable_region,
)
from model.state import (
    Action,
    Answer,
    BlockState,
    Faults,
    Fixed,
    Heard,
    Notice,
    Notices,
    Op,
    Result,
    State,
)


def request_size(d: Domain[W, B, S], f: Fixed[W, B], a: Action[W, B]) -> W:
    """Bytes that a range request covers. Source: virtio_mem_state_change_request."""
    return d.mul(a.blocks, f.block)


def valid_range(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], addr: W, size: W) -> bool:
    """The range is block-aligned, not empty, and inside the usable region.

    `addr` is any 64-bit guest physical address, so the sum may wrap and the rule looks for that.
    Source: virtio_mem_valid_range.
    """
    if not d.test(is_aligned(d, addr, f.block)):
        return False
    end = d.wrapping_add(addr, size)
    if d.test(d.lt(end, addr)) or d.test(d.eq(size, d.lit(0))):
        return False
    usable_end = d.add(f.addr, s.usable)
    if d.test(d.lt(addr, f.addr)) or d.test(d.le(usable_end, addr)):
        return False
    return not d.test(d.lt(usable_end, end))


def plug(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> Result[W, B, S]:
    """PLUG maps the memslots that the range touches, tells the listeners, and marks the blocks.

    Where a listener refuses, the memslots without a plugged block are unmapped again. Listeners may
    replay the plugged blocks as soon as memslots are mapped, and see the new ones unplugged then.

    Source: virtio_mem_state_change_request and virtio_mem_set_block_state, plug = true.
    """
    size = request_size(d, f, a)
    if not valid_range(d, f, s, a.addr, size):
        return Result(s, Answer.ERROR)
    if d.test(d.lt(s.requested, d.add(s.size, size))):
        return Result(s, Answer.NACK)
    offset = d.sub(a.addr, f.addr)
    if not d.test(range_unplugged(d, f, s.plugged, offset, size)):
        return Result(s, Answer.ERROR)
    if d.test(s.busy):
        return Result(s, Answer.BUSY)
    if d.test(d.both(f.prealloc, a.faults.prealloc)):
        return Result(s, Answer.BUSY)
    mapped = mapped_for_plug(d, f, s.mapped, offset, size)
    told: Notices[W, S] = (
        Notice(Heard.MAP, s.plugged, mapped, offset, size),
        Notice(Heard.POPULATE, s.plugged, mapped, offset, size),
    )
    if d.test(a.faults.populate):
        mapped = mapped_after_unplug(d, f, mapped, s.plugged, offset, size)
        told = (*told, Notice(Heard.UNMAP, s.plugged, mapped, offset, size))
        return Result(replace(s, mapped=mapped), Answer.BUSY, notices=told)
    first = block_index(d, f, offset)
    plugged = d.filled(s.plugged, first, d.add(first, d.div(size, f.block)))
    grown = replace(s, plugged=plugged, mapped=mapped, size=d.add(s.size, size))
    return Result(grown, Answer.ACK, notices=told)


def unplug(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """UNPLUG marks the blocks, then unmaps the memslots that are left without a plugged one.

    Source: virtio_mem_state_change_request and virtio_mem_set_block_state, plug = false.
    """
    size = request_size(d, f, a)
    if not valid_range(d, f, s, a.addr, size):
        return Result(s, Answer.ERROR)
    offset = d.sub(a.addr, f.addr)
    if not d.test(range_plugged(d, f, s.plugged, offset, size)):
        return Result(s, Answer.ERROR)
    if d.test(s.busy) or d.test(a.faults.discard):
        return Result(s, Answer.BUSY)
    discard = Notice(Heard.DISCARD, s.plugged, s.mapped, offset, size)
    first = block_index(d, f, offset)
    plugged = d.cleared(s.plugged, first, d.add(first, d.div(size, f.block)))
    mapped = mapped_after_unplug(d, f, s.mapped, plugged, offset, size)
    unmap = Notice(Heard.UNMAP, plugged, mapped, offset, size)
    shrunk = replace(s, plugged=plugged, mapped=mapped, size=d.sub(s.size, size))
    return Result(shrunk, Answer.ACK, notices=(discard, unmap))


def unplug_everything(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], faults: Faults[B]
) -> Result[W, B, S]:
    """Unplug all blocks and fit the usable region; the core of UNPLUG_ALL and of a system reset.

    Source: virtio_mem_unplug_all; patch v2 adds a BUSY check ahead of the test for plugged blocks.
    """
    told: Notices[W, S] = ()
    if f.profile.busy_before_empty and d.test(s.busy):
        return Result(s, Answer.BUSY)
    if d.test(d.lt(d.lit(0), s.size)):
        if d.test(s.busy) or d.test(faults.discard):
            return Result(s, Answer.BUSY)
        discard = Notice(Heard.DISCARD, s.plugged, s.mapped, d.lit(0), f.region)
        plugged = d.no_blocks()
        mapped = mapped_after_unplug(d, f, s.mapped, plugged, d.lit(0), f.region)
        told = (discard, Notice(Heard.UNMAP, plugged, mapped, d.lit(0), f.region))
        s = replace(s, plugged=plugged, mapped=mapped, size=d.lit(0))
    s = resize_usable_region(d, f, s, s.requested, can_shrink=True)
    return Result(s, Answer.ACK, notices=told)


def unplug_all(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """UNPLUG_ALL unplugs every block, unmaps the memslots, and fits the usable region.

    Source: virtio_mem_unplug_all_request.
    """
    return unplug_everything(d, f, s, a.faults)


def report_state(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """STATE: answered even while busy. Source: virtio_mem_state_request."""
    size = request_size(d, f, a)
    if not valid_range(d, f, s, a.addr, size):
        return Result(s, Answer.ERROR)
    offset = d.sub(a.addr, f.addr)
    if d.test(range_plugged(d, f, s.plugged, offset, size)):
        return Result(s, Answer.ACK, BlockState.PLUGGED)
    if d.test(range_unplugged(d, f, s.plugged, offset, size)):
        return Result(s, Answer.ACK, BlockState.UNPLUGGED)
    return Result(s, Answer.ACK, BlockState.MIXED)


def violate(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """An unknown request type or a buffer too short breaks the device until its next reset.

    Source: virtio_mem_handle_request, which answers nothing and calls virtio_error; that one asks
    for a reset in the device status and notifies the driver of it.
    """
    return Result(replace(s, broken=d.truth(True)), Answer.VIOLATION, notified=True)


REQUEST_RULES = {
    Op.PLUG: plug,
    Op.UNPLUG: unplug,
    Op.UNPLUG_ALL: unplug_all,
    Op.STATE: report_state,
    Op.UNKNOWN: violate,
    Op.SHORT: violate,
}

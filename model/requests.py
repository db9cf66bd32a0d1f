"""What the device does with a guest's requests, failure paths included."""

from __future__ import annotations

from dataclasses import replace

from model.answers import report_state, request_size, valid_range, violate
from model.arithmetic import B, Domain, S, W
from model.effects import Did, Effect, Effects
from model.mapping import (
    block_index,
    mapped_after_unplug,
    mapped_for_plug,
    range_plugged,
    range_unplugged,
    remapped,
    resize_usable_region,
)
from model.profiles import Mapping
from model.state import (
    Action,
    Answer,
    Faults,
    Fixed,
    Op,
    Result,
    State,
)


def plug(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> Result[W, B, S]:
    """PLUG maps the memslots that the range touches, tells the listeners, and marks the blocks.

    Memory is allocated before, if that was asked for. Where that fails or a listener refuses, the
    memslots without a plugged block are unmapped again and the host memory of the range is given
    back, as far as that works. Listeners may replay the plugged blocks as soon as memslots are
    mapped, and see the new ones unplugged then.

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
    yes, no = d.truth(True), d.truth(False)
    back = d.negate(a.faults.discard)
    effects: Effects[W, B, S] = ()
    if d.test(f.prealloc):
        if d.test(a.faults.prealloc):
            tried = Effect(Did.HOST_PREALLOC, s.plugged, s.mapped, offset, size, no)
            undo = Effect(Did.HOST_DISCARD, s.plugged, s.mapped, offset, size, back)
            return Result(s, Answer.BUSY, effects=(tried, undo))
        effects = (Effect(Did.HOST_PREALLOC, s.plugged, s.mapped, offset, size, yes),)
    mapped = mapped_for_plug(d, f, s.mapped, offset, size)
    if f.mapping is Mapping.PLUGGED:
        effects = (*effects, Effect(Did.MAP, s.plugged, mapped, offset, size, yes))
    accepted = d.negate(a.faults.populate)
    effects = (*effects, Effect(Did.POPULATE, s.plugged, mapped, offset, size, accepted))
    if d.test(a.faults.populate):
        mapped = mapped_after_unplug(d, f, mapped, s.plugged, offset, size)
        if f.mapping is Mapping.PLUGGED:
            effects = (*effects, Effect(Did.UNMAP, s.plugged, mapped, offset, size, yes))
        effects = (*effects, Effect(Did.HOST_DISCARD, s.plugged, mapped, offset, size, back))
        return Result(replace(s, mapped=mapped), Answer.BUSY, effects=effects)
    first = block_index(d, f, offset)
    plugged = d.filled(s.plugged, first, d.add(first, d.div(size, f.block)))
    grown = replace(s, plugged=plugged, mapped=mapped, size=d.add(s.size, size))
    return Result(grown, Answer.ACK, effects=effects)


def unplug(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """UNPLUG gives the host memory back, tells the listeners and marks the blocks, and then unmaps
    the memslots that are left without a plugged one.

    Source: virtio_mem_state_change_request and virtio_mem_set_block_state, plug = false.
    """
    size = request_size(d, f, a)
    if not valid_range(d, f, s, a.addr, size):
        return Result(s, Answer.ERROR)
    offset = d.sub(a.addr, f.addr)
    if not d.test(range_plugged(d, f, s.plugged, offset, size)):
        return Result(s, Answer.ERROR)
    if d.test(s.busy):
        return Result(s, Answer.BUSY)
    done, yes = d.negate(a.faults.discard), d.truth(True)
    discard = Effect(Did.HOST_DISCARD, s.plugged, s.mapped, offset, size, done)
    if d.test(a.faults.discard):
        return Result(s, Answer.BUSY, effects=(discard,))
    effects: Effects[W, B, S]
    effects = (discard, Effect(Did.DISCARD, s.plugged, s.mapped, offset, size, yes))
    first = block_index(d, f, offset)
    plugged = d.cleared(s.plugged, first, d.add(first, d.div(size, f.block)))
    mapped = mapped_after_unplug(d, f, s.mapped, plugged, offset, size)
    if f.mapping is Mapping.PLUGGED:
        effects = (*effects, Effect(Did.UNMAP, plugged, mapped, offset, size, yes))
    shrunk = replace(s, plugged=plugged, mapped=mapped, size=d.sub(s.size, size))
    return Result(shrunk, Answer.ACK, effects=effects)


def unplug_everything(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], faults: Faults[B]
) -> Result[W, B, S]:
    """Unplug all blocks and fit the usable region; the core of UNPLUG_ALL and of a system reset.

    Source: virtio_mem_unplug_all; patch v2 adds a BUSY check ahead of the test for plugged blocks.
    """
    effects: Effects[W, B, S] = ()
    if f.profile.busy_before_empty and d.test(s.busy):
        return Result(s, Answer.BUSY)
    if d.test(d.lt(d.lit(0), s.size)):
        if d.test(s.busy):
            return Result(s, Answer.BUSY)
        done, yes = d.negate(faults.discard), d.truth(True)
        discard = Effect(Did.HOST_DISCARD, s.plugged, s.mapped, d.lit(0), f.region, done)
        if d.test(faults.discard):
            return Result(s, Answer.BUSY, effects=(discard,))
        effects = (discard, Effect(Did.DISCARD, s.plugged, s.mapped, d.lit(0), f.region, yes))
        plugged = d.no_blocks()
        mapped = mapped_after_unplug(d, f, s.mapped, plugged, d.lit(0), f.region)
        if f.mapping is Mapping.PLUGGED:
            unmap = Effect(Did.UNMAP, plugged, mapped, d.lit(0), f.region, yes)
            effects = (*effects, unmap)
        s = replace(s, plugged=plugged, mapped=mapped, size=d.lit(0))
    s = resize_usable_region(d, f, s, s.requested, can_shrink=True)
    return Result(s, Answer.ACK, effects=(*effects, *remapped(d, f, s)))


def unplug_all(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """UNPLUG_ALL unplugs every block, unmaps the memslots, and fits the usable region.

    Source: virtio_mem_unplug_all_request.
    """
    return unplug_everything(d, f, s, a.faults)


REQUEST_RULES = {
    Op.PLUG: plug,
    Op.UNPLUG: unplug,
    Op.UNPLUG_ALL: unplug_all,
    Op.STATE: report_state,
    Op.UNKNOWN: violate,
    Op.SHORT: violate,
}

"""What host and listeners (vhost, VFIO) may rely on in the middle of a step, effect by effect."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import RESETS, Contract
from model.contracts.listeners import DOING
from model.contracts.words import all_of, named, only, touched
from model.effects import Did
from model.invariants import blocks_per_slot
from model.profiles import Mapping
from model.state import Action, Fixed, Op, Result, State


def effects_name_range(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Each effect of PLUG and UNPLUG has the offset and the length of the request's range, and each
    effect of any other step those of the whole region."""
    whole = d.truth(True)
    for e in r.effects:
        start, size = d.lit(0), f.region
        if a.op is Op.PLUG or a.op is Op.UNPLUG:
            start, size = d.sub(a.addr, f.addr), d.mul(a.blocks, f.block)
        whole = all_of(d, whole, d.eq(e.offset, start), d.eq(e.size, size))
    return whole


def plugged_seen_mapped(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Whenever an effect takes place, every block plugged by then lies in a memslot mapped by then.

    But for the memory that is allocated as a migration comes in: the blocks are known by then and
    their memslots are not mapped yet, while the guest does not run and no listener is told.
    """
    group = blocks_per_slot(d, f)
    seen = [e for e in r.effects if e.did is not Did.HOST_PREALLOC_PLUGGED]
    return all_of(d, *(d.groups_within(e.plugged, group, e.mapped) for e in seen))


def populate_in_mapped(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Listeners hear of a populate while its blocks are still unplugged, and its memslots
    mapped already."""
    whole = d.truth(True)
    for e in only(r, {Did.POPULATE}):
        unplugged = d.none_in(e.plugged, *named(d, f, a))
        # Elsewhere the usable region decides, or memory is static: the invariants say how.
        mapped = d.all_in(e.mapped, *touched(d, f, a))
        whole = all_of(d, whole, unplugged, mapped)
    return whole


def discard_in_mapped(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Listeners hear of a discard while its blocks are still plugged and its memslots
    still mapped."""
    whole = d.truth(True)
    for e in only(r, {Did.DISCARD}):
        whole = d.both(whole, d.same_members(e.plugged, s.plugged))
        if a.op is Op.UNPLUG:
            plugged = d.all_in(e.plugged, *named(d, f, a))
            whole = all_of(d, whole, plugged, d.all_in(e.mapped, *touched(d, f, a)))
    return whole


def map_adds_touched(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """When PLUG has mapped memslots, and when it tells listeners, no block has changed yet, and
    beside the memslots mapped before just those are mapped that hold a block of the range."""
    whole = d.truth(True)
    for e in only(r, {Did.MAP, Did.POPULATE}):
        mapped = s.mapped
        if f.mapping is Mapping.PLUGGED:
            mapped = d.filled(mapped, *touched(d, f, a))
        same = d.same_members(e.plugged, s.plugged)
        whole = all_of(d, whole, same, d.same_members(e.mapped, mapped))
    return whole


BEFORE: Final = frozenset({Did.HOST_PREALLOC, Did.DISCARD})
"""What is done before anything changes."""
AFTER: Final = frozenset({Did.UNMAP, Did.REMAP, Did.REPLAY, Did.HOST_DISCARD_UNPLUGGED})
"""What is done once blocks and memslots are as the step leaves them."""


def effects_show_state(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """In a step that succeeds, other than an incoming migration, host memory is allocated or given
    back before any block or memslot changes, and memslots are unmapped after the blocks changed.

    What a failing PLUG gives back, and all that a migration does once memslots are mapped, comes
    after the change instead.
    """
    whole = d.truth(True)
    for e in r.effects:
        if e.did is Did.HOST_DISCARD:
            seen = r.state if a.op is Op.PLUG else s
        elif e.did in BEFORE:
            seen = s
        elif e.did in AFTER or (e.did is Did.MAP and a.op is Op.MIGRATION_IN):
            seen = r.state
        else:
            continue
        plugged = d.same_members(e.plugged, seen.plugged)
        whole = all_of(d, whole, plugged, d.same_members(e.mapped, seen.mapped))
    return whole


_PLUG: Final = frozenset({Op.PLUG})
_COMMENT: Final = "patch hunk virtio_mem_set_block_state, comment there"

CONTRACTS: Final = (
    Contract(
        "effects-name-range",
        effects_name_range,
        DOING,
        "virtio_mem_set_block_state; virtio_mem_unplug_all; virtio_mem_post_load",
    ),
    Contract("plugged-seen-mapped", plugged_seen_mapped, DOING, _COMMENT, follows=True),
    Contract("populate-in-mapped", populate_in_mapped, _PLUG, _COMMENT, follows=True),
    Contract(
        "discard-in-mapped",
        discard_in_mapped,
        RESETS | {Op.UNPLUG, Op.UNPLUG_ALL},
        _COMMENT,
        follows=True,
    ),
    Contract("map-adds-touched", map_adds_touched, _PLUG, _COMMENT),
    Contract("effects-show-state", effects_show_state, DOING, _COMMENT),
)

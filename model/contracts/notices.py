"""What the host's listeners (vhost, VFIO) may rely on when they look in the middle of a step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import RESETS, Contract
from model.contracts.listeners import TELLING
from model.contracts.words import all_of, named, touched
from model.invariants import blocks_per_slot
from model.profiles import Mapping
from model.state import Action, Fixed, Heard, Notice, Op, Result, State


def only(r: Result[W, B, S], kinds: Iterable[Heard]) -> list[Notice[W, S]]:
    """The notices of these kinds."""
    return [notice for notice in r.notices if notice.heard in kinds]


def notices_name_range(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Each notice names the bytes of the request, or the region where all blocks are meant."""
    whole = d.truth(True)
    for n in r.notices:
        start, size = d.lit(0), f.region
        if a.op is Op.PLUG or a.op is Op.UNPLUG:
            start, size = d.sub(a.addr, f.addr), d.mul(a.blocks, f.block)
        whole = all_of(d, whole, d.eq(n.offset, start), d.eq(n.size, size))
    return whole


def plugged_seen_mapped(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """At every notice each block that is plugged then lies in a memslot mapped then."""
    group = blocks_per_slot(d, f)
    return all_of(d, *(d.groups_within(n.plugged, group, n.mapped) for n in r.notices))


def populate_in_mapped(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A range is told populated while its blocks are unplugged and its memslots mapped."""
    whole = d.truth(True)
    for n in only(r, {Heard.POPULATE}):
        unplugged = d.none_in(n.plugged, *named(d, f, a))
        # Elsewhere the usable region decides, or memory is static: the invariants say how.
        mapped = d.all_in(n.mapped, *touched(d, f, a))
        whole = all_of(d, whole, unplugged, mapped)
    return whole


def discard_in_mapped(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A range is told discarded while its blocks are still plugged and its memslots mapped."""
    whole = d.truth(True)
    for n in only(r, {Heard.DISCARD}):
        whole = d.both(whole, d.same_members(n.plugged, s.plugged))
        if a.op is Op.UNPLUG:
            plugged = d.all_in(n.plugged, *named(d, f, a))
            whole = all_of(d, whole, plugged, d.all_in(n.mapped, *touched(d, f, a)))
    return whole


def map_adds_touched(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Up to the populate just the memslots that the range touches are mapped; no block changes."""
    whole = d.truth(True)
    for n in only(r, {Heard.MAP, Heard.POPULATE}):
        mapped = s.mapped
        if f.mapping is Mapping.PLUGGED:
            mapped = d.filled(mapped, *touched(d, f, a))
        same = d.same_members(n.plugged, s.plugged)
        whole = all_of(d, whole, same, d.same_members(n.mapped, mapped))
    return whole


def notices_show_state(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A discard is told before anything changes, a replay and memslots unmapped after it did.

    Where memslots do not follow the plugged blocks, unplugging unmaps none.
    """
    whole = d.truth(True)
    for n in only(r, {Heard.DISCARD, Heard.UNMAP, Heard.REPLAY}):
        seen = s if n.heard is Heard.DISCARD else r.state
        follows = f.mapping is Mapping.PLUGGED or n.heard is Heard.REPLAY
        mapped = seen.mapped if follows else s.mapped
        plugged = d.same_members(n.plugged, seen.plugged)
        whole = all_of(d, whole, plugged, d.same_members(n.mapped, mapped))
    return whole


_PLUG: Final = frozenset({Op.PLUG})
_COMMENT: Final = "patch hunk virtio_mem_set_block_state, comment there"

CONTRACTS: Final = (
    Contract(
        "notices-name-range",
        notices_name_range,
        TELLING,
        "virtio_mem_notify_plug; virtio_mem_notify_unplug; virtio_mem_notify_unplug_all",
    ),
    Contract("plugged-seen-mapped", plugged_seen_mapped, TELLING, _COMMENT),
    Contract("populate-in-mapped", populate_in_mapped, _PLUG, _COMMENT),
    Contract("discard-in-mapped", discard_in_mapped, RESETS | {Op.UNPLUG, Op.UNPLUG_ALL}, _COMMENT),
    Contract("map-adds-touched", map_adds_touched, _PLUG, _COMMENT),
    Contract("notices-show-state", notices_show_state, TELLING, _COMMENT),
)

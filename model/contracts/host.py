"""What a step does to the host's memory: where it is allocated and given back."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import RESETS, Contract
from model.contracts.listeners import DOING
from model.contracts.words import all_of, only
from model.effects import Did
from model.profiles import Mapping
from model.state import Action, Answer, Fixed, Op, Result, State


def effects_take_place(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Every preallocation and discard that a step attempts succeeds unless the host fails it, every
    populate is accepted unless a listener refuses, and every other effect takes place."""
    # A host operation that fails while a migration comes in leaves no device to speak of.
    read = a.op is not Op.MIGRATION_IN
    failing = {
        Did.HOST_PREALLOC: a.faults.prealloc,
        Did.HOST_DISCARD: a.faults.discard,
        Did.POPULATE: a.faults.populate,
    }
    whole = d.truth(True)
    for e in r.effects:
        fails = failing.get(e.did, d.truth(False)) if read else d.truth(False)
        whole = d.both(whole, d.same_truth(e.done, d.negate(fails)))
    return whole


def discards_no_plugged(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Where host memory was given back, no block of the range is plugged when the step is over."""
    whole = d.truth(True)
    for e in only(r, {Did.HOST_DISCARD}):
        first = d.div(e.offset, f.block)
        end = d.add(first, d.div(e.size, f.block))
        clean = d.none_in(r.state.plugged, first, end)
        whole = d.both(whole, d.either(d.negate(e.done), clean))
    return whole


def unplugged_is_discarded(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A block that a step unplugs has had its host memory given back in that step."""
    # Each choice of the discards that took place, and the blocks that are accounted for by it.
    known = [(d.truth(True), r.state.plugged)]
    for e in only(r, {Did.HOST_DISCARD}):
        first = d.div(e.offset, f.block)
        end = d.add(first, d.div(e.size, f.block))
        known.extend(
            [(d.both(done, e.done), d.filled(blocks, first, end)) for done, blocks in known]
        )
    whole = d.truth(False)
    for done, blocks in known:
        whole = d.either(whole, d.both(done, d.groups_within(s.plugged, d.lit(1), blocks)))
    return whole


def refused_plug_gives_back(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A PLUG that fails once memory was allocated or a listener was asked ends by giving the memory
    of its range back."""
    if r.answer is Answer.ACK or not only(r, {Did.HOST_PREALLOC, Did.POPULATE}):
        return d.truth(True)
    return d.truth(r.effects[-1].did is Did.HOST_DISCARD)


def prealloc_sees_start(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """At the moment when an incoming migration allocates host memory, the state has the incoming
    plugged blocks already, and the memslots mapped are still those of the start."""
    whole = d.truth(True)
    for e in only(r, {Did.HOST_PREALLOC_PLUGGED}):
        none = f.mapping is Mapping.PLUGGED
        mapped = d.no_slots() if none else r.state.mapped
        same = d.same_members(e.plugged, s.plugged)
        whole = all_of(d, whole, same, d.same_members(e.mapped, mapped))
    return whole


_PLUG: Final = frozenset({Op.PLUG})
_MEMORY: Final = "virtio_mem_set_block_state; virtio_mem_unplug_all"

CONTRACTS: Final = (
    Contract("effects-take-place", effects_take_place, DOING, _MEMORY),
    Contract(
        "discards-no-plugged",
        discards_no_plugged,
        RESETS | {Op.PLUG, Op.UNPLUG, Op.UNPLUG_ALL},
        _MEMORY,
        follows=True,
    ),
    Contract(
        "unplugged-is-discarded", unplugged_is_discarded, frozenset(Op), _MEMORY, follows=True
    ),
    Contract(
        "refused-plug-gives-back",
        refused_plug_gives_back,
        _PLUG,
        "virtio_mem_set_block_state, comment there",
        follows=True,
    ),
    Contract(
        "prealloc-sees-start",
        prealloc_sees_start,
        frozenset({Op.MIGRATION_IN}),
        "virtio_mem_post_load_early",
    ),
)

"""What a step does to the host and tells its listeners (vhost, VFIO), and in which order."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import RESETS, Contract
from model.contracts.words import all_of, exactly, fits, hindered, unplugs_all
from model.effects import ABOUT_SLOTS, Did
from model.profiles import Mapping
from model.state import Action, Answer, Fixed, Op, Result, State


def did(r: Result[W, B, S], *kinds: Did) -> bool:
    """Exactly this was done, in this order."""
    return r.kinds == kinds


def with_slots(f: Fixed[W, B], *kinds: Did) -> tuple[Did, ...]:
    """These, without changes of memslots that do not follow the plugged blocks on this device."""
    follow = f.mapping is Mapping.PLUGGED
    return tuple(kind for kind in kinds if follow or kind not in ABOUT_SLOTS)


def plug_does(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """PLUG allocates host memory if the device preallocates, maps memslots, then tells listeners of
    a populate; where allocating fails or a listener refuses, what was mapped is unmapped and the
    host memory of the range given back, in this order.

    Where it does not come to that, nothing is done.
    """
    told = with_slots(f, Did.MAP, Did.POPULATE)
    undone = (*told, *with_slots(f, Did.UNMAP), Did.HOST_DISCARD)
    whole = (Did.HOST_PREALLOC, *told)
    if r.answer is Answer.ACK:
        return d.both(
            d.truth(did(r, *whole) or did(r, *told)), exactly(d, did(r, *whole), f.prealloc)
        )
    if r.answer is not Answer.BUSY:
        return d.truth(did(r))
    unallocated = (Did.HOST_PREALLOC, Did.HOST_DISCARD)
    failing = d.both(f.prealloc, a.faults.prealloc)
    allowed = ((), unallocated, undone, (Did.HOST_PREALLOC, *undone))
    asked = d.negate(s.busy)
    return all_of(
        d,
        d.truth(any(did(r, *kinds) for kinds in allowed)),
        exactly(d, did(r), s.busy),
        exactly(d, did(r, *unallocated), d.both(asked, failing)),
        exactly(d, did(r, *undone), d.both(asked, d.negate(f.prealloc))),
    )


def unplug_does(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Unplugging gives host memory back, tells listeners, then unmaps memslots; where the first
    fails, nothing follows.

    UNPLUG_ALL and a system reset then have memslots follow the usable region, where they do.
    """
    remap = (Did.REMAP,) if f.mapping is Mapping.USABLE and a.op is not Op.UNPLUG else ()
    whole = (Did.HOST_DISCARD, Did.DISCARD, *with_slots(f, Did.UNMAP), *remap)
    tried = (Did.HOST_DISCARD,)
    if a.op is Op.UNPLUG:
        if r.answer is Answer.ACK:
            return d.truth(did(r, *whole))
        if r.answer is not Answer.BUSY:
            return d.truth(did(r))
        return d.both(d.truth(did(r) or did(r, *tried)), exactly(d, did(r), s.busy))
    answered = r.answer is Answer.ACK or r.answer is Answer.BUSY
    if not answered and not unplugs_all(f, a.op):
        return d.truth(did(r))
    here = s.realized if a.op in RESETS else d.truth(True)
    some = d.lt(d.lit(0), s.size)
    failed = all_of(d, here, some, d.negate(s.busy), a.faults.discard)
    unplugged = all_of(d, here, some, d.negate(hindered(d, s, a)))
    known = any(did(r, *kinds) for kinds in ((), tried, whole, remap))
    stuck = d.both(s.busy, d.truth(f.profile.busy_before_empty))
    only_fits = all_of(d, here, d.negate(some), d.negate(stuck))
    return all_of(
        d,
        d.truth(known),
        exactly(d, did(r, *tried), failed),
        exactly(d, did(r, *whole), unplugged),
        exactly(d, did(r, *remap), only_fits) if remap else d.truth(True),
    )


def resize_does(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Setting the requested size has an effect on the host only where memslots follow the usable
    region: there, if the size is new and the usable region grows or is just the one that fits it,
    the mapped memslots are set to those that the usable region covers.

    A size that was requested already, or one that the region would shrink for, leaves them alone.
    """
    if r.answer is not Answer.DONE or f.mapping is not Mapping.USABLE:
        return d.truth(did(r))
    reached = d.either(d.lt(s.usable, r.state.usable), fits(d, f, a.value, r.state.usable))
    new = d.negate(d.eq(a.value, s.requested))
    return d.both(
        d.truth(did(r) or did(r, Did.REMAP)), exactly(d, did(r, Did.REMAP), d.both(new, reached))
    )


def migration_in_does(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """An incoming migration, in this order, allocates host memory for the plugged blocks if the
    device preallocates, maps their memslots if the profile maps them then, tells listeners of the
    plugged blocks, and gives back the host memory of all other blocks.
    """
    if r.answer is not Answer.DONE:
        return d.truth(did(r))
    maps = with_slots(f, Did.MAP) if f.profile.post_load_maps else ()
    rest = (*maps, Did.REPLAY, Did.HOST_DISCARD_UNPLUGGED)
    whole = (Did.HOST_PREALLOC_PLUGGED, *rest)
    return d.both(d.truth(did(r, *whole) or did(r, *rest)), exactly(d, did(r, *whole), f.prealloc))


def nothing_done(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """The step does nothing to the host and tells listeners nothing."""
    return d.truth(did(r))


_UNPLUGS: Final = RESETS | {Op.UNPLUG, Op.UNPLUG_ALL}
DOING: Final = _UNPLUGS | {Op.PLUG, Op.MIGRATION_IN, Op.RESIZE}
"""Operations that may do something to the host or tell listeners something."""

CONTRACTS: Final = (
    Contract(
        "plug-does",
        plug_does,
        frozenset({Op.PLUG}),
        "patch hunk virtio_mem_set_block_state, comment there",
    ),
    Contract(
        "unplug-does",
        unplug_does,
        _UNPLUGS,
        "virtio_mem_set_block_state; virtio_mem_unplug_all; virtio_mem_resize_usable_region",
    ),
    Contract(
        "resize-does",
        resize_does,
        frozenset({Op.RESIZE}),
        "patch hunk virtio_mem_resize_usable_region",
    ),
    Contract(
        "migration-in-does",
        migration_in_does,
        frozenset({Op.MIGRATION_IN}),
        "virtio_mem_post_load_early; virtio_mem_post_load",
    ),
    Contract("nothing-done", nothing_done, frozenset(Op) - DOING, "hw/virtio/virtio-mem.c"),
)

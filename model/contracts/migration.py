"""What host and guest may rely on in a migration, and when a device leaves."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import Contract
from model.contracts.words import all_of, answered, exactly
from model.profiles import Mapping
from model.state import Action, Answer, Fixed, Op, Result, State


def migration_sets_busy(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """The device is busy from the start of an outgoing migration to its end."""
    if r.answer is not Answer.DONE:
        return d.truth(True)
    return exactly(d, a.op is Op.MIGRATION_START, r.state.busy)


def migration_in_maps(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """After an incoming migration exactly the memslots that hold a plugged block are mapped, if the
    profile maps them then; otherwise exactly those that were mapped at start."""
    mapped = r.state.mapped
    if r.answer is not Answer.DONE or f.mapping is Mapping.STATIC or f.profile.post_load_maps:
        # Here the invariants leave one choice.
        return d.truth(True)
    if f.mapping is Mapping.PLUGGED:
        return d.same_members(mapped, d.no_slots())
    some = d.lt(d.lit(0), f.start_requested)
    reach = d.add(f.start_requested, f.extent)

    def covered(index: W) -> B:
        start = d.mul(index, f.slots.size)
        return d.same_truth(d.member(mapped, index), d.both(some, d.lt(start, reach)))

    return d.every_index(f.slots.count, covered)


def unrealize_done(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """The device can be removed iff it is inaccessible, no migration runs, and its plugged and
    requested size are 0.
    """
    zero = d.lit(0)
    unused = d.both(d.eq(s.size, zero), d.eq(s.requested, zero))
    return answered(d, r, all_of(d, s.realized, f.inaccessible, d.negate(s.busy), unused))


def unrealize_ends(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A device that was removed is gone, and has a usable region of 0 bytes if the profile takes it
    away."""
    if r.answer is not Answer.DONE:
        return d.truth(True)
    left = d.lit(0) if f.profile.unrealize_shrinks else s.usable
    return d.both(d.negate(r.state.realized), d.eq(r.state.usable, left))


_MIGRATION_IN: Final = frozenset({Op.MIGRATION_IN})
_UNREALIZE: Final = frozenset({Op.UNREALIZE})

CONTRACTS: Final = (
    Contract(
        "migration-sets-busy",
        migration_sets_busy,
        frozenset({Op.MIGRATION_START, Op.MIGRATION_END, Op.MIGRATION_IN}),
        "virtio_mem_is_busy",
    ),
    Contract(
        "migration-in-maps",
        migration_in_maps,
        _MIGRATION_IN,
        "virtio_mem_post_load_bitmap; the patch (v2) has no hunk there",
    ),
    Contract(
        "unrealize-done",
        unrealize_done,
        _UNREALIZE,
        "virtio_mem_unplug_request_check; qdev_unplug",
    ),
    Contract(
        "unrealize-ends",
        unrealize_ends,
        _UNREALIZE,
        "patch hunk virtio_mem_device_unrealize",
    ),
)

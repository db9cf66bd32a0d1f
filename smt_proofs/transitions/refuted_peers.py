"""What the devices of other programs do not keep, each with the weakest hypothesis under which it
holds: their requests mark blocks first, and answer and tell otherwise than QEMU's."""

from __future__ import annotations

from functools import partial
from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.plug import over_requested, pluggable
from model.contracts.unplug import unpluggable
from model.contracts.words import acceptable, all_of, hindered, listening, named
from model.invariants import blocks_per_slot
from model.profiles import CLOUD_HYPERVISOR, FIRECRACKER, Mapping
from model.state import Action, Fixed, Op, State
from smt_proofs.transitions.refuted_row import rows_of


def carried_out(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """A right PLUG that neither a migration nor preallocation hinders."""
    hindering = d.either(s.busy, d.both(f.prealloc, a.faults.prealloc))
    return d.both(pluggable(d, f, s, a), d.negate(hindering))


def no_plug_carried_out(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """The PLUG is not right, or a migration or preallocation hinders it."""
    return d.negate(carried_out(d, f, s, a))


def _refused_late(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """A PLUG that is refused when its blocks are marked."""
    return d.both(carried_out(d, f, s, a), a.faults.populate)


def no_plug_refused_late(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """The memory can be mapped, or the PLUG is not right, or a migration or preallocation hinders
    it."""
    return d.negate(_refused_late(d, f, s, a))


def mapped_before_or_not_refused_late(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """The memslots of the range are mapped already or can be, or the PLUG is not right, or a
    migration or preallocation hinders it."""
    late = _refused_late(d, f, s, a)
    marked = d.filled(s.plugged, *named(d, f, a))
    return d.either(d.negate(late), d.groups_within(marked, blocks_per_slot(d, f), s.mapped))


def no_prealloc_and_not_refused_late(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """No memory is allocated ahead and what is needed can be mapped, or the PLUG is not right, or a
    migration or preallocation hinders it."""
    plain = d.both(d.negate(f.prealloc), d.negate(a.faults.populate))
    return d.either(d.negate(carried_out(d, f, s, a)), plain)


def within_requested(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """The device is gone or broken, or the range is not whole usable blocks, or the PLUG stays
    within the requested size."""
    asked = d.both(listening(d, s), acceptable(d, f, s, a))
    return d.negate(d.both(asked, over_requested(d, f, s, a)))


def within_requested_and_not_refused_late(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """Of usable blocks no more are to be plugged than is requested, and what is needed can be
    mapped if it comes to that."""
    return d.both(within_requested(d, f, s, a), no_plug_refused_late(d, f, s, a))


def acceptable_or_within_requested(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """The device is gone or broken, or the range is whole usable blocks, or the PLUG stays within
    the requested size."""
    wrong = d.both(listening(d, s), d.negate(acceptable(d, f, s, a)))
    return d.negate(d.both(wrong, over_requested(d, f, s, a)))


def acceptable_or_within_and_not_refused_late(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """The range is whole usable blocks wherever more is to be plugged than is requested, and what
    is needed can be mapped if it comes to that."""
    return d.both(acceptable_or_within_requested(d, f, s, a), no_plug_refused_late(d, f, s, a))


def no_block_unplugged(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """The UNPLUG is not right, or a migration or a failing discard hinders it."""
    stuck = d.either(s.busy, a.faults.discard)
    return d.either(d.negate(unpluggable(d, f, s, a)), stuck)


def nothing_to_unplug(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """No block is plugged, or a migration or a failing discard keeps them so, or the device answers
    no request (it is gone or broken)."""
    some = d.lt(d.lit(0), s.size)
    free = all_of(d, some, d.negate(hindered(d, s, a)), listening(d, s))
    return d.negate(free)


def nothing_requested_or_hindered(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """Nothing is requested, or a migration or a failing discard keeps blocks plugged, or the device
    answers no request (it is gone or broken)."""
    kept = d.either(d.negate(listening(d, s)), hindered(d, s, a))
    return d.either(d.eq(s.requested, d.lit(0)), kept)


_of_firecracker: Final = partial(rows_of, FIRECRACKER, Mapping.PLUGGED)
_of_cloud_hypervisor: Final = partial(rows_of, CLOUD_HYPERVISOR, Mapping.STATIC)


def _plug(*claims: str) -> tuple[tuple[str, Op], ...]:
    return tuple((claim, Op.PLUG) for claim in claims)


def _unplug(*claims: str) -> tuple[tuple[str, Op], ...]:
    return tuple((claim, Op.UNPLUG) for claim in claims)


def _unplug_all(*claims: str) -> tuple[tuple[str, Op], ...]:
    return tuple((claim, Op.UNPLUG_ALL) for claim in claims)


_SHOWN_BEFORE: Final = ("effects-show-state", "unplug-does")
_TOLD_AFTER: Final = ("discard-in-mapped", "effects-show-state")
_LATE: Final = ("plug-busy", "refusal-changes-nothing")
_UNMAPPED: Final = ("plugged-in-mapped", "plugged-seen-mapped")
_CLOSED: Final = ("unplug-all-fits-usable", "usable-covers-requested")
_UNCOUNTED: Final = ("refused-plug-gives-back", "size-matches-bitmap")

REFUTED_OF_PEERS: Final = (
    *_of_firecracker(no_plug_carried_out, *_plug("map-adds-touched", "plug-does")),
    *_of_firecracker(no_plug_refused_late, *_plug("effects-take-place", *_LATE)),
    *_of_firecracker(mapped_before_or_not_refused_late, *_plug(*_UNMAPPED)),
    *_of_firecracker(within_requested, *_plug("plug-nack")),
    *_of_firecracker(within_requested_and_not_refused_late, *_plug("plug-error")),
    *_of_firecracker(no_block_unplugged, *_unplug(*_SHOWN_BEFORE)),
    *_of_firecracker(nothing_to_unplug, *_unplug_all(*_SHOWN_BEFORE)),
    *_of_firecracker(nothing_requested_or_hindered, *_unplug_all(*_CLOSED)),
    *_of_cloud_hypervisor(no_plug_carried_out, *_plug("map-adds-touched", "populate-in-mapped")),
    *_of_cloud_hypervisor(no_plug_refused_late, *_plug(*_LATE, *_UNCOUNTED)),
    *_of_cloud_hypervisor(no_prealloc_and_not_refused_late, *_plug("plug-does")),
    *_of_cloud_hypervisor(acceptable_or_within_requested, *_plug("plug-nack")),
    *_of_cloud_hypervisor(acceptable_or_within_and_not_refused_late, *_plug("plug-error")),
    *_of_cloud_hypervisor(no_block_unplugged, *_unplug(*_TOLD_AFTER)),
    *_of_cloud_hypervisor(nothing_to_unplug, *_unplug_all(*_TOLD_AFTER)),
)
"""The refuted claims of `firecracker` and `cloud-hypervisor`."""

"""What does not hold, each with the weakest further hypothesis under which it does.

The hypothesis is about the state before and the action. Weakest means: given the invariants before
the step, the claim about the step holds if and only if the hypothesis does.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from model.arithmetic import B, Domain, S, W, is_aligned
from model.contracts.words import fits, listening
from model.events import realize
from model.geometry import slot_start
from model.invariants import blocks_per_slot
from model.mapping import usable_size
from model.profiles import QEMU_7_2, SEED_V2, Mapping, Profile
from model.state import Action, Fixed, Op, State
from smt_proofs.transitions.refuted_peers import REFUTED_OF_PEERS
from smt_proofs.transitions.refuted_row import rows_of


def nothing_plugged(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """No block is plugged, or the device is gone."""
    return d.either(d.negate(s.realized), d.same_members(s.plugged, d.no_blocks()))


def plugged_where_start_maps(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """Every plugged block lies in a memslot that a device just realized maps, or it is gone."""
    covered = d.groups_within(s.plugged, blocks_per_slot(d, f), realize(d, f).mapped)
    return d.either(d.negate(s.realized), covered)


def usable_covers_as_at_start(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """The usable region covers the starts of exactly the memslots that it covered when the device
    was realized, or the device is gone."""
    at_start = realize(d, f).usable

    def alike(index: W) -> B:
        start = slot_start(d, f.slots, index)
        return d.same_truth(d.lt(start, s.usable), d.lt(start, at_start))

    return d.either(d.negate(s.realized), d.every_index(f.slots.count, alike))


def plugged_or_not_busy(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """No migration runs, or some block is plugged, or the device answers no request (it is gone or
    broken)."""
    free = d.either(d.negate(s.busy), d.lt(d.lit(0), s.size))
    return d.either(d.negate(listening(d, s)), free)


def plugged_or_not_busy_or_fitting(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """No migration runs, or some block is plugged, or the usable region fits the requested size
    already, or the device is gone."""
    free = d.either(d.negate(s.busy), d.lt(d.lit(0), s.size))
    fitting = d.either(free, fits(d, f, s.requested, s.usable))
    return d.either(d.negate(s.realized), fitting)


def covers_no_more_or_not_busy(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> B:
    """No migration runs, or the size is refused (the device may be gone) or no new one, or the
    usable region for it covers the start of no further memslot."""
    refused = d.either(d.negate(is_aligned(d, a.value, f.block)), d.lt(f.region, a.value))
    # What is requested afterwards; a size that is refused may be too large to add to.
    requested = d.select(refused, s.requested, a.value)
    idle = d.either(d.negate(s.realized), d.eq(requested, s.requested))
    usable = usable_size(d, f, requested)

    def no_more(index: W) -> B:
        start = slot_start(d, f.slots, index)
        return d.either(d.le(usable, start), d.lt(start, s.usable))

    covers = d.every_index(f.slots.count, no_more)
    return d.either(d.negate(s.busy), d.either(idle, covers))


_of_seed_v2: Final = partial(rows_of, SEED_V2)
_of_qemu_7_2: Final = partial(rows_of, QEMU_7_2)

_AT_POST_LOAD: Final = (
    ("plugged-in-mapped", Op.MIGRATION_IN),
    ("plugged-seen-mapped", Op.MIGRATION_IN),
)
_EMPTY_BUSY: Final = (("empty-unplug-all-acknowledged", Op.UNPLUG_ALL),)
_RESETS: Final = (("reset-fits-usable", Op.SYSTEM_RESET), ("reset-fits-usable", Op.WAKE_UP))

REFUTED: Final = (
    *_of_seed_v2(Mapping.PLUGGED, nothing_plugged, *_AT_POST_LOAD),
    *_of_seed_v2(Mapping.PLUGGED, plugged_or_not_busy, *_EMPTY_BUSY),
    *_of_seed_v2(Mapping.PLUGGED, plugged_or_not_busy_or_fitting, *_RESETS),
    *_of_seed_v2(Mapping.USABLE, plugged_where_start_maps, *_AT_POST_LOAD),
    *_of_seed_v2(
        Mapping.USABLE, usable_covers_as_at_start, ("legacy-usable-mapped", Op.MIGRATION_IN)
    ),
    *_of_seed_v2(Mapping.USABLE, plugged_or_not_busy, *_EMPTY_BUSY),
    *_of_seed_v2(Mapping.USABLE, plugged_or_not_busy_or_fitting, *_RESETS),
    *_of_seed_v2(Mapping.USABLE, covers_no_more_or_not_busy, ("busy-keeps-mapped", Op.RESIZE)),
    *_of_qemu_7_2(Mapping.STATIC, plugged_or_not_busy, *_EMPTY_BUSY),
    *_of_qemu_7_2(Mapping.STATIC, plugged_or_not_busy_or_fitting, *_RESETS),
    *REFUTED_OF_PEERS,
)
"""Every refuted claim of all profiles."""


def refuted_of(profile: Profile, mapping: Mapping, transition: str) -> frozenset[str]:
    """The claims that a transition does not keep, by name."""
    here = profile.name, mapping, transition
    return frozenset(r.claim for r in REFUTED if (r.profile, r.mapping, r.op.value) == here)

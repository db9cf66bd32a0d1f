"""What a guest may rely on when it sends UNPLUG or UNPLUG_ALL."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import MEMORY_DEVICE, Contract
from model.contracts.words import acceptable, exactly, fits, hindered, listening, named, when
from model.state import Action, Answer, Fixed, Op, Result, State


def unpluggable(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """Nothing is wrong with an UNPLUG request: whole usable blocks, all plugged."""
    asked = d.both(listening(d, s), acceptable(d, f, s, a))
    return d.both(asked, d.all_in(s.plugged, *named(d, f, a)))


def unplug_error(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """UNPLUG answers ERROR iff the range is not whole blocks inside the usable region, or it
    contains an unplugged block."""
    missing = d.negate(d.all_in(s.plugged, *named(d, f, a)))
    wrong = d.either(d.negate(acceptable(d, f, s, a)), missing)
    return exactly(d, r.answer is Answer.ERROR, d.both(listening(d, s), wrong))


def unplug_busy(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A right UNPLUG answers BUSY iff a migration runs or the discard fails."""
    stuck = d.either(s.busy, a.faults.discard)
    return exactly(d, r.answer is Answer.BUSY, d.both(unpluggable(d, f, s, a), stuck))


def unplug_acknowledged(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """UNPLUG answers ACK iff it is right, no migration runs, and the discard does not fail."""
    stuck = d.either(s.busy, a.faults.discard)
    free = d.both(unpluggable(d, f, s, a), d.negate(stuck))
    return exactly(d, r.answer is Answer.ACK, free)


def unplug_clears(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """An acknowledged UNPLUG unplugs the blocks of the range and no others, and the plugged size
    shrinks by their bytes."""
    if r.answer is not Answer.ACK:
        return d.truth(True)
    cleared = d.cleared(s.plugged, *named(d, f, a))
    whole = d.add(r.state.size, d.mul(a.blocks, f.block))
    return d.both(d.same_members(r.state.plugged, cleared), d.eq(s.size, whole))


def unplug_all_busy(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A device neither gone nor broken, with blocks plugged, answers UNPLUG_ALL with BUSY if a
    migration runs or host memory cannot be given back, and with ACK otherwise."""
    some = d.lt(d.lit(0), s.size)
    asked = d.both(listening(d, s), hindered(d, s, a))
    answered = d.truth(r.answer is Answer.BUSY or r.answer is Answer.ACK)
    right = d.both(answered, exactly(d, r.answer is Answer.BUSY, asked))
    return when(d, d.both(listening(d, s), some), right)


def empty_unplug_all_acknowledged(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """UNPLUG_ALL with nothing plugged answers ACK, even while a migration runs."""
    none = d.both(listening(d, s), d.eq(s.size, d.lit(0)))
    return when(d, none, d.truth(r.answer is Answer.ACK))


def empty_unplug_all_answered(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A device neither gone nor broken, with nothing plugged, answers UNPLUG_ALL with BUSY if a
    migration runs and the profile looks for one before it looks for plugged blocks, and with ACK
    otherwise."""
    none = d.both(listening(d, s), d.eq(s.size, d.lit(0)))
    stuck = d.both(s.busy, d.truth(f.profile.busy_before_empty))
    known = d.truth(r.answer is Answer.BUSY or r.answer is Answer.ACK)
    return when(d, none, d.both(known, exactly(d, r.answer is Answer.BUSY, stuck)))


def unplug_all_empties(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """After an acknowledged UNPLUG_ALL no block is plugged and the plugged size is 0."""
    if r.answer is not Answer.ACK:
        return d.truth(True)
    empty = d.same_members(r.state.plugged, d.no_blocks())
    return d.both(empty, d.eq(r.state.size, d.lit(0)))


def unplug_all_fits_usable(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """After an acknowledged UNPLUG_ALL the usable region fits the requested size."""
    if r.answer is not Answer.ACK:
        return d.truth(True)
    return fits(d, f, s.requested, r.state.usable)


_UNPLUG: Final = (
    f"{MEMORY_DEVICE}, UNPLUG request (device normative); virtio_mem_state_change_request"
)
_ALL: Final = f"{MEMORY_DEVICE}, UNPLUG ALL request (device normative); virtio_mem_unplug_all"

CONTRACTS: Final = (
    *(
        Contract(name, holds, frozenset({Op.UNPLUG}), _UNPLUG)
        for name, holds in (
            ("unplug-error", unplug_error),
            ("unplug-busy", unplug_busy),
            ("unplug-acknowledged", unplug_acknowledged),
            ("unplug-clears-blocks", unplug_clears),
        )
    ),
    *(
        Contract(name, holds, frozenset({Op.UNPLUG_ALL}), _ALL, follows=follows)
        for name, holds, follows in (
            ("unplug-all-busy", unplug_all_busy, False),
            ("empty-unplug-all-acknowledged", empty_unplug_all_acknowledged, True),
            ("empty-unplug-all-answered", empty_unplug_all_answered, False),
            ("unplug-all-empties", unplug_all_empties, False),
            ("unplug-all-fits-usable", unplug_all_fits_usable, False),
        )
    ),
)

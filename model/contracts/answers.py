"""What a guest may rely on when it sends STATE, or what is no request at all."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import MEMORY_DEVICE, Contract
from model.contracts.words import acceptable, exactly, listening, named, when
from model.state import REQUESTS, Action, Answer, BlockState, Fixed, Op, Result, State


def silent_exactly(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A request is ignored iff the device was gone or broken before it."""
    return exactly(d, r.answer is Answer.SILENT, d.negate(listening(d, s)))


def state_error(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """STATE answers ERROR iff the range is not whole blocks inside the usable region."""
    wrong = d.negate(acceptable(d, f, s, a))
    return exactly(d, r.answer is Answer.ERROR, d.both(listening(d, s), wrong))


def state_payload(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """STATE of whole usable blocks is acknowledged: with PLUGGED or UNPLUGGED if all blocks of the
    range are so, else with MIXED."""
    first, end = named(d, f, a)
    told = r.block_state
    plugged = d.all_in(s.plugged, first, end)
    unplugged = d.none_in(s.plugged, first, end)
    mixed = d.both(d.negate(plugged), d.negate(unplugged))
    right = d.truth(told is None)
    if r.answer is Answer.ACK:
        meant = {BlockState.PLUGGED: plugged, BlockState.UNPLUGGED: unplugged}
        right = d.truth(False) if told is None else meant.get(told, mixed)
    asked = d.both(listening(d, s), acceptable(d, f, s, a))
    return d.both(exactly(d, r.answer is Answer.ACK, asked), right)


def no_payload(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """An answer tells the state of blocks only if it acknowledges a STATE request."""
    return d.truth(r.block_state is None)


def violation_breaks(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """An unknown or short request is a protocol violation: it breaks a device that is neither
    broken nor gone, and gets no answer."""
    broke = exactly(d, r.answer is Answer.VIOLATION, listening(d, s))
    return d.both(broke, when(d, listening(d, s), r.state.broken))


_STATE: Final = f"{MEMORY_DEVICE}, STATE request (device normative)"

CONTRACTS: Final = (
    Contract(
        "silent-when-broken-or-gone",
        silent_exactly,
        REQUESTS,
        "virtqueue_pop, which yields nothing for a broken device",
    ),
    Contract(
        "violation-breaks",
        violation_breaks,
        frozenset({Op.UNKNOWN, Op.SHORT}),
        "virtio_mem_handle_request; virtio_error",
    ),
    Contract("state-error", state_error, frozenset({Op.STATE}), _STATE),
    Contract("state-payload", state_payload, frozenset({Op.STATE}), _STATE),
    Contract("no-payload", no_payload, frozenset(Op) - {Op.STATE}, _STATE),
)

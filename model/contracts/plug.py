"""What a guest may rely on when it sends PLUG.

An answer is claimed exactly: it is given if and only if its condition holds.
"""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import MEMORY_DEVICE, Contract
from model.contracts.words import acceptable, exactly, listening, named
from model.state import Action, Answer, Fixed, Op, Result, State


def over_requested(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """With the named blocks, more would be plugged than is requested."""
    wanted = d.add(d.div(s.size, f.block), a.blocks)
    return d.lt(d.div(s.requested, f.block), wanted)


def pluggable(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """Nothing is wrong with a PLUG request: whole usable blocks, requested, all unplugged."""
    asked = d.both(listening(d, s), acceptable(d, f, s, a))
    free = d.none_in(s.plugged, *named(d, f, a))
    return d.both(asked, d.both(d.negate(over_requested(d, f, s, a)), free))


def plug_hindered(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """A migration runs, preallocation fails where it is asked for, or a listener refuses."""
    failing = d.both(f.prealloc, a.faults.prealloc)
    return d.either(s.busy, d.either(failing, a.faults.populate))


def plug_error(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """PLUG answers ERROR iff the range is not whole blocks inside the usable region, or contains a
    plugged block while plugged size and range together do not exceed the requested size.

    VIRTIO wants ERROR for a plugged block in any case; QEMU looks at the requested size before.
    """
    taken = d.negate(d.none_in(s.plugged, *named(d, f, a)))
    taken = d.both(d.negate(over_requested(d, f, s, a)), taken)
    wrong = d.either(d.negate(acceptable(d, f, s, a)), taken)
    return exactly(d, r.answer is Answer.ERROR, d.both(listening(d, s), wrong))


def plug_nack(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A device neither gone nor broken answers PLUG of usable blocks with NACK iff the sum of the
    plugged size and the length of the range exceeds the requested size."""
    asked = d.both(listening(d, s), acceptable(d, f, s, a))
    return exactly(d, r.answer is Answer.NACK, d.both(asked, over_requested(d, f, s, a)))


def plug_busy(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A right PLUG answers BUSY iff a migration runs, preallocation fails or a listener refuses."""
    right, stuck = pluggable(d, f, s, a), plug_hindered(d, f, s, a)
    return exactly(d, r.answer is Answer.BUSY, d.both(right, stuck))


def plug_acknowledged(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """PLUG answers ACK iff it is right, no migration runs, preallocation does not fail, and no
    listener refuses."""
    right, stuck = pluggable(d, f, s, a), plug_hindered(d, f, s, a)
    return exactly(d, r.answer is Answer.ACK, d.both(right, d.negate(stuck)))


def plug_marks(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """An acknowledged PLUG plugs the blocks of the range and no others, and the plugged size
    grows by their bytes."""
    if r.answer is not Answer.ACK:
        return d.truth(True)
    marked = d.filled(s.plugged, *named(d, f, a))
    grown = d.add(s.size, d.mul(a.blocks, f.block))
    return d.both(d.same_members(r.state.plugged, marked), d.eq(r.state.size, grown))


_SOURCE: Final = (
    f"{MEMORY_DEVICE}, PLUG request (device normative); virtio_mem_state_change_request"
)

CONTRACTS: Final = tuple(
    Contract(name, holds, frozenset({Op.PLUG}), _SOURCE)
    for name, holds in (
        ("plug-error", plug_error),
        ("plug-nack", plug_nack),
        ("plug-busy", plug_busy),
        ("plug-acknowledged", plug_acknowledged),
        ("plug-marks-blocks", plug_marks),
    )
)

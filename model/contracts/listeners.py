"""What the host's listeners (vhost, VFIO) may rely on: what they are told, and when."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import RESETS, Contract
from model.contracts.words import exactly, hindered, unplugs_all
from model.state import Action, Answer, Fixed, Heard, Op, Result, State


def told(r: Result[W, B, S], *kinds: Heard) -> bool:
    """Listeners were told exactly this, in this order."""
    return tuple(notice.heard for notice in r.notices) == kinds


def plug_tells(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """PLUG tells of memslots mapped, then of the range; of memslots unmapped if that was refused.

    Where it does not come to that, listeners hear nothing.
    """
    if r.answer is Answer.ACK:
        return d.truth(told(r, Heard.MAP, Heard.POPULATE))
    if r.answer is not Answer.BUSY:
        return d.truth(told(r))
    early = d.either(s.busy, d.both(f.prealloc, a.faults.prealloc))
    known = told(r) or told(r, Heard.MAP, Heard.POPULATE, Heard.UNMAP)
    return d.both(d.truth(known), exactly(d, told(r), early))


def unplug_tells(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Unplugging tells of the discard, then of memslots unmapped; else nothing is told."""
    whole = (Heard.DISCARD, Heard.UNMAP)
    if r.answer is not Answer.ACK and not unplugs_all(f, a.op):
        return d.truth(told(r))
    if a.op is Op.UNPLUG:
        return d.truth(told(r, *whole))
    some = d.both(s.realized, d.lt(d.lit(0), s.size))
    unplugged = d.both(some, d.negate(hindered(d, s, a)))
    return d.both(d.truth(told(r) or told(r, *whole)), exactly(d, told(r, *whole), unplugged))


def migration_in_replays(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """An incoming migration has the plugged blocks told anew."""
    return d.truth(told(r, Heard.REPLAY) if r.answer is Answer.DONE else told(r))


def nothing_told(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """The step tells listeners nothing."""
    return d.truth(told(r))


_UNPLUGS: Final = RESETS | {Op.UNPLUG, Op.UNPLUG_ALL}
TELLING: Final = _UNPLUGS | {Op.PLUG, Op.MIGRATION_IN}
"""Operations that may tell listeners something."""

CONTRACTS: Final = (
    Contract(
        "plug-tells",
        plug_tells,
        frozenset({Op.PLUG}),
        "patch hunk virtio_mem_set_block_state, comment there",
    ),
    Contract(
        "unplug-tells",
        unplug_tells,
        _UNPLUGS,
        "virtio_mem_notify_unplug; virtio_mem_notify_unplug_all",
    ),
    Contract(
        "migration-in-replays",
        migration_in_replays,
        frozenset({Op.MIGRATION_IN}),
        "virtio_mem_post_load",
    ),
    Contract("nothing-told", nothing_told, frozenset(Op) - TELLING, "hw/virtio/virtio-mem.c"),
)

"""What must be alike of the functions that a migration calls once it has loaded the device's state.

Of `virtio_mem_post_load_bitmap` and of the walks over ranges of blocks only that they are asked is
looked at.
"""

from __future__ import annotations

from typing import Any, Final

from model.effects import Did, Effect
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.message_claims import asks, pointer_at
from smt_proofs.source.messages import RESTORE
from smt_proofs.source.names import CALLBACK
from smt_proofs.source.state_claims import follows, maps_for_plug

Asked = tuple[str, tuple[Any, ...]]
BITMAP: Final[Asked] = ("virtio_mem_post_load_bitmap", ())
PREALLOCATED: Final[Asked] = (
    "virtio_mem_for_each_plugged_range",
    (f"{CALLBACK}virtio_mem_prealloc_range_cb",),
)
DISCARDED: Final[Asked] = (
    "virtio_mem_for_each_unplugged_range",
    (f"{CALLBACK}virtio_mem_discard_range_cb",),
)
NEGATIVE: Final = 1 << 63


def _answers(c: Case, got: Any, fails: Any) -> list[Claim]:
    """0, or where something failed a negative number."""
    d = c.d
    done, negative = d.eq(got, d.lit(0)), d.le(d.lit(NEGATIVE), got)
    return [
        Claim("success", d.same_truth(done, d.negate(fails)), done, d.negate(fails)),
        Claim("a negative number on failure", d.same_truth(negative, fails), negative, fails),
    ]


def loads(c: Case) -> list[Claim]:
    """The state is loaded: memslots and listeners follow the blocks, unplugged memory is discarded.

    Neither the first where that was done early, nor the second where memory is shared or still to
    come.
    """
    d, x = c.d, c.x
    got = c.call(pointer_at(c, "device"), x.failure)
    asked: list[Asked] = []
    fails = d.truth(False)
    if not d.test(x.early):
        asked, fails = [BITMAP], x.fails
    if not d.test(fails) and not d.test(x.ignored) and not d.test(x.postcopy):
        asked, fails = [*asked, (RESTORE, ())], x.discard_fails
    return [*asks(c, *asked), *_answers(c, got, fails), *c.unchanged("asked")]


def loads_early(c: Case) -> list[Claim]:
    """The state is loaded ahead of memory, which is preallocated first where that is asked for."""
    d, x = c.d, c.x
    got = c.call(pointer_at(c, "device"), x.failure)
    asked: list[Asked] = []
    done: list[Effect[Any, Any, Any]] = []
    fails = d.truth(False)
    if d.test(x.prealloc) and not d.test(x.ignored):
        asked, fails = [PREALLOCATED], x.prealloc_fails
        if not d.test(fails) and d.test(x.advised):
            done, fails = [_effect(c, Did.HOST_DISCARD, d.lit(0), x.region)], x.discard_fails
    if not d.test(fails):
        asked, fails = [*asked, BITMAP], x.fails
    return [
        *asks(c, *asked),
        *_answers(c, got, fails),
        *c.did(tuple(done)),
        *c.unchanged("asked", "events"),
    ]


def _effect(c: Case, did: Did, offset: Any, size: Any) -> Effect[Any, Any, Any]:
    x = c.x
    fails = x.discard_fails if did is Did.HOST_DISCARD else x.prealloc_fails
    return Effect(did, x.plugged, x.mapped, offset, size, c.d.negate(fails))


def restores(c: Case) -> list[Claim]:
    """All ranges of unplugged blocks are discarded."""
    return [
        *_answers(c, c.call(), c.x.discard_fails),
        *asks(c, DISCARDED),
        *c.unchanged("asked"),
    ]


def discards_range(c: Case) -> list[Claim]:
    """One range of memory is given back to the host."""
    return _one_range(c, Did.HOST_DISCARD, c.x.discard_fails)


def preallocates_range(c: Case) -> list[Claim]:
    """Memory is taken from the host for one range."""
    return _one_range(c, Did.HOST_PREALLOC, c.x.prealloc_fails)


def _one_range(c: Case, did: Did, fails: Any) -> list[Claim]:
    got = c.call(pointer_at(c, "argument"), c.x.offset, c.x.length)
    effect = _effect(c, did, c.x.offset, c.x.length)
    return [*_answers(c, got, fails), *c.did((effect,)), *c.unchanged("events")]


def activates_range(c: Case) -> list[Claim]:
    """Memslots are mapped for one range of plugged blocks, and the walk goes on."""
    alike = follows(maps_for_plug, Did.MAP, pointer_at(c, "argument"))(c)
    return [*_answers(c, c.answer, c.d.truth(False)), *alike]

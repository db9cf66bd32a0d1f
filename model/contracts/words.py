"""The words that contracts are stated in.

A contract says what one step may and must do, without a look at how the rules do it: it counts in
blocks where the rules count in bytes. Sizes are bytes, and those of a state whole blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from model.arithmetic import B, Domain, S, W, is_aligned
from model.effects import Did, Effect
from model.invariants import blocks_per_slot
from model.profiles import Profile
from model.state import Action, Answer, Fixed, Op, Result, State

SETS: Final = frozenset({"plugged", "mapped"})
SIZES: Final = frozenset({"size", "requested", "usable"})
EVERY_FIELD: Final = tuple(State.__dataclass_fields__)


def all_of(d: Domain[W, B, S], *claims: B) -> B:
    """Every claim holds."""
    whole = d.truth(True)
    for claim in claims:
        whole = d.both(whole, claim)
    return whole


def when(d: Domain[W, B, S], condition: B, claim: B) -> B:
    """The claim holds if the condition does."""
    return d.either(d.negate(condition), claim)


def exactly(d: Domain[W, B, S], happened: bool, condition: B) -> B:
    """It happened if and only if the condition holds."""
    return condition if happened else d.negate(condition)


def answered(d: Domain[W, B, S], r: Result[W, B, S], condition: B) -> B:
    """The event is carried out if and only if the condition holds, and else refused."""
    told = d.truth(r.answer is Answer.DONE or r.answer is Answer.REFUSED)
    return d.both(told, exactly(d, r.answer is Answer.DONE, condition))


def kept(
    d: Domain[W, B, S], before: State[W, B, S], after: State[W, B, S], fields: Iterable[str]
) -> B:
    """The named fields of the state are as they were."""
    whole = d.truth(True)
    for name in fields:
        same = d.same_members if name in SETS else d.eq if name in SIZES else d.same_truth
        whole = d.both(whole, same(getattr(before, name), getattr(after, name)))
    return whole


def listening(d: Domain[W, B, S], s: State[W, B, S]) -> B:
    """The device is there and was not broken: it answers requests."""
    return d.both(s.realized, d.negate(s.broken))


def named(d: Domain[W, B, S], f: Fixed[W, B], a: Action[W, B]) -> tuple[W, W]:
    """The blocks [first, end) that a range request names, counted from the start of the region.

    An address below the region counts as its start, so that the indices exist for every request.
    """
    addr = d.select(d.lt(a.addr, f.addr), f.addr, a.addr)
    first = d.div(d.sub(addr, f.addr), f.block)
    return first, d.add(first, a.blocks)


def acceptable(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]) -> B:
    """The request names at least one block, from a block's start on, all in the usable region.

    Source: VIRTIO, Memory Device, PLUG, UNPLUG and STATE request (device normative).
    """
    _, end = named(d, f, a)
    inside = d.both(d.le(f.addr, a.addr), d.le(end, d.div(s.usable, f.block)))
    return all_of(d, is_aligned(d, a.addr, f.block), d.lt(d.lit(0), a.blocks), inside)


def touched(d: Domain[W, B, S], f: Fixed[W, B], a: Action[W, B]) -> tuple[W, W]:
    """The memslots [first, end) that hold a block the request names, of which there is one."""
    first, end = named(d, f, a)
    group = blocks_per_slot(d, f)
    last = d.div(d.sub(end, d.lit(1)), group)
    return d.div(first, group), d.add(last, d.lit(1))


def reaches(d: Domain[W, B, S], f: Fixed[W, B], requested: W, usable: W) -> B:
    """A usable region of `usable` bytes is large enough for a requested size of `requested`.

    It reaches `extent` beyond the requested size, or to the end of the region; where nothing is
    requested none is needed.
    """
    far = d.le(d.add(requested, f.extent), usable)
    return d.either(d.eq(requested, d.lit(0)), d.either(far, d.le(f.region, usable)))


def fits(d: Domain[W, B, S], f: Fixed[W, B], requested: W, usable: W) -> B:
    """`usable` is the smallest size in whole blocks that reaches, and lies in the region.

    Source: virtio_mem_resize_usable_region.
    """
    reach = d.add(requested, f.extent)
    blocks, whole = d.div(usable, f.block), d.div(reach, f.block)
    partial = d.both(d.le(blocks, d.add(whole, d.lit(1))), d.negate(is_aligned(d, reach, f.block)))
    nothing = d.eq(requested, d.lit(0))
    return all_of(
        d,
        reaches(d, f, requested, usable),
        d.either(nothing, d.either(d.le(blocks, whole), partial)),
        when(d, nothing, d.eq(usable, d.lit(0))),
        d.le(usable, f.region),
        is_aligned(d, usable, f.block),
    )


def _like_a_reset(profile: Profile) -> bool:
    return not profile.wake_up_keeps


def _never(profile: Profile) -> bool:
    return False


UNPLUGS_ALL: Final[dict[Op, Callable[[Profile], bool]]] = {
    Op.SYSTEM_RESET: lambda profile: True,
    Op.WAKE_UP: _like_a_reset,
}
"""The events that are resets which unplug, and on which devices. A table, so that a claim about
another operation reads no switch of the profile here."""


def unplugs_all(f: Fixed[W, B], op: Op) -> bool:
    """The event is a reset that unplugs: of the machine, or a wake-up that is like one."""
    return UNPLUGS_ALL.get(op, _never)(f.profile)


def hindered(d: Domain[W, B, S], s: State[W, B, S], a: Action[W, B]) -> B:
    """Blocks are plugged, and a migration or a failing discard keeps them so."""
    return d.both(d.lt(d.lit(0), s.size), d.either(s.busy, a.faults.discard))


def only(r: Result[W, B, S], kinds: Iterable[Did]) -> list[Effect[W, B, S]]:
    """The effects of these kinds."""
    return [effect for effect in r.effects if effect.did in kinds]

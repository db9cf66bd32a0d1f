"""Wrong rules by hand, each bigger than one edit: what the right rule makes of a step, made wrong.

A rule takes (fixed, state before, action, right outcome) and returns its own outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from model.effects import HOST, Did, Effect
from model.extents import Extents
from model.profiles import QEMU, QEMU_8_2, SEED_V2, Mapping, Profile
from model.state import Answer, BlockState, ConcreteResult, Op

PLUGGED, USABLE, STATIC = Mapping.PLUGGED, Mapping.USABLE, Mapping.STATIC
NONE = Extents.EMPTY
ACK, NACK, BUSY, ERROR = Answer.ACK, Answer.NACK, Answer.BUSY, Answer.ERROR
DONE, REFUSED = Answer.DONE, Answer.REFUSED


@dataclass(frozen=True, slots=True)
class WrongRule:
    """A wrong rule of an operation, looked at on devices of a profile and a way of mapping."""

    name: str
    op: Op
    wrong: Callable[[Any, Any, Any, ConcreteResult], ConcreteResult]
    mapping: Mapping = PLUGGED
    profile: Profile = QEMU


def on(answer: Answer, make: Callable[..., ConcreteResult]) -> Callable[..., ConcreteResult]:
    """Wrong where the right answer is this one."""
    return lambda f, s, a, r: make(f, s, a, r) if r.answer is answer else r


def leaves(r: ConcreteResult, **fields: Any) -> ConcreteResult:
    return replace(r, state=replace(r.state, **fields))


def sets(**fields: Callable[[Any, Any, Any, Any], Any]) -> Callable[..., ConcreteResult]:
    """Fields of the state that are left otherwise."""
    return lambda f, s, a, r: leaves(r, **{n: make(f, s, a, r) for n, make in fields.items()})


def before(*names: str) -> Callable[..., ConcreteResult]:
    """Fields of the state that are forgotten: they stay as they were."""
    return lambda f, s, a, r: leaves(r, **{name: getattr(s, name) for name in names})


def says(answer: Answer) -> Callable[..., ConcreteResult]:
    return lambda f, s, a, r: replace(r, answer=answer)


def effects(change: Callable[[list[Any], Any, Any, Any], list[Any]]) -> Any:
    """Other effects, made of the list of the right ones."""
    return lambda f, s, a, r: replace(r, effects=tuple(change([*r.effects], f, s, r)))


def each(kinds: set[Did], **fields: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """Effects of these kinds, shown otherwise."""
    return effects(
        lambda es, f, s, r: [
            replace(e, **{n: make(f, s, r) for n, make in fields.items()}) if e.did in kinds else e
            for e in es
        ]
    )


def also(*wrongs: Callable[..., ConcreteResult]) -> Callable[..., ConcreteResult]:
    """One wrong thing after another."""

    def all_of(f: Any, s: Any, a: Any, r: ConcreteResult) -> ConcreteResult:
        for wrong in wrongs:
            r = wrong(f, s, a, r)
        return r

    return all_of


def first_to_end(f: Any, a: Any) -> tuple[int, int]:
    """The blocks that a request names."""
    first = (a.addr - f.addr) // f.block
    return first, first + a.blocks


def everything(f: Any) -> Extents:
    return Extents.of_ranges([(0, f.slots.count)])


def marked(more: int) -> Callable[..., ConcreteResult]:
    """PLUG that marks so many blocks more, and counts them, as far as they exist."""

    def wrong(f: Any, s: Any, a: Any, r: ConcreteResult) -> ConcreteResult:
        first, end = first_to_end(f, a)
        end = max(min(end + more, f.region // f.block), first + 1)
        plugged = s.plugged.with_range(first, end)
        group = f.slots.size // f.block
        mapped = s.mapped.with_range(first // group, (end - 1) // group + 1)
        if f.mapping is not PLUGGED:
            mapped = s.mapped
        return leaves(r, plugged=plugged, size=len(plugged) * f.block, mapped=mapped)

    return wrong


def moved(kind: Did, *, last: bool) -> Callable[..., ConcreteResult]:
    """One effect is done last, or first."""

    def change(es: list[Any], f: Any, s: Any, r: Any) -> list[Any]:
        mine, rest = [e for e in es if e.did is kind], [e for e in es if e.did is not kind]
        return [*rest, *mine] if last else [*mine, *rest]

    return effects(change)


def not_done(*kinds: Did) -> Callable[..., ConcreteResult]:
    return effects(lambda es, f, s, r: [e for e in es if e.did not in kinds])


def twice(kind: Did) -> Callable[..., ConcreteResult]:
    return effects(lambda es, f, s, r: [e for x in es for e in ((x, x) if x.did is kind else (x,))])


def done(did: Did) -> Callable[..., ConcreteResult]:
    """One more effect at the end, of the whole region."""
    return effects(
        lambda es, f, s, r: [*es, Effect(did, r.state.plugged, r.state.mapped, 0, f.region, True)]
    )


def emptied(f: Any, s: Any, a: Any, r: ConcreteResult) -> ConcreteResult:
    """All blocks and the memslots that follow them go."""
    mapped = NONE if f.mapping is PLUGGED else r.state.mapped
    return leaves(r, plugged=NONE, size=0, mapped=mapped)


def cleared(f: Any, s: Any, a: Any, r: ConcreteResult) -> ConcreteResult:
    first, end = first_to_end(f, a)
    return leaves(r, plugged=s.plugged.without_range(first, end))


def filled(f: Any, s: Any, a: Any, r: ConcreteResult) -> ConcreteResult:
    return leaves(r, plugged=s.plugged.with_range(*first_to_end(f, a)))


def one_slot_less(f: Any, s: Any, a: Any, r: ConcreteResult) -> ConcreteResult:
    """Only the memslot of the first block is mapped."""
    first = first_to_end(f, a)[0] // (f.slots.size // f.block)
    return leaves(r, mapped=s.mapped.with_range(first, first + 1))


def where(condition: Callable[[Any, Any, Any], Any], wrong: Callable[..., Any]) -> Any:
    return lambda f, s, a, r: wrong(f, s, a, r) if condition(f, s, a) else r


MAPS = {Did.MAP, Did.POPULATE}
whole_region = each(set(Did), offset=lambda f, s, r: 0, size=lambda f, s, r: f.region)
plugged_already = each({Did.POPULATE}, plugged=lambda f, s, r: r.state.plugged)

PLUG = (
    ("counts-but-marks-nothing", on(ACK, before("plugged", "mapped"))),
    ("marks-but-neither-counts-nor-maps", on(ACK, before("size", "mapped"))),
    ("marks-and-counts-without-mapping", on(ACK, before("mapped"))),
    ("marks-a-block-too-many", on(ACK, marked(1))),
    ("marks-a-block-too-few", on(ACK, marked(-1))),
    ("counts-twice", on(ACK, sets(size=lambda f, s, a, r: 2 * r.state.size))),
    ("maps-everything", on(ACK, sets(mapped=lambda f, s, a, r: everything(f)))),
    ("maps-the-first-memslot-only", on(ACK, one_slot_less)),
    ("grows-requested", on(ACK, sets(requested=lambda f, s, a, r: s.usable))),
    ("grows-usable", on(ACK, sets(usable=lambda f, s, a, r: f.region))),
    ("notifies", on(ACK, lambda f, s, a, r: replace(r, notified=True))),
    ("tells-the-state", on(ACK, lambda f, s, a, r: replace(r, block_state=BlockState.PLUGGED))),
    ("tells-before-it-maps", on(ACK, moved(Did.MAP, last=True))),
    ("tells-nobody", on(ACK, not_done(Did.POPULATE))),
    ("tells-of-blocks-as-plugged", on(ACK, plugged_already)),
    ("tells-of-the-region", on(ACK, whole_region)),
    (
        "tells-of-memslots-of-before",
        on(ACK, each(MAPS, mapped=lambda f, s, r: s.mapped)),
    ),
    ("tells-twice", on(ACK, twice(Did.POPULATE))),
    ("gives-back-what-it-plugged", on(ACK, done(Did.HOST_DISCARD))),
    ("preallocates-last", on(ACK, moved(Did.HOST_PREALLOC, last=True))),
    ("forgets-to-preallocate", not_done(Did.HOST_PREALLOC)),
    ("refused-stays-mapped", on(BUSY, sets(mapped=lambda f, s, a, r: everything(f)))),
    ("refused-stays-marked", on(BUSY, filled)),
    ("refused-is-nack", on(BUSY, says(NACK))),
    ("refused-is-acknowledged", on(BUSY, says(ACK))),
    ("refused-gives-back-before-unmapping", on(BUSY, moved(Did.UNMAP, last=True))),
    ("refused-gives-nothing-back", on(BUSY, not_done(Did.HOST_DISCARD))),
    ("refused-forgets-to-unmap", on(BUSY, not_done(Did.UNMAP))),
    ("refused-says-it-was-told", on(BUSY, each({Did.POPULATE}, done=lambda f, s, r: True))),
    ("nack-is-error", on(NACK, says(ERROR))),
    ("error-is-nack", on(ERROR, says(NACK))),
    ("error-breaks", on(ERROR, sets(broken=lambda f, s, a, r: True))),
    ("error-stops-a-migration", on(ERROR, sets(busy=lambda f, s, a, r: not s.busy))),
)
UNPLUG = (
    ("clears-and-forgets-the-rest", on(ACK, before("size", "mapped"))),
    ("counts-and-clears-nothing", on(ACK, before("plugged", "mapped"))),
    ("keeps-memslots-mapped", on(ACK, before("mapped"))),
    ("unmaps-everything", on(ACK, sets(mapped=lambda f, s, a, r: NONE))),
    ("empties-the-device", on(ACK, emptied)),
    ("shrinks-requested", on(ACK, sets(requested=lambda f, s, a, r: r.state.size))),
    ("shrinks-usable", on(ACK, sets(usable=lambda f, s, a, r: r.state.requested))),
    ("unmaps-before-it-discards", on(ACK, moved(Did.UNMAP, last=False))),
    ("tells-before-it-discards", on(ACK, moved(Did.HOST_DISCARD, last=True))),
    ("never-discards", on(ACK, not_done(*HOST))),
    ("tells-nobody", on(ACK, not_done(Did.DISCARD))),
    ("tells-twice", on(ACK, twice(Did.DISCARD))),
    (
        "tells-of-blocks-gone",
        on(ACK, each({Did.DISCARD}, plugged=lambda f, s, r: r.state.plugged)),
    ),
    (
        "tells-of-memslots-gone",
        on(ACK, each({Did.DISCARD}, mapped=lambda f, s, r: r.state.mapped)),
    ),
    ("failing-clears-half-way", on(BUSY, cleared)),
    ("failing-is-acknowledged", on(BUSY, says(ACK))),
    (
        "failing-says-it-worked",
        on(BUSY, each({Did.HOST_DISCARD}, done=lambda f, s, r: True)),
    ),
    ("busy-is-error", on(BUSY, says(ERROR))),
    ("error-clears", on(ERROR, where(lambda f, s, a: a.addr >= f.addr, cleared))),
)
UNPLUG_ALL = (
    ("forgets-the-size", on(ACK, before("size"))),
    ("forgets-blocks-and-size", on(ACK, before("plugged", "size", "mapped"))),
    ("forgets-the-usable-region", on(ACK, before("usable"))),
    ("keeps-memslots-mapped", on(ACK, before("mapped"))),
    ("closes-the-usable-region", on(ACK, sets(usable=lambda f, s, a, r: 0))),
    ("forgets-what-is-requested", on(ACK, sets(requested=lambda f, s, a, r: 0))),
    ("tells-nobody", on(ACK, not_done(Did.DISCARD))),
    ("is-busy-though-empty", where(lambda f, s, a: s.busy and not s.size, says(BUSY))),
    ("failing-empties-half-way", on(BUSY, sets(plugged=lambda f, s, a, r: NONE))),
    ("failing-empties-all", on(BUSY, emptied)),
)
STATE = (
    (
        "exchanges-plugged-and-unplugged",
        lambda f, s, a, r: replace(
            r,
            block_state={
                BlockState.PLUGGED: BlockState.UNPLUGGED,
                BlockState.UNPLUGGED: BlockState.PLUGGED,
            }.get(r.block_state, r.block_state),
        ),
    ),
    ("is-always-mixed", on(ACK, lambda f, s, a, r: replace(r, block_state=BlockState.MIXED))),
    ("tells-nothing", on(ACK, lambda f, s, a, r: replace(r, block_state=None))),
    (
        "is-busy-in-a-migration",
        on(ACK, where(lambda f, s, a: s.busy, lambda f, s, a, r: replace(r, answer=BUSY))),
    ),
    ("breaks-on-error", on(ERROR, sets(broken=lambda f, s, a, r: True))),
    ("tells-with-an-error", on(ERROR, lambda f, s, a, r: replace(r, block_state=BlockState.MIXED))),
)
RESIZE = (
    ("shrinks-usable", on(DONE, sets(usable=lambda f, s, a, r: a.value))),
    ("opens-the-region", on(DONE, sets(usable=lambda f, s, a, r: f.region))),
    ("forgets-the-size", on(DONE, before("requested"))),
    ("forgets-usable", on(DONE, before("usable"))),
    ("tells-nobody", lambda f, s, a, r: replace(r, notified=False)),
    ("unplugs-the-excess", on(DONE, where(lambda f, s, a: a.value < s.size, emptied))),
    ("is-refused-in-a-migration", where(lambda f, s, a: s.busy, says(REFUSED))),
    ("takes-what-it-refuses", on(REFUSED, sets(requested=lambda f, s, a, r: a.value))),
)
OTHERS = (
    WrongRule("unknown-breaks-nothing", Op.UNKNOWN, before("broken")),
    WrongRule("unknown-is-error", Op.UNKNOWN, on(Answer.VIOLATION, says(ERROR))),
    WrongRule("short-tells-nobody", Op.SHORT, lambda f, s, a, r: replace(r, notified=False)),
    WrongRule("reset-keeps-the-driver", Op.SYSTEM_RESET, before("accepted", "broken")),
    WrongRule("reset-unplugs-in-a-migration", Op.SYSTEM_RESET, on(DONE, emptied)),
    WrongRule(
        "reset-requests-as-at-start",
        Op.SYSTEM_RESET,
        on(DONE, sets(requested=lambda f, s, a, r: f.start_requested)),
    ),
    WrongRule("reset-forgets-usable", Op.SYSTEM_RESET, before("usable")),
    WrongRule("device-reset-unplugs", Op.DEVICE_RESET, on(DONE, emptied)),
    WrongRule(
        "device-reset-ends-a-migration", Op.DEVICE_RESET, sets(busy=lambda f, s, a, r: False)
    ),
    WrongRule("wake-up-unplugs", Op.WAKE_UP, on(DONE, emptied)),
    WrongRule(
        "wake-up-keeps",
        Op.WAKE_UP,
        lambda f, s, a, r: replace(before("plugged", "mapped", "size", "usable")(f, s, a, r)),
        profile=QEMU_8_2,
    ),
    WrongRule(
        "migration-unmaps", Op.MIGRATION_START, on(DONE, sets(mapped=lambda f, s, a, r: NONE))
    ),
    WrongRule(
        "migration-needs-no-plugged",
        Op.MIGRATION_START,
        where(lambda f, s, a: s.size, says(REFUSED)),
    ),
    WrongRule("migration-never-ends", Op.MIGRATION_END, before("busy")),
    WrongRule(
        "migration-in-maps-nothing", Op.MIGRATION_IN, on(DONE, sets(mapped=lambda f, s, a, r: NONE))
    ),
    WrongRule(
        "migration-in-maps-all",
        Op.MIGRATION_IN,
        on(DONE, sets(mapped=lambda f, s, a, r: everything(f))),
    ),
    WrongRule("migration-in-replays-first", Op.MIGRATION_IN, moved(Did.REPLAY, last=False)),
    WrongRule("migration-in-replays-last", Op.MIGRATION_IN, moved(Did.REPLAY, last=True)),
    WrongRule("migration-in-stays-busy", Op.MIGRATION_IN, before("busy")),
    WrongRule(
        "migration-in-forgets-the-size", Op.MIGRATION_IN, on(DONE, sets(size=lambda f, s, a, r: 0))
    ),
    WrongRule(
        "migration-in-maps-as-before",
        Op.MIGRATION_IN,
        before("mapped"),
        mapping=PLUGGED,
        profile=SEED_V2,
    ),
    WrongRule("unrealize-stays", Op.UNREALIZE, before("realized")),
    WrongRule(
        "unrealize-while-plugged",
        Op.UNREALIZE,
        lambda f, s, a, r: replace(leaves(r, realized=False), answer=DONE),
    ),
    WrongRule("unrealize-closes-usable", Op.UNREALIZE, on(DONE, sets(usable=lambda f, s, a, r: 0))),
    WrongRule("negotiate-takes-anything", Op.NEGOTIATE, on(REFUSED, says(DONE))),
    WrongRule("negotiate-forgets-a-refusal", Op.NEGOTIATE, on(REFUSED, before("accepted"))),
    WrongRule("negotiate-mends", Op.NEGOTIATE, sets(broken=lambda f, s, a, r: False)),
    WrongRule(
        "resize-leaves-memslots",
        Op.RESIZE,
        before("mapped"),
        mapping=USABLE,
        profile=SEED_V2,
    ),
    WrongRule(
        "unplug-all-leaves-memslots",
        Op.UNPLUG_ALL,
        before("mapped"),
        mapping=USABLE,
        profile=SEED_V2,
    ),
    WrongRule(
        "resize-tells-of-memslots-of-before",
        Op.RESIZE,
        each({Did.REMAP}, mapped=lambda f, s, r: s.mapped),
        mapping=USABLE,
        profile=SEED_V2,
    ),
    WrongRule("plug-unmaps-static", Op.PLUG, on(ACK, sets(mapped=lambda f, s, a, r: NONE)), STATIC),
)
WRONG_RULES = (
    *(WrongRule(f"plug-{name}", Op.PLUG, wrong) for name, wrong in PLUG),
    *(WrongRule(f"unplug-{name}", Op.UNPLUG, wrong) for name, wrong in UNPLUG),
    *(WrongRule(f"unplug-all-{name}", Op.UNPLUG_ALL, wrong) for name, wrong in UNPLUG_ALL),
    *(WrongRule(f"state-{name}", Op.STATE, wrong) for name, wrong in STATE),
    *(WrongRule(f"resize-{name}", Op.RESIZE, wrong) for name, wrong in RESIZE),
    *OTHERS,
)

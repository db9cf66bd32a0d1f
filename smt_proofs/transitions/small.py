"""Small devices, all of them: a transition carried out in every situation of a small scope.

What is claimed of a transition for all devices is executed here on devices of one to four blocks,
in order of size: the first situation in which a claim fails is a smallest counterexample. The
states are built to meet the invariants, and the inputs meet what `transitions.inputs` assumes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product
from typing import Final

from model.arithmetic import GIB, U64_MASK
from model.extents import Extents
from model.geometry import Memslots
from model.machine_ints import INTS
from model.profiles import Mapping, Profile
from model.state import (
    NO_FAULTS,
    ConcreteAction,
    ConcreteResult,
    ConcreteState,
    Faults,
    Fixed,
    Op,
    State,
    action,
)
from smt_proofs.transitions.claims import REALIZE, Claim, carry_out, claims_of
from smt_proofs.transitions.inputs import Situation

BLOCK: Final = GIB
"""Bytes: with blocks of 1 GiB a memslot may be a single block."""

SmallDevice = Fixed[int, bool]
SmallSituation = Situation[int, bool, Extents]
Flags = tuple[bool, bool, bool, bool]
"""Of a state: busy, accepted, broken, realized."""

IDLE: Final[Flags] = (False, False, False, True)
BUSY: Final[Flags] = (True, False, False, True)
EVERY_FLAG: Final[tuple[Flags, ...]] = tuple(
    (busy, accepted, broken, realized)
    for realized, broken, accepted, busy in product(
        (True, False), (False, True), (False, True), (False, True)
    )
)


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is tried on devices of a size.

    `flags` of the state; `every_size`: all requested and usable sizes that the invariants permit,
    and not only the whole region; `at_end`: also a region at the end of the address space;
    `odd`: also addresses that no block starts at, and block counts of no use.
    """

    blocks: int
    flags: tuple[Flags, ...]
    every_size: bool
    at_end: bool
    odd: bool


SCOPES: Final = (
    Scope(1, EVERY_FLAG, every_size=True, at_end=False, odd=True),
    Scope(2, (IDLE, BUSY), every_size=True, at_end=True, odd=True),
    Scope(3, (IDLE,), every_size=True, at_end=False, odd=False),
    Scope(4, (IDLE,), every_size=False, at_end=False, odd=False),
)

RANGE_OPS: Final = frozenset({Op.PLUG.value, Op.UNPLUG.value, Op.STATE.value})
FITTING_OPS: Final = frozenset(
    {
        REALIZE,
        Op.RESIZE.value,
        Op.UNPLUG_ALL.value,
        Op.SYSTEM_RESET.value,
        Op.WAKE_UP.value,
        Op.MIGRATION_IN.value,
        Op.UNREALIZE.value,
    }
)
"""Transitions that may fit the usable region, or that take what realize left."""
STARTING: Final = frozenset({REALIZE, Op.MIGRATION_IN.value})
"""Transitions that read the requested size at start."""
OFFERING: Final = frozenset({Op.NEGOTIATE.value, Op.UNREALIZE.value})
"""Transitions that ask whether VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE is offered."""
ALLOCATING: Final = frozenset({Op.PLUG.value, Op.MIGRATION_IN.value})
"""Transitions that may preallocate memory."""
FAULTS_MET: Final = {
    Op.PLUG.value: ("populate", "prealloc", "discard"),
    Op.UNPLUG.value: ("discard",),
    Op.UNPLUG_ALL.value: ("discard",),
    Op.SYSTEM_RESET.value: ("discard",),
    Op.WAKE_UP.value: ("discard",),
}
"""The host operations that may fail in a transition."""


def layouts(mapping: Mapping, blocks: int) -> Iterator[Memslots[int]]:
    """Every way to cut a region of so many blocks into memslots, large memslots first."""
    for group in range(blocks, 0, -1):
        if mapping is not Mapping.STATIC or group == blocks:
            yield Memslots(count=-(-blocks // group), size=group * BLOCK)


def devices(
    profile: Profile, mapping: Mapping, transition: str, scope: Scope
) -> Iterator[SmallDevice]:
    """The devices of one size."""
    region = scope.blocks * BLOCK
    ends = U64_MASK + 1 - region - BLOCK
    addrs = (4 * BLOCK, ends) if scope.at_end and transition in RANGE_OPS else (4 * BLOCK,)
    extents = (0, BLOCK, BLOCK // 2, BLOCK + 1) if transition in FITTING_OPS else (BLOCK,)
    starts = range(0, region + 1, BLOCK) if transition in STARTING else (0,)
    offered: tuple[bool, ...] = (mapping is not Mapping.USABLE,)
    if mapping is Mapping.STATIC and transition in OFFERING:
        offered = (True, False)
    prealloc = (False, True) if transition in ALLOCATING and scope.odd else (False,)
    for slots, addr, extent, start, inaccessible, allocates in product(
        layouts(mapping, scope.blocks), addrs, extents, starts, offered, prealloc
    ):
        if allocates and addr == ends:
            continue
        yield Fixed(
            profile, mapping, slots, region, BLOCK, addr, extent, start, inaccessible, allocates
        )


def states(f: SmallDevice, scope: Scope) -> Iterator[ConcreteState]:
    """The states of a device that meet all invariants, those with few plugged blocks first."""
    for count in range(scope.blocks + 1):
        for chosen in combinations(range(scope.blocks), count):
            plugged = Extents.of_ranges([(index, index + 1) for index in chosen])
            least = max(chosen, default=-1) + 1
            usables = range(least, scope.blocks + 1) if scope.every_size else (scope.blocks,)
            for usable in usables:
                requests = range(usable + 1) if scope.every_size else {count, usable}
                for requested, flags in product(sorted(requests), scope.flags):
                    yield State(
                        plugged,
                        mapped_then(f, plugged, usable * BLOCK),
                        count * BLOCK,
                        requested * BLOCK,
                        usable * BLOCK,
                        *flags,
                    )


def mapped_then(f: SmallDevice, plugged: Extents, usable: int) -> Extents:
    """The mapped memslots that the invariants ask for."""
    group = f.slots.size // f.block
    if f.mapping is Mapping.PLUGGED:
        wanted = {index // group for start, end in plugged.ranges() for index in range(start, end)}
    elif f.mapping is Mapping.USABLE:
        wanted = set(range(-(-usable // f.slots.size)))
    else:
        wanted = {0}
    return Extents.of_ranges([(index, index + 1) for index in sorted(wanted)])


def faults(transition: str) -> list[Faults[bool]]:
    """No fault, and each that the transition may meet."""
    met = FAULTS_MET.get(transition, ())
    return [NO_FAULTS, *(replace(NO_FAULTS, **{name: True}) for name in met)]


def actions(f: SmallDevice, transition: str, scope: Scope) -> Iterator[ConcreteAction]:
    """What can happen to a device: values at and around all boundaries of the region."""
    op = Op.STATE if transition == REALIZE else Op(transition)
    if transition in RANGE_OPS:
        whole = range(f.addr, f.addr + f.region, BLOCK)
        odd = (f.addr - BLOCK, f.addr + f.region, f.addr + 1, 0)
        addrs: Iterable[int] = (*whole, *odd) if scope.odd else (*whole, f.addr + BLOCK // 2)
        counts = [*range(1, scope.blocks + 2), *((0, scope.blocks + 2) if scope.odd else ())]
        values: Iterable[int] = (0,)
    else:
        addrs, counts, values = (0,), [0], (0,)
    if op is Op.RESIZE:
        values = (*range(0, f.region + BLOCK + 1, BLOCK), 1, BLOCK - 1, f.region + 1, U64_MASK)
    elif op is Op.NEGOTIATE:
        values = (0, 1, 2)
    for addr, blocks, value, failing in product(addrs, counts, values, faults(transition)):
        yield action(op, addr=addr & U64_MASK, blocks=blocks, value=value, faults=failing)


def situations(profile: Profile, mapping: Mapping, transition: str) -> Iterator[SmallSituation]:
    """All situations of the small scope, in order of size.

    A transition is `realize` or the value of an operation.
    """
    for scope in SCOPES:
        for f in devices(profile, mapping, transition, scope):
            done = tuple(actions(f, transition, scope))
            for s in states(f, scope):
                for a in done:
                    yield Situation(f, s, a)
                if transition == REALIZE:
                    # There is no state before.
                    break


def outcome(transition: str, situation: SmallSituation) -> ConcreteResult:
    """What comes of a situation."""
    f, s, a = situation.fixed, situation.state, situation.action
    return carry_out(INTS, transition, f, s, a)


def fails(claim: Claim, situation: SmallSituation, result: ConcreteResult) -> bool:
    """The executed claim is false of a step, or is not defined there."""
    try:
        return not claim.holds(INTS, situation.fixed, situation.state, situation.action, result)
    except ZeroDivisionError:
        return True


def describe(situation: SmallSituation) -> str:
    """A situation in one line; sizes in blocks, addresses as offsets into the region."""
    f, s, a = situation.fixed, situation.state, situation.action
    flags = [n for n in ("busy", "accepted", "broken") if getattr(s, n)]
    flags += [] if s.realized else ["gone"]
    flags += ["prealloc"] if f.prealloc else []
    parts = [
        f"region {_blocks(f.region)} memslot {_blocks(f.slots.size)}",
        f"plugged {_runs(s.plugged)} requested {_blocks(s.requested)} usable {_blocks(s.usable)}",
        *flags,
    ]
    done = a.op.value
    if a.op.value in RANGE_OPS:
        done += f" {a.blocks} at {_blocks(a.addr - f.addr)}"
    elif a.value or a.op is Op.RESIZE:
        done += f" {_blocks(a.value) if a.op is Op.RESIZE else a.value}"
    failing = [name for name in ("discard", "prealloc", "populate") if getattr(a.faults, name)]
    return f"{' '.join(parts)}: {done}{' failing ' + ' '.join(failing) if failing else ''}"


def _blocks(size: int) -> str:
    """Bytes as blocks, with the bytes that are over."""
    blocks, rest = divmod(size, BLOCK)
    return f"{blocks}+{rest}B" if rest else str(blocks)


def _runs(items: Extents) -> str:
    return ",".join(f"{start}..{end - 1}" for start, end in items.ranges()) or "none"


@cache
def broken(
    profile: Profile, mapping: Mapping, transition: str
) -> tuple[tuple[str, SmallSituation], ...]:
    """Each theorem of a transition that fails in the small scope, with the first situation."""
    claims = claims_of(mapping, transition)
    found: dict[str, SmallSituation] = {}
    for situation in situations(profile, mapping, transition):
        result = outcome(transition, situation)
        for claim in claims:
            if claim.theorem not in found and fails(claim, situation, result):
                found[claim.theorem] = situation
    return tuple(found.items())

"""Ranges of blocks for PLUG, UNPLUG and STATE, at the boundaries of a device's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from conformance.generate.choices import Choices
from conformance.generate.config import ACROSS
from conformance.traces.codec import MAX_BLOCKS
from model.arithmetic import U64_MASK
from model.extents import Extents
from model.state import ConcreteState, Fixed

Blocks = tuple[int, int]
"""First block and one past the last, counted from the region's start."""
Range = tuple[int, int]
"""What a request says: guest physical address (bytes), number of blocks."""


@dataclass(frozen=True, slots=True)
class View:
    """A device's state in blocks: `total` of the region, `usable`, `budget` still to be plugged,
    `per_slot`; `plugged` and `free` are the runs of the usable region."""

    addr: int
    block: int
    total: int
    usable: int
    budget: int
    per_slot: int
    plugged: list[Blocks]
    free: list[Blocks]


def view_of(fixed: Fixed[int, bool], state: ConcreteState) -> View:
    """The view of a state."""
    block = fixed.block
    usable = state.usable // block
    return View(
        addr=fixed.addr,
        block=block,
        total=fixed.region // block,
        usable=usable,
        budget=max(state.requested - state.size, 0) // block,
        per_slot=fixed.slots.size // block,
        plugged=list(state.plugged.ranges_within(0, usable)),
        free=free_runs(state.plugged, usable),
    )


def free_runs(plugged: Extents, end: int) -> list[Blocks]:
    """The runs of [0, end) that are not plugged."""
    edges = [0, *(edge for run in plugged.ranges_within(0, end) for edge in run), end]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]


def at(view: View, start: int, end: int) -> Range:
    """The request for blocks [start, end), cut to what a request can count."""
    addr = (view.addr + start * view.block) & U64_MASK
    return addr, min(max(end - start, 0), MAX_BLOCKS)


def part(choices: Choices, run: Blocks, most: int = MAX_BLOCKS) -> Blocks:
    """Blocks of a run, at most `most` (but at least one): its start, its end or the middle."""
    start, end = run
    longest = max(min(end - start, most), 1)
    length = choices.pick([(1, longest), (1, choices.integer(1, longest)), (1, 1)])
    slack = max(end - start - length, 0)
    first = start + choices.pick([(3, 0), (2, slack), (2, choices.integer(0, slack))])
    return first, first + length


def one_of(choices: Choices, runs: list[Blocks]) -> Blocks:
    """A run, the first and the last more often; the usable region's first block if none is left."""
    if not runs:
        return 0, 1
    return choices.pick([(1, runs[0]), (1, runs[-1]), (2, runs[choices.integer(0, len(runs) - 1)])])


def free(choices: Choices, view: View) -> Range:
    """Unplugged blocks within the requested size."""
    return at(view, *part(choices, one_of(choices, view.free), view.budget or MAX_BLOCKS))


def plugged(choices: Choices, view: View) -> Range:
    """A plugged run or a part of it."""
    return at(view, *part(choices, one_of(choices, view.plugged)))


def border(choices: Choices, view: View) -> Range:
    """Blocks on both sides of a plugged run's end."""
    start, end = one_of(choices, view.plugged)
    before = choices.pick([(2, 1), (1, choices.integer(1, 8))])
    after = choices.pick([(2, 1), (1, choices.integer(1, 8))])
    edge = choices.pick([(1, end), (1, start)])
    return at(view, max(edge - before, 0), edge + after)


def slot(choices: Choices, view: View) -> Range:
    """A memslot's first or last block, the memslot, or blocks across its end."""
    last = max(view.usable - 1, 0) // view.per_slot
    index = choices.pick([(1, 0), (2, last), (3, choices.integer(0, last))])
    start = index * view.per_slot
    end = min(start + view.per_slot, view.total)
    across = choices.integer(1, max(view.per_slot, 2))
    return at(
        view,
        *choices.pick(
            [
                (1, (start, start + 1)),
                (1, (end - 1, end)),
                (2, (start, end)),
                (2, (end - 1, end + 1)),
                (1, (max(end - across, start), end + across)),
                (1, (start, end + view.per_slot)),
            ]
        ),
    )


def tail(choices: Choices, view: View) -> Range:
    """Of the region's last memslot, short or not: its last block, all but that, all, or a part."""
    start = (view.total - 1) // view.per_slot * view.per_slot
    end = min(view.total, max(view.usable, start + 1))
    whole = (start, end)
    return at(
        view,
        *choices.pick(
            [(2, (end - 1, end)), (2, whole), (2, (start, end - 1)), (1, part(choices, whole))]
        ),
    )


def all_but_one(choices: Choices, view: View) -> Range:
    """What is plugged of one memslot but the last or the first block of it."""
    start, end = one_of(choices, view.plugged[-1:] if choices.chance(60) else view.plugged)
    last = (end - 1) // view.per_slot
    index = choices.pick([(3, last), (1, start // view.per_slot)])
    start, end = max(start, index * view.per_slot), min(end, (index + 1) * view.per_slot)
    return at(view, *choices.pick([(2, (start, end - 1)), (1, (start + 1, end))]))


def edge_of(choices: Choices, view: View, end: int) -> Range:
    """Blocks that end at `end`, one before or after it, or start there."""
    length = choices.pick([(2, 1), (1, choices.integer(1, 16)), (1, max(end, 1))])
    start = max(end - length, 0)
    return at(
        view,
        *choices.pick([(2, (start, end)), (2, (start, end + 1)), (1, (end, end + 1))]),
    )


def across(choices: Choices, view: View) -> Range:
    """Blocks on both sides of an address that is a power of two, if one is in the usable region;
    or the block there, a byte off."""
    end = view.addr + view.usable * view.block
    inside = [at for at in (1 << power for power in ACROSS) if view.addr < at < end]
    if not inside:
        return anywhere(choices, view)
    middle = (inside[0] - view.addr) // view.block
    addr, blocks = at(view, middle - choices.integer(0, 1), middle + 1)
    return (addr + choices.pick([(2, 0), (1, 1)])) & U64_MASK, blocks


def usable_edge(choices: Choices, view: View) -> Range:
    """Blocks at the end of the usable region."""
    return edge_of(choices, view, view.usable)


def region_edge(choices: Choices, view: View) -> Range:
    """Blocks at the end of the region."""
    return edge_of(choices, view, view.total)


def outside(choices: Choices, view: View) -> Range:
    """Addresses that no driver should send: 0, below the region, up to a wrap-around at 2^64."""
    zero = -view.addr // view.block
    top = (U64_MASK + 1 - view.addr) // view.block
    blocks = choices.pick([(2, 1), (1, 2), (1, MAX_BLOCKS)])
    first = choices.pick(
        [
            (1, zero),
            # What a device that forgets the region's address would take for an offset.
            (3, zero + choices.integer(0, max(view.usable - 1, 0))),
            (1, -1),
            (1, top - 1),
            (1, top - choices.integer(1, MAX_BLOCKS)),
            (1, view.total + choices.integer(0, view.total)),
        ]
    )
    return at(view, first, first + blocks)


def nothing(choices: Choices, view: View) -> Range:
    """Zero blocks at an address that is fine."""
    addr, _ = anywhere(choices, view)
    return addr, 0


def most(choices: Choices, view: View) -> Range:
    """The most blocks that a request can count."""
    start = choices.pick([(2, 0), (1, choices.integer(0, max(view.usable - 1, 0)))])
    return at(view, start, start + MAX_BLOCKS)


def at_budget(choices: Choices, view: View) -> Range:
    """From a free block on, exactly what is requested but not plugged, or one block more."""
    start, _ = one_of(choices, view.free)
    return at(view, start, start + view.budget + choices.pick([(1, 1), (1, 0)]))


def misaligned(choices: Choices, view: View) -> Range:
    """A good range a byte or half a block off."""
    addr, blocks = anywhere(choices, view)
    off = choices.pick([(2, 1), (1, -1), (2, view.block // 2), (1, 4096)])
    return (addr + off) & U64_MASK, max(blocks, 1)


def anywhere(choices: Choices, view: View) -> Range:
    """Blocks of the usable region, wherever."""
    return at(view, *part(choices, (0, max(view.usable, 1))))


Shape = Callable[[Choices, View], Range]

HOSTILE: Final[tuple[tuple[int, Shape], ...]] = (
    (4, usable_edge),
    (1, region_edge),
    (2, outside),
    (1, nothing),
    (1, misaligned),
)
PLUG_SHAPES: Final = (
    *((24, free), (7, slot), (8, tail), (3, most), (4, at_budget), (1, border), (2, across)),
    *HOSTILE,
)
UNPLUG_SHAPES: Final = (
    *((24, plugged), (9, all_but_one), (7, slot), (3, tail), (2, border), (1, most), (1, free)),
    *HOSTILE,
)
STATE_SHAPES: Final = (
    *((6, plugged), (6, border), (5, free), (3, slot), (1, anywhere), (1, across)),
    *HOSTILE,
)

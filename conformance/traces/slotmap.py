"""A device's memslots as text: one line a memslot, equal neighbours folded into one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from conformance.traces.sizes import format_size
from model.geometry import slot_length, slot_start
from model.machine_ints import INTS
from model.state import ConcreteState, Fixed

MOST_LINES = 24
"""Lines of a map at most; those in the middle give way."""


def slot_map(fixed: Fixed[int, bool], state: ConcreteState) -> list[str]:
    """A heading with the device's sizes, then the memslots (or runs of alike memslots)."""
    count = fixed.slots.count
    heading = (
        f"plugged {format_size(state.size)}, requested {format_size(state.requested)}, "
        f"usable {format_size(state.usable)}, {len(state.mapped)} of {count} "
        f"memslot{'s' if count > 1 else ''} mapped{_flags(state)}"
    )
    lines = list(_lines(fixed, state))
    if len(lines) > MOST_LINES:
        half = MOST_LINES // 2
        left_out = f"... {len(lines) - 2 * half} lines like these"
        lines = [*lines[:half], left_out, *lines[-half:]]
    return [heading, *(f"  {line}" for line in lines)]


def _flags(state: ConcreteState) -> str:
    flags = {"migrating": state.busy, "broken": state.broken, "gone": not state.realized}
    return "".join(f", {name}" for name, holds in flags.items() if holds)


def _lines(fixed: Fixed[int, bool], state: ConcreteState) -> Iterator[str]:
    indices = range(fixed.slots.count)
    described = ((index, _describe(fixed, state, index)) for index in indices)
    for text, group in groupby(described, key=lambda pair: pair[1]):
        run = [index for index, _ in group]
        name = str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}"
        yield f"slot {name:<10} {text}"


def _describe(fixed: Fixed[int, bool], state: ConcreteState, index: int) -> str:
    """Everything a line says of one memslot but its number."""
    start = slot_start(INTS, fixed.slots, index)
    length = slot_length(INTS, fixed.slots, fixed.region, index)
    first, blocks = start // fixed.block, length // fixed.block
    runs = state.plugged.ranges_within(first, first + blocks)
    plugged = sum(end - begin for begin, end in runs)
    marks = [
        f"{name} ends at +{format_size(size - start)}"
        for name, size in (("requested", state.requested), ("usable", state.usable))
        if start < size <= start + length
    ]
    mapped = "mapped" if index in state.mapped else "-"
    text = f"{format_size(length):>10}  {mapped:<6}  {plugged}/{blocks} blocks plugged"
    return "  ".join([text, *marks])

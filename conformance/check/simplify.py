"""Traces one change simpler than a given one, the largest changes first.

Each candidate is smaller in the one place that it changes, so that taking candidates again and
again comes to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any, Final

from conformance.generate.config import USUAL_ADDR
from conformance.traces.codec import MAX_BLOCKS
from conformance.traces.faults import simpler_faults
from conformance.traces.layout import PLAIN
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import MIB, U64_MASK
from model.device import fix
from model.state import NO_FAULTS, RANGE_REQUESTS, USABLE_EXTENT_X86, ConcreteAction, Op

JOINED: Final = frozenset({Op.PLUG, Op.UNPLUG})
"""Requests that do the same to all blocks of their range."""
MOST_JOINED: Final = 256
"""Requests, the last ones, of which each is tried with each other."""
Family = Callable[[Trace], Iterator[Trace]]


def families(trace: Trace) -> list[Family]:
    """Ways to make the trace simpler, each a function to candidates: first the device, then steps
    from the last to the first."""
    steps = [partial(_step, index=index) for index in reversed(range(len(trace.steps)))]
    of_device = (_block, _region, _addr, _limit, _requested, _usual, _ranges)
    return [_plain, _joined, _requested_at_start, *of_device, *steps]


def toward(low: int, current: int, unit: int = 1) -> Iterator[int]:
    """Numbers from `low` up to just below `current`, in whole units away from it, ever closer."""
    if low < current:
        yield low
    step = (current - low) // 2 // unit * unit
    while step > 0:
        yield current - step
        step = step // 2 // unit * unit if step > unit else 0


def _replaced(trace: Trace, index: int, action: ConcreteAction) -> Trace:
    steps = (
        *trace.steps[:index],
        replace(trace.steps[index], action=action, seen=None),
        *trace.steps[index + 1 :],
    )
    return replace(trace, steps=steps)


def _plain(trace: Trace) -> Iterator[Trace]:
    """Requests by themselves, each in the simplest way."""
    laid_out = [index for index, step in enumerate(trace.steps) if step.layout != PLAIN]
    for chosen in ([*laid_out], *([index] for index in laid_out)):
        if chosen:
            steps = tuple(
                replace(step, layout=PLAIN) if index in chosen else step
                for index, step in enumerate(trace.steps)
            )
            yield replace(trace, steps=steps)


def _joined(trace: Trace) -> Iterator[Trace]:
    """Two requests for ranges beside each other as one for both, in the place of either."""
    wanted = [(i, step.action) for i, step in enumerate(trace.steps) if step.action.op in JOINED]
    wanted = wanted[-MOST_JOINED:]
    for (i, one), (j, other) in combinations(wanted, 2):
        low, high = sorted((one, other), key=lambda action: action.addr)
        beside = low.addr + low.blocks * trace.config.block == high.addr
        blocks = low.blocks + high.blocks
        if one.op is other.op and one.faults == other.faults and beside and blocks <= MAX_BLOCKS:
            for kept, dropped in ((i, j), (j, i)):
                joined = _replaced(trace, kept, replace(one, addr=low.addr, blocks=blocks))
                yield replace(joined, steps=(*joined.steps[:dropped], *joined.steps[dropped + 1 :]))


def _requested_at_start(trace: Trace) -> Iterator[Trace]:
    """A RESIZE dropped, its size requested from the start."""
    config = trace.config
    for index, step in enumerate(trace.steps):
        value = step.action.value
        if step.action.op is Op.RESIZE and value <= config.region and value % config.block == 0:
            steps = (*trace.steps[:index], *trace.steps[index + 1 :])
            yield replace(trace, config=replace(config, requested=value), steps=steps)


def _configured(trace: Trace, **fields: Any) -> Trace:
    return replace(trace, config=replace(trace.config, **fields))


def _block(trace: Trace) -> Iterator[Trace]:
    return (_with_block(trace, b) for b in (MIB, 2 * MIB) if b < trace.config.block)


def _slot_size(trace: Trace) -> int:
    """Bytes of every memslot but the last."""
    return fix(trace.profile, trace.config).slots.size


def _region(trace: Trace) -> Iterator[Trace]:
    """Few blocks, few memslots with and without a short last one, less than there is."""
    config, slot = trace.config, _slot_size(trace)
    block = config.block
    few = (block, 2 * block, slot, slot + block, 2 * slot, 2 * slot + block)
    fewer_slots = toward(config.region % slot or slot, config.region, slot)
    for region in (*few, *fewer_slots, *toward(block, config.region, block)):
        if region < config.region:
            yield _with_region(trace, region)
            yield _with_slots(trace, region)


def _with_slots(trace: Trace, region: int) -> Trace:
    """Another region size; ranges keep their distance to the end of the memslot they start in."""
    old = _slot_size(trace)
    smaller = _configured(trace, region=region, requested=min(trace.config.requested, region))
    change = _slot_size(smaller) - old

    def moved(step: TraceStep) -> TraceStep:
        action = step.action
        offset = action.addr - trace.config.addr
        if action.op not in RANGE_REQUESTS or not 0 <= offset < trace.config.region:
            return replace(step, seen=None)
        addr = action.addr + (offset // old + 1) * change
        return replace(step, action=replace(action, addr=max(addr, trace.config.addr)), seen=None)

    return replace(smaller, steps=tuple(map(moved, trace.steps)))


def _addr(trace: Trace) -> Iterator[Trace]:
    if trace.config.addr != USUAL_ADDR:
        yield _with_addr(trace, USUAL_ADDR)


def _limit(trace: Trace) -> Iterator[Trace]:
    limit = trace.config.limit
    smaller = (few for few in (1, 2, 3, *toward(1, limit)) if few < limit)
    return (_configured(trace, limit=few) for few in smaller)


def _requested(trace: Trace) -> Iterator[Trace]:
    """Less requested at the start; also with ranges moved down as far as the usable region."""
    block, requested = trace.config.block, trace.config.requested
    for size in (0, block, *toward(0, requested, block)):
        if size < requested:
            smaller = _configured(trace, requested=size)
            yield smaller
            yield _moved_down(smaller, requested - size, requested - size)


def _ranges(trace: Trace) -> Iterator[Trace]:
    """All ranges from some place of the region on moved down together."""
    config, slot = trace.config, _slot_size(trace)
    ranges = [step.action for step in trace.steps if step.action.op in RANGE_REQUESTS]
    for offset in sorted({action.addr - config.addr for action in ranges}):
        if 0 < offset < config.region:
            for place in (*toward(offset % slot, offset, slot), *toward(0, offset, config.block)):
                yield _moved_down(trace, offset - place, offset)


def _moved_down(trace: Trace, distance: int, least: int) -> Trace:
    """The ranges that start at least `least` bytes into the region, moved down by `distance`."""
    start = trace.config.addr + least

    def moved(step: TraceStep) -> TraceStep:
        action = step.action
        if action.op in RANGE_REQUESTS and action.addr >= start:
            return replace(step, action=replace(action, addr=action.addr - distance), seen=None)
        return replace(step, seen=None)

    return replace(trace, steps=tuple(map(moved, trace.steps)))


def _usual(trace: Trace) -> Iterator[Trace]:
    usual: dict[str, Any] = {"prealloc": False, "option": True, "inaccessible": True}
    usual |= {"extent": USABLE_EXTENT_X86, "page": 4096}
    for name, value in usual.items():
        if getattr(trace.config, name) != value:
            yield _configured(trace, **{name: value})


def _step(trace: Trace, index: int) -> Iterator[Trace]:
    # A change before this one may have cut the trace short.
    for step in trace.steps[index : index + 1]:
        candidates = _actions(trace, step.action)
        yield from (_replaced(trace, index, action) for action in candidates)


def _with_region(trace: Trace, region: int) -> Trace:
    """Another region size; sizes and ranges that lay inside the region still do."""
    old = trace.config

    def fitted(step: TraceStep) -> TraceStep:
        action = step.action
        offset = action.addr - old.addr
        if action.op is Op.RESIZE and region < action.value <= old.region:
            return replace(step, action=replace(action, value=region), seen=None)
        inside = offset >= 0 and offset + action.blocks * old.block <= old.region
        if action.op in RANGE_REQUESTS and inside and action.blocks:
            offset = min(offset, region - old.block)
            blocks = min(action.blocks, (region - offset) // old.block)
            return replace(
                step, action=replace(action, addr=old.addr + offset, blocks=blocks), seen=None
            )
        return replace(step, seen=None)

    config = replace(old, region=region, requested=min(old.requested, region))
    return replace(trace, config=config, steps=tuple(map(fitted, trace.steps)))


def _with_block(trace: Trace, block: int) -> Trace:
    """Another block size; sizes and addresses keep their number of blocks."""
    old = trace.config

    def scaled(size: int) -> int:
        return size // old.block * block + min(size % old.block, block - 1)

    def fitted(step: TraceStep) -> TraceStep:
        action = step.action
        if action.op is Op.RESIZE:
            return replace(step, action=replace(action, value=scaled(action.value)), seen=None)
        if action.op in RANGE_REQUESTS and 0 <= action.addr - old.addr <= old.region:
            return replace(
                step,
                action=replace(action, addr=old.addr + scaled(action.addr - old.addr)),
                seen=None,
            )
        return replace(step, seen=None)

    config = replace(
        old,
        block=block,
        region=scaled(old.region),
        requested=scaled(old.requested),
        page=min(old.page, block),
    )
    return replace(trace, config=config, steps=tuple(map(fitted, trace.steps)))


def _with_addr(trace: Trace, addr: int) -> Trace:
    """Another place of the region in guest memory; requests keep their offsets."""
    old = trace.config

    def moved(step: TraceStep) -> TraceStep:
        action = step.action
        if action.op not in RANGE_REQUESTS:
            return replace(step, seen=None)
        return replace(
            step, action=replace(action, addr=(action.addr - old.addr + addr) & U64_MASK), seen=None
        )

    config = replace(old, addr=addr)
    return replace(trace, config=config, steps=tuple(map(moved, trace.steps)))


def _actions(trace: Trace, action: ConcreteAction) -> Iterator[ConcreteAction]:
    config = trace.config
    if action.faults != NO_FAULTS:
        yield from (replace(action, faults=simpler) for simpler in simpler_faults(action.faults))
    if action.op in RANGE_REQUESTS:
        for blocks in toward(1, action.blocks):
            yield replace(action, blocks=blocks)
            end_kept = action.addr + (action.blocks - blocks) * config.block
            if end_kept <= U64_MASK:
                yield replace(action, addr=end_kept, blocks=blocks)
        for offset in _smaller_offsets(trace, action.addr - config.addr):
            yield replace(action, addr=config.addr + offset)
    if action.op is Op.RESIZE:
        for value in (config.block, *toward(0, action.value, config.block)):
            if value < action.value:
                yield replace(action, value=value)


def _smaller_offsets(trace: Trace, offset: int) -> Iterator[int]:
    """Smaller offsets into the region (bytes): the same place of an earlier memslot, a memslot's
    start, the region's start, anything less."""
    slot = _slot_size(trace)
    places = (*toward(offset % slot, offset, slot), offset // slot * slot)
    for smaller in (*places, *toward(0, offset, trace.config.block)):
        if 0 <= smaller < offset:
            yield smaller

"""Cuts a failing trace that is too long to be held down to one that can be made small.

Its steps are never held: candidates are made anew whenever they are run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, cycle, islice
from typing import Final

from conformance.check.steps import on, whole
from conformance.targets.target import Target, needs
from conformance.traces import streamed
from conformance.traces.codec import MAX_BLOCKS
from conformance.traces.streamed import Streamed, held
from conformance.traces.trace import Trace, TraceStep
from model.device import ReferenceDevice
from model.state import ConcreteAction, ConcreteState, Config, Op, action

LAST_STEPS: Final = (16, 64, 256, 1024)
"""How many of the last steps are tried alone, after what brings the device where it was."""
MOST_TIMES: Final = 10
"""How often a trace is run at most without operations of one kind, at its length then; what can be
held is made small within the limits of `conformance.check.shrink`."""
_MOST_RANGES: Final = 1024

Run = Callable[[Trace], Trace | None]
"""A candidate as it fails in the same way on a device started afresh, if it does."""


def cut(target: Target, trace: Trace, run: Run) -> Trace:
    """A trace that fails like this one, as short as `streamed.HELD` where such a one is found.

    Tried are the last steps, turns that use something up, and the trace without operations of one
    kind.
    """
    for candidate in chain(_last_steps(target, trace), _turns(target, trace)):
        if (found := run(candidate)) is not None:
            return found
    ops = Counter(step.action.op for step in trace.steps)
    for op, _ in ops.most_common(MOST_TIMES):
        rest = Counter(step.action.op for step in trace.steps)
        kept = Streamed(partial(_without, trace.steps, op), rest.total() - rest[op])
        trace = run(replace(trace, steps=held(kept))) or trace
        if len(trace.steps) <= streamed.HELD:
            break
    return trace


def _without(steps: Iterable[TraceStep], op: Op) -> Iterator[TraceStep]:
    return (step for step in steps if step.action.op is not op)


def _last_steps(target: Target, trace: Trace) -> Iterator[Trace]:
    """The last steps alone, after requests that plug what was plugged before them."""
    starts = {len(trace.steps) - count: count for count in LAST_STEPS if count < len(trace.steps)}
    model = ReferenceDevice(trace.profile, trace.config)
    found = []
    for at, step in enumerate(trace.steps):
        if at in starts:
            before = [
                TraceStep(done)
                for done in _restoring(trace.config, model.state)
                if needs(done) <= target.capabilities
            ]
            found.append((before, at))
        model.take(step.action)
    for before, at in reversed(found):
        yield replace(trace, steps=(*before, *trace.steps[at:]), seen=None)


def _restoring(config: Config, state: ConcreteState) -> Iterator[ConcreteAction]:
    """What brings a device just started to the sizes and plugged blocks of a state."""
    if not state.realized:
        return
    yield action(Op.RESIZE, value=config.region)
    for first, end in islice(state.plugged.ranges(), _MOST_RANGES):
        for start in range(first, end, MAX_BLOCKS):
            yield on(Op.PLUG, config, start * config.block, min(end - start, MAX_BLOCKS))
    yield action(Op.RESIZE, value=state.requested)


def _turns(target: Target, trace: Trace) -> Iterator[Trace]:
    """Few operations again and again, as often as can be held, for what is used up by them."""
    config = trace.config
    plug, unplug = on(Op.PLUG, config, 0), on(Op.UNPLUG, config, 0)
    grown = action(Op.RESIZE, value=config.region)
    for turn in (
        (plug, unplug),
        (plug, action(Op.UNPLUG_ALL)),
        (on(Op.PLUG, config, 0, whole(config)), action(Op.UNPLUG_ALL)),
        (plug, action(Op.SYSTEM_RESET)),
        (plug, action(Op.MIGRATION_IN), unplug),
        (action(Op.RESIZE, value=config.block), grown),
        (action(Op.DEVICE_RESET),),
        (on(Op.STATE, config, 0),),
    ):
        if all(needs(done) <= target.capabilities for done in turn):
            first = [TraceStep(grown)] if needs(grown) <= target.capabilities else []
            again = chain(first, cycle([TraceStep(done) for done in turn]))
            yield replace(trace, steps=tuple(islice(again, streamed.HELD)), seen=None)

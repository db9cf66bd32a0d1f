"""Ways in which the requests of a trace lie in the queue, made from its seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, pairwise
from typing import Final

from conformance.generate.choices import Choices, RandomChoices
from conformance.judge.virtio.judge import RESPONSE_SIZE
from conformance.targets.target import BATCH, FRAMING, ONE_EACH, PERSISTENT, RINGS
from conformance.traces.layout import MAX_BATCH, MAX_PARTS, SETS_UP, Layout
from conformance.traces.streamed import Streamed, held
from conformance.traces.trace import Trace, TraceStep
from model.state import NO_FAULTS, REQUESTS, Answer, Op

_ANSWERED: Final = frozenset({Answer.ACK, Answer.NACK, Answer.BUSY, Answer.ERROR})
_PERCENT: Final = 30
"""How often a request goes out together with the next one, and how often in another framing."""
_BATCHES: Final = [(4, 2), (2, 3), (2, 4), (2, 8), (2, MAX_BATCH)]
"""How many requests go out together, where so many follow each other, with their weights."""
_SALT: Final = 0x5107
"""The choices of a layout are none of those that made the trace."""


def laid_out(trace: Trace, capabilities: frozenset[str]) -> Trace:
    """The trace with layouts of the kinds that a target can carry out; itself where it has none.

    Requests that a device need not answer stay by themselves, and so do those for which the host
    fails.
    """
    if not capabilities & {BATCH, FRAMING, RINGS, PERSISTENT} or trace.seed is None:
        return trace
    make = partial(_laid_out, trace.steps, trace.seed ^ _SALT, capabilities)
    return replace(trace, steps=held(Streamed(make, len(trace.steps))))


def _laid_out(
    steps: Iterable[TraceStep], seed: int, capabilities: frozenset[str]
) -> Iterator[TraceStep]:
    choices = RandomChoices(seed)
    due = 0
    for step, after in pairwise(chain(steps, [None])):
        assert step is not None
        if step.action.op in SETS_UP:
            yield replace(step, layout=_queue(choices, capabilities))
            continue
        if not _plain(step):
            yield step
            continue
        layout = _framing(choices, capabilities) if FRAMING in capabilities else Layout()
        if not due and BATCH in capabilities and choices.chance(_PERCENT):
            due = choices.pick(_BATCHES)
        more = due > 1 and after is not None and _plain(after)
        due = due - 1 if more else 0
        yield replace(step, layout=replace(layout, more=more))


def _plain(step: TraceStep) -> bool:
    """A request that any device answers."""
    able = step.action.op in REQUESTS - {Op.UNKNOWN, Op.SHORT}
    answered = step.seen is None or step.seen.answer in _ANSWERED
    return able and answered and step.action.faults == NO_FAULTS


def _queue(choices: Choices, capabilities: frozenset[str]) -> Layout:
    rings = RINGS in capabilities
    return Layout(
        packed=rings and choices.chance(50),
        event_index=rings and choices.chance(50),
        persistent_suspend=PERSISTENT in capabilities and choices.chance(50),
    )


def _framing(choices: Choices, capabilities: frozenset[str]) -> Layout:
    if not choices.chance(_PERCENT):
        return Layout()
    most = 1 if ONE_EACH in capabilities else MAX_PARTS // 4
    return Layout(
        parts=choices.integer(1, most),
        response_parts=choices.integer(1, most),
        indirect=choices.chance(50),
        room=choices.pick([(2, RESPONSE_SIZE), (1, RESPONSE_SIZE + 1), (1, 4096)]),
    )

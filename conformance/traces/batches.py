"""Which requests of a trace go out with one notification."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from conformance.traces.layout import MAX_BATCH
from conformance.traces.trace import TraceStep
from model.state import REQUESTS


def together(steps: Iterable[TraceStep]) -> Iterator[tuple[int, Sequence[TraceStep]]]:
    """The number of a step, from 1, and the steps from there on that belong together."""
    start, batch = 1, list[TraceStep]()
    for number, step in enumerate(steps, 1):
        if batch and not _goes_on(batch[-1], step):
            yield start, batch
            start, batch = number, []
        batch.append(step)
    if batch:
        yield start, batch


def _goes_on(step: TraceStep, after: TraceStep) -> bool:
    """The steps are requests of one notification.

    Where a trace was made smaller, the request that came next may be gone: an event of the host is
    in no batch.
    """
    return step.layout.more and {step.action.op, after.action.op} <= REQUESTS


def batched(steps: Sequence[TraceStep]) -> list[TraceStep]:
    """The steps with each request in a batch with those before it, as large as one may be."""
    made: list[TraceStep] = []
    count = 0
    for step in steps:
        joins = step.action.op in REQUESTS and 0 < count < MAX_BATCH
        if joins:
            made[-1] = replace(made[-1], layout=replace(made[-1].layout, more=True))
        count = count + 1 if joins else int(step.action.op in REQUESTS)
        made.append(step)
    return made

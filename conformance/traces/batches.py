"""Which requests of a trace go out with one notification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.traces.trace import TraceStep
from model.state import REQUESTS


def together(steps: Sequence[TraceStep]) -> Iterator[tuple[int, Sequence[TraceStep]]]:
    """The number of a step, from 1, and the steps from there on that belong together."""
    start = 0
    for end in range(1, len(steps) + 1):
        if not goes_on(steps, end):
            yield start + 1, steps[start:end]
            start = end


def goes_on(steps: Sequence[TraceStep], end: int) -> bool:
    """The step before `end` and the one behind it are requests of one notification.

    Where a trace was made smaller, the request that came next may be gone: an event of the host is
    in no batch.
    """
    if not 0 < end < len(steps) or not steps[end - 1].layout.more:
        return False
    return {steps[end - 1].action.op, steps[end].action.op} <= REQUESTS

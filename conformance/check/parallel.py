"""Traces run on several targets at a time, their outcomes in the order of the traces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice
from queue import SimpleQueue
from threading import Event
from typing import Final, TypeVar

from conformance.targets.target import Target
from conformance.targets.working import end_children

T = TypeVar("T")

AHEAD: Final = 4
"""Batches for each target that are begun or wait at a time."""
LOOK: Final = 0.05
"""Seconds between two looks at traces that end."""
Batch = Sequence[int]
"""Numbers of traces that one target runs one after the other."""


def batches(traces: int, size: int) -> list[Batch]:
    """The numbers 1..traces in batches of `size`, the last one maybe shorter."""
    return [range(first, min(first + size, traces + 1)) for first in range(1, traces + 1, size)]


def run_batches(
    targets: Sequence[Target],
    planned: Sequence[Batch],
    run: Callable[[Target, int], T],
    stopped: Event,
) -> Generator[T, None, None]:
    """The outcome of `run` for every number, in order, each batch on whichever target is free.

    An iterator that is closed or fails sets `stopped`, which tells those that run to end, begins no
    further trace, and waits for them. At an interrupt all programs that this one started are ended.
    """
    if len(targets) == 1:
        yield from (run(targets[0], number) for batch in planned for number in batch)
        return
    free: SimpleQueue[Target] = SimpleQueue()
    for target in targets:
        free.put(target)

    def of_batch(batch: Batch) -> list[T]:
        target = free.get()
        try:
            # A batch that was stopped is cut short, and nobody reads it.
            return [run(target, number) for number in batch if not stopped.is_set()]
        finally:
            free.put(target)

    with ThreadPoolExecutor(len(targets)) as pool:
        rest = iter(planned)
        running = deque(
            pool.submit(of_batch, batch) for batch in islice(rest, AHEAD * len(targets))
        )
        try:
            while running:
                yield from running[0].result()
                running.popleft()
                running += [pool.submit(of_batch, batch) for batch in islice(rest, 1)]
        except (KeyboardInterrupt, SystemExit):
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            # A step may last: it ends with the program that it waits for, as does the next one that
            # it starts. What was never begun does not end.
            begun = [each for each in running if not each.cancelled()]
            while wait(begun, timeout=LOOK).not_done:
                end_children()
            raise
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)

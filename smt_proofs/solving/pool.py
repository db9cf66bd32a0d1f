"""Work in processes of their own, each fresh.

A solver's choices depend on all the terms its process made before, and a theorem is to be decided
alike alone and among others.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class LostWork(Exception):
    """Processes ended before their work was done, and again when it was tried anew."""

    def __init__(self, items: Sequence[object]) -> None:
        super().__init__(f"{len(items)} tasks were lost with the processes that carried them out")
        self.items = tuple(items)


def carried_out(
    work: Callable[..., Found], items: Sequence[Item], *more: object
) -> Iterator[tuple[Item, Found]]:
    """Each item with `work(item, *more)`, on all cores, as they come.

    A process that is killed takes all that wait with it: what is left is then carried out anew, at
    last one item at a time. Raises LostWork with the items that never came to an end.
    """
    left = list(items)
    for workers in (os.cpu_count(), os.cpu_count()):
        for item, found in _in_pool(workers, work, list(left), more):
            left = [each for each in left if each is not item]
            yield item, found
    for item in list(left):
        for _, found in _in_pool(1, work, [item], more):
            left = [each for each in left if each is not item]
            yield item, found
    if left:
        raise LostWork(left)


def _in_pool(
    workers: int | None, work: Callable[..., Found], items: Sequence[Item], more: Sequence[object]
) -> Iterator[tuple[Item, Found]]:
    """The items as they come, as many as do before a process is killed."""
    if not items:
        return
    with ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=_leave_interrupts_to_the_parent,
        max_tasks_per_child=1,
    ) as pool:
        waiting: dict[Future[Found], Item] = {}
        try:
            for item in items:
                waiting[pool.submit(work, item, *more)] = item
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BrokenProcessPool:
            return
        except BaseException:
            # Whoever interrupts does not want to wait for what runs.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise

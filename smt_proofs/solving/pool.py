"""Work in processes of their own, each fresh.

A solver's choices depend on all the terms its process made before, and a theorem is to be decided
alike alone and among others.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def carried_out(
    work: Callable[..., Found], items: Sequence[Item], *more: object
) -> Iterator[tuple[Item, Found]]:
    """Each item with `work(item, *more)`, on all cores, as they come."""
    if not items:
        return
    with ProcessPoolExecutor(
        os.cpu_count(),
        mp_context=get_context("spawn"),
        initializer=_leave_interrupts_to_the_parent,
        max_tasks_per_child=1,
    ) as pool:
        waiting = {pool.submit(work, item, *more): item for item in items}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            # Whoever interrupts does not want to wait for what runs.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise

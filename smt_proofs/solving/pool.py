"""Work in processes of their own, each fresh.

A solver's choices depend on all the terms its process made before, and a theorem is to be decided
alike alone and among others. So each task is carried out in a copy of a process that has imported
what the work needs and done nothing: a copy is made in a hundredth of the time that imports take.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import active_children, get_context
from typing import Final, TypeVar

from smt_proofs.solving.copies import in_a_copy, ready

Item = TypeVar("Item")
Found = TypeVar("Found")

ELSEWHERE: Final[ContextVar[Executor | None]] = ContextVar("ELSEWHERE", default=None)
"""Where work is carried out if not here."""


@contextmanager
def carried_out_by(executor: Executor) -> Iterator[None]:
    """Within it all work goes to that executor: its workers have this program installed."""
    token = ELSEWHERE.set(executor)
    try:
        yield
    finally:
        ELSEWHERE.reset(token)


class LostWork(Exception):
    """Processes ended before their work was done, and again when it was tried anew."""

    def __init__(self, items: Sequence[object]) -> None:
        one = len(items) == 1
        lost = "a task was" if one else f"{len(items)} tasks were"
        by = "each process that began it" if one else "each process that began one of them"
        super().__init__(f"{lost} lost: {by} was ended before it was done")
        self.items = tuple(items)


class LostExecutor(Exception):
    """Who carries out work cannot be asked any more; one line says why, and what would be right."""


class OtherCode(Exception):
    """A worker has another version of this program, of Python or of a solver; one line says which,
    and what would be right."""


def carried_out(
    work: Callable[..., Found], items: Sequence[Item], *more: object
) -> Iterator[tuple[Item, Found]]:
    """Each item with `work(item, *more)`, on all cores, as they come.

    What a killed process leaves is carried out anew, at last one item at a time. Raises LostWork
    with the items that never came to an end, and LostExecutor where it is carried out elsewhere and
    nobody is there any more.
    """
    left = list(items)
    executor = ELSEWHERE.get()
    if executor is not None:
        yield from _by(executor, work, left, more)
        return
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
    """The items as they come, but for those whose process is killed."""
    if not items:
        return
    with ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=ready,
    ) as pool:
        waiting: dict[Future[Found], Item] = {}
        try:
            for item in items:
                waiting[pool.submit(in_a_copy, work, item, *more)] = item
            for future in as_completed(waiting):
                if not isinstance(future.exception(), ChildProcessError):
                    yield waiting[future], future.result()
        except BrokenExecutor:
            return
        except BaseException:
            # Whoever interrupts does not want to wait for what runs.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise


def _by(
    executor: Executor, work: Callable[..., Found], items: Sequence[Item], more: Sequence[object]
) -> Iterator[tuple[Item, Found]]:
    """As `carried_out`: whoever executes carries out anew what a worker left when it died. Raises
    LostWork with what was given up, once all else is done."""
    waiting = {executor.submit(work, item, *more): item for item in items}
    lost: list[Item] = []
    try:
        for future in as_completed(waiting):
            if isinstance(future.exception(), ChildProcessError | BrokenExecutor):
                lost.append(waiting[future])
            else:
                yield waiting[future], future.result()
    finally:
        for future in waiting:
            future.cancel()
    if lost:
        raise LostWork(lost)

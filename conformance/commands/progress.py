"""How far long work has come, on standard error: a bar on a terminal, else a line a minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event, Thread
from typing import Final

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

EVERY: Final = 60.0
"""Seconds from one line to the next, and to the first: what takes less is silent."""


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """A display with one task, of that title and as yet no total.

    Lines go where standard error is no terminal, as in the log of a CI.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as bars:
        task = bars.add_task(title, total=None)
        if shown:
            yield bars
            return
        ended = Event()
        lines = Thread(target=_tell, args=(bars.tasks[task], ended), daemon=True)
        lines.start()
        try:
            yield bars
        finally:
            ended.set()
            lines.join()


def _tell(task: Task, ended: Event) -> None:
    # A log that is gone must not end the work.
    with suppress(OSError, ValueError):
        while not ended.wait(EVERY):
            click.echo(f"slotproof: {line(task)}", err=True)


def line(task: Task) -> str:
    """How far a task has come, in words.

    What is left is told from how long that took which is done, as if each part took the same.
    """
    elapsed = task.elapsed or 0.0
    if not task.total:
        return f"{task.description}: {_count(task.completed)}after {_time(elapsed)}"
    told = f"{task.description}: {task.completed:.0f} of {task.total:.0f} after {_time(elapsed)}"
    if not 0 < task.completed < task.total:
        return told
    return f"{told}, about {_time(elapsed * task.total / task.completed - elapsed)} left"


def _count(completed: float) -> str:
    return f"{completed:.0f} " if completed > 0 else ""


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))

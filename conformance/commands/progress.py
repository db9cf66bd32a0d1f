"""How far long work has come, on standard error: a bar on a terminal, else a line a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
TROUBLE: Final = "slotproof.trouble"
"""Where a command keeps whom to ask why nothing is done for now, which says it in words or ""."""
Trouble = Callable[[], str]


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
    context = click.get_current_context(silent=True)
    trouble: Trouble | None = None if context is None else context.meta.get(TROUBLE)
    with Progress(*columns, console=console, transient=True, disable=not shown) as bars:
        bars.add_task(title, total=None)
        task = bars.tasks[0]
        if shown and trouble is None:
            yield bars
            return
        ended = Event()
        tell = _tell_trouble if shown else _tell
        lines = Thread(target=tell, args=(task, ended, trouble or _none, console), daemon=True)
        lines.start()
        try:
            yield bars
        finally:
            ended.set()
            # It may wait for somebody's answer, for whom nobody else has to.
            lines.join(1)


def _none() -> str:
    return ""


def _tell(task: Task, ended: Event, trouble: Trouble, console: Console) -> None:
    # A log that is gone must not end the work.
    with suppress(OSError, ValueError):
        while not ended.wait(EVERY):
            why = trouble()
            click.echo(f"slotproof: {line(task)}{why and '; '}{why}", err=True)


def _tell_trouble(task: Task, ended: Event, trouble: Trouble, console: Console) -> None:
    """Above the bar, which itself says how far the task has come."""
    while not ended.wait(EVERY):
        if why := trouble():
            console.print(f"slotproof: {why}", highlight=False)


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

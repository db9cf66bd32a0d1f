"""What several commands share: options, progress on a terminal, kept failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conformance.failures import DIRECTORY, save
from conformance.shrink import shrink
from conformance.target import Target, TargetError
from conformance.targets.spec import open_target
from conformance.trace import Trace, TraceError, read_trace
from model.arithmetic import U64_MASK
from model.profiles import PROFILES, Profile, profile_named


def profile(name: str) -> Profile:
    """The profile of that name. Raises click.BadParameter."""
    try:
        return profile_named(name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def file(name: str) -> tuple[Path, Trace]:
    """A trace file: its path and what it holds. Raises click.UsageError."""
    try:
        return Path(name), read_trace(Path(name))
    except TraceError as error:
        raise click.UsageError(str(error)) from None


profile_option = click.option(
    "--profile",
    type=profile,
    default="qemu",
    show_default=True,
    help=f"The rules: {', '.join(PROFILES)}.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, U64_MASK),
    default=0,
    show_default=True,
    help="The same seed gives the same traces.",
)
failures_option = click.option(
    "--failures",
    type=click.Path(file_okay=False, path_type=Path),
    default=DIRECTORY,
    show_default=True,
    help="Where failing traces are kept.",
)
trace_argument = click.argument("file", type=file)


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """A progress display on standard error, silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as bars:
        bars.add_task(title, total=None)
        yield bars


class TargetFailure(click.ClickException):
    """A target that failed before anything was asked of it: exit code 1."""


def opened_target(spec: str) -> Target:
    """The target of a spec. Raises click.UsageError, and TargetFailure if it fails at once."""
    try:
        return open_target(spec)
    except TargetError as error:
        raise TargetFailure(f"{spec}: {error}") from None


def keep(trace: Trace, directory: Path) -> Path:
    """Save a failing trace. Raises click.UsageError where the directory cannot be written."""
    try:
        return save(trace, directory)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"cannot keep the failing trace in {directory}: {reason}") from None


def shrunk(target: Target, trace: Trace) -> Trace:
    """The trace made small, with a progress display."""
    with progress("shrinking") as bars:
        task = bars.task_ids[0]

        def show(runs: int, steps: int) -> None:
            bars.update(task, completed=runs, description=f"shrinking: {steps} steps")

        return shrink(target, trace, show)


def exit_with(code: int) -> None:
    """End the command."""
    click.get_current_context().exit(code)

"""What the commands that run devices share: options, progress on a terminal, kept failures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from conformance.check.shrink import NotAgain, shrink
from conformance.commands.failure import TargetFailure
from conformance.commands.progress import progress
from conformance.judge.judge import Judge
from conformance.targets.spec import COMPLETED, open_target
from conformance.targets.target import Target, TargetError
from conformance.traces.failures import DIRECTORY, try_out
from conformance.traces.files import write_whole
from conformance.traces.sizes import size
from conformance.traces.trace import Trace, TraceError, read_trace
from model.arithmetic import U64_MASK


def trace_file(name: str) -> tuple[Path, Trace]:
    """A trace file: its path and what it holds. Raises click.UsageError."""
    try:
        return Path(name), read_trace(Path(name))
    except TraceError as error:
        raise click.UsageError(str(error)) from None


def cannot_keep(directory: Path, error: OSError) -> str:
    """The one line about a directory that takes no failing trace."""
    reason = (error.strerror or str(error)).lower()
    return f"cannot keep failing traces in {directory}: {reason}"


def tried_out(context: click.Context, option: click.Parameter, directory: Path) -> Path:
    """The directory, if failing traces can be kept there. Raises click.UsageError."""
    try:
        try_out(directory)
    except OSError as error:
        raise click.UsageError(cannot_keep(directory, error)) from None
    return directory


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
    callback=tried_out,
    help="Where failing traces are kept.",
)


def complete_file(
    context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """A shell is to offer the files that there are."""
    return [CompletionItem(incomplete, type="file")]


trace_argument = click.argument("file", type=trace_file, shell_complete=complete_file)
traces_argument = click.argument(
    "files",
    type=trace_file,
    nargs=-1,
    required=True,
    metavar="FILE...",
    shell_complete=complete_file,
)


def new_directory(name: str) -> Path:
    """The path of a directory to be made. Raises click.BadParameter."""
    path = Path(name)
    if os.path.lexists(path):
        raise click.BadParameter(f"{name!r} exists already: expected the name of a new directory")
    return path


def writable_file(name: str) -> Path:
    """The path of a new trace file. Raises click.BadParameter where none can be, and OSError.

    A trace is moved to its place once it is whole, which would take the place of what is there.
    """
    path = Path(name)
    if name == "-" or not path.name or (path.exists() and not path.is_file()):
        raise click.BadParameter(f"{name!r} is not the name of a file")
    if os.path.lexists(path):
        raise click.BadParameter(f"{name!r} exists already: expected the name of a new file")
    return path


def report_file(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """The file, if there is a folder for it. Raises click.BadParameter, before any work is done."""
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(
            f"{path.parent} is no folder: expected a file in one that is there"
        )
    return path


def report_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of files for continuous integration."""
    file = click.Path(dir_okay=False, path_type=Path)
    for option, what in (("--junit", "a JUnit report"), ("--sarif", "a SARIF 2.1.0 log")):
        name = f"{option[2:]}_file"
        command = click.option(
            option,
            name,
            type=file,
            metavar="FILE",
            callback=report_file,
            help=f"Write {what}.",
        )(command)
    return command


def write_reports(
    document: dict[str, Any], junit_file: Path | None, sarif_file: Path | None
) -> None:
    """Write what was asked for of a document. Raises OSError."""
    # Late: most runs want neither.
    from conformance.report.junit import junit
    from conformance.report.sarif import sarif

    if junit_file is not None:
        write_whole(junit_file, junit([document]))
    if sarif_file is not None:
        write_whole(sarif_file, f"{json.dumps(sarif([document]), indent=2)}\n".encode())


def config_options(command: Callable[..., None]) -> Callable[..., None]:
    """An option for every field of a Config; those not given are generated."""
    for name in ("prealloc", "inaccessible", "option"):
        command = click.option(f"--{name}/--no-{name}", default=None)(command)
    command = click.option("--limit", type=int, help="Memslots.")(command)
    for name in ("page", "extent", "addr", "requested", "block", "region"):
        command = click.option(f"--{name}", type=size)(command)
    return command


def opened_target(spec: str, deadline: float | None = None, log: Path | None = None) -> Target:
    """The target of a spec. Raises click.UsageError, and TargetFailure if it fails at once.

    `deadline` in seconds and `log` are for programs: see CommandTarget.
    """
    try:
        return open_target(spec, deadline, log)
    except TargetError as error:
        raise TargetFailure(f"{spec}: {error}") from None


def complete_target(
    context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What a shell offers for a target."""
    return [CompletionItem(name) for name in COMPLETED if name.startswith(incomplete)]


def duration(text: str) -> float:
    """Seconds of `90`, `90s`, `5m` or `2h`. Raises click.BadParameter."""
    match = re.fullmatch(r"(\d{1,6})([smh]?)", text.strip())
    if match is None or not int(match[1]):
        raise click.BadParameter(f"{text!r} is no time: expected 90s, 5m or 2h")
    return float(int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]])


def made_small(target: Target, trace: Trace, judge: Judge | None = None) -> Trace:
    """The trace made small, with a progress display. Raises NotAgain."""
    with progress("shrinking") as bars:
        task = bars.task_ids[0]

        def show(runs: int, steps: int) -> None:
            bars.update(task, completed=runs, description=f"shrinking: {steps} steps")

        return shrink(target, trace, show, judge)


def shrunk(target: Target, trace: Trace) -> Trace:
    """The trace made small. One that depends on what came before it stays as it was, which is
    told."""
    with suppress(NotAgain):
        return made_small(target, trace)
    click.echo("slotproof: does not fail again from a fresh start: kept as it was", err=True)
    return trace

"""`slotproof trace`: make trace files, run them again, make them small, explain them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from conformance.commands.common import exit_with, profile_option
from conformance.commands.options import (
    cannot_keep,
    failures_option,
    opened_target,
    seed_option,
    shrunk,
    trace_argument,
)
from conformance.explain import explain, failure_of, replay_command
from conformance.failures import save
from conformance.finding import OF_THE_TARGET, Finding, Kind
from conformance.generate import random_trace
from conformance.oracle import ALWAYS, FIELDS
from conformance.runner import as_run, run_trace
from conformance.sizes import size
from conformance.target import Target, needs
from conformance.targets.recorded import RecordedTarget
from conformance.trace import Trace, write_trace
from model.device import ConfigError
from model.profiles import Profile

File = tuple[Path, Trace]


def writable_file(name: str) -> Path:
    """The path of a new trace file. Raises click.BadParameter where none can be, and OSError.

    A trace is moved to its place once it is whole, which would take the place of what is there.
    """
    path = Path(name)
    if name == "-" or not path.name or (path.exists() and not path.is_file()):
        raise click.BadParameter(f"{name!r} is not the name of a file")
    if os.path.lexists(path):
        raise click.BadParameter(f"{name!r} exists already: the name of a new file is right")
    return path


def config_options(command: Callable[..., None]) -> Callable[..., None]:
    """An option for every field of a Config; those not given are generated."""
    for name in ("prealloc", "inaccessible", "option"):
        command = click.option(f"--{name}/--no-{name}", default=None)(command)
    command = click.option("--limit", type=int, help="Memslots.")(command)
    for name in ("page", "extent", "addr", "requested", "block", "region"):
        command = click.option(f"--{name}", type=size)(command)
    return command


@click.group()
def trace() -> None:
    """Make trace files, run them again, make them small, explain them.

    \b
    Examples:
      slotproof trace generate t.jsonl --seed 7
      slotproof trace replay t.jsonl --target qemu
    """


@trace.command()
@click.argument("file", type=writable_file)
@profile_option
@seed_option
@click.option("--steps", type=click.IntRange(min=1), default=60, show_default=True)
@config_options
def generate(file: Path, profile: Profile, seed: int, steps: int, **fields: Any) -> None:
    """Write the trace of a seed, with what the model says to each step.

    \b
    Example:
      slotproof trace generate t.jsonl --region 5G --block 2M --steps 20
    """
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        write_trace(random_trace(profile, seed, steps, given=given), file)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"cannot write {file}: {reason}") from None
    click.echo(f"wrote {file}: {steps} steps, profile {profile.name}, seed {seed}")


@trace.command()
@trace_argument
@click.option("--target", "spec", metavar="TARGET", help="Run it on a device.")
def replay(file: File, spec: str | None) -> None:
    """Judge a trace: as it was recorded, or run afresh on a TARGET.

    Ends 0 if every step is allowed and every invariant and contract holds, 1 if not, and 3 for a
    failure that only its target can show.

    \b
    Examples:
      slotproof trace replay t.jsonl
      slotproof trace replay t.jsonl --target "cmd:python3 docs/example_device.py"
    """
    path, recorded = file
    before = recorded.finding
    if spec is None and before and not shown_by(recorded, before):
        click.echo(f"not decided: only the target can show it again, name it: {before.message}")
        exit_with(3)
    with opened(spec, recorded) as target:
        outcome = run_trace(target, recorded)
    if (found := outcome.finding) is None:
        verdict = "holds" if before is None else "fixed"
        allowed = f"all {len(outcome.seen)} steps are allowed"
        click.echo(f"{verdict}: {allowed}, every invariant and contract holds")
        return
    lines = explain(failure_of(as_run(recorded, outcome)), replay_command(path, spec))
    if spec is None:
        # Nothing was run: the trace's own observations were judged.
        lines[0] = f"recorded as failing: {lines[0]}"
    else:
        known = before is not None and before.alike(found)
        click.echo("still fails" if known else "fails")
    click.echo("\n".join(lines))
    exit_with(1)


def shown_by(recorded: Trace, finding: Finding) -> bool:
    """Whether the trace holds what its finding was made from; a promised view that the device
    did not show is nowhere in it."""
    if finding.kind is not Kind.DIVERGENCE:
        return finding.kind not in OF_THE_TARGET
    seen = recorded.seen_at(finding.step)
    if seen is None:
        return False
    return finding.what in ALWAYS or getattr(seen, FIELDS[finding.what]) is not None


@trace.command()
@trace_argument
@click.option("--target", "spec", default="reference", show_default=True, metavar="TARGET")
@failures_option
def shrink(file: File, spec: str, failures: Path) -> None:
    """Make a failing trace small by running it on TARGET again and again; keep the result.

    \b
    Example:
      slotproof trace shrink t.jsonl --target qemu
    """
    path, recorded = file
    with opened(spec, recorded) as target:
        failing = as_run(recorded, run_trace(target, recorded))
        if failing.finding is None:
            raise click.UsageError(f"{path} does not fail on {spec}: there is nothing to shrink")
        small = shrunk(target, failing)
    made = f"{len(recorded.steps)} steps made {len(small.steps)}"
    try:
        path = save(small, failures)
    except OSError as error:
        # The finding is told all the same; the trace that it was made from can be replayed.
        click.echo("\n".join([made, *explain(failure_of(small), replay_command(path, spec))]))
        raise click.UsageError(cannot_keep(failures, error)) from None
    click.echo(f"{made}, kept as {path}")
    click.echo("\n".join(explain(failure_of(small), replay_command(path, spec))))


@trace.command(name="explain")
@trace_argument
def explain_command(file: File) -> None:
    """Explain the failure that a trace records.

    \b
    Example:
      slotproof trace explain t.jsonl
    """
    path, recorded = file
    if recorded.finding is None:
        recorded = as_run(recorded, run_trace(RecordedTarget(recorded), recorded))
    if (found := recorded.finding) is None:
        click.echo("nothing to explain: every step is allowed, every invariant and contract holds")
        return
    spec = "cmd:COMMAND" if found.kind in OF_THE_TARGET else None
    click.echo("\n".join(explain(failure_of(recorded), replay_command(path, spec))))


@contextmanager
def opened(spec: str | None, recorded: Trace) -> Iterator[Target]:
    """The target of a spec, or the trace's own observations where there is none.

    Raises click.UsageError for a target that cannot do the trace's steps.
    """
    if spec is None:
        yield RecordedTarget(recorded)
        return
    with closing(opened_target(spec)) as target:
        for number, step in enumerate(recorded.steps, 1):
            if lacking := needs(step.action) - target.capabilities:
                raise click.UsageError(f"{spec} cannot do {min(lacking)}: step {number} needs it")
        yield target

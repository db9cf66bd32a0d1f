"""`slotproof trace`: make trace files, run them again, make them small, explain them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from conformance.check.explain import explain, failure_of, replay_command
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.commands.common import any_profile_option, exit_with
from conformance.commands.coverage import coverage
from conformance.commands.options import (
    cannot_keep,
    config_options,
    failures_option,
    opened_target,
    seed_option,
    shrunk,
    trace_argument,
    trace_file,
    traces_argument,
    writable_file,
)
from conformance.commands.validate import validate
from conformance.explore.steer import Steered
from conformance.generate.traces import random_trace
from conformance.judge.finding import OF_THE_TARGET, Finding, Kind
from conformance.judge.oracle import ALWAYS, FIELDS
from conformance.targets.recorded import RecordedTarget
from conformance.targets.target import Target, needs
from conformance.traces.failures import save
from conformance.traces.trace import Trace, write_trace
from model.device import ConfigError
from model.profiles import Profile

File = tuple[Path, Trace]


@click.group()
def trace() -> None:
    """Make trace files, run them again, make them small, explain them.

    \b
    Examples:
      slotproof trace generate t.jsonl --seed 7
      slotproof trace replay t.jsonl --target qemu
    """


trace.add_command(validate)
trace.add_command(coverage)


@trace.command()
@click.argument("file", type=writable_file)
@any_profile_option
@seed_option
@click.option("--steps", type=click.IntRange(min=1), default=60, show_default=True)
@click.option(
    "--after", type=trace_file, multiple=True, metavar="FILE", help="Steer to what these runs left."
)
@config_options
def generate(
    file: Path, profile: Profile, seed: int, steps: int, after: tuple[File, ...], **fields: Any
) -> None:
    """Write the trace of a seed, with what the model says to each step.

    \b
    Examples:
      slotproof trace generate t.jsonl --region 5G --block 2M --steps 20
      slotproof trace generate u.jsonl --after t.jsonl
    """
    chooser = Steered(earlier for _, earlier in after) if after else None
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        write_trace(random_trace(profile, seed, steps, given=given, chooser=chooser), file)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"cannot write {file}: {reason}") from None
    click.echo(f"wrote {file}: {steps} steps, profile {profile.name}, seed {seed}")


@trace.command()
@traces_argument
@click.option("--target", "spec", metavar="TARGET", help="Run them on a device.")
def replay(files: tuple[File, ...], spec: str | None) -> None:
    """Judge traces: as they were recorded, or run afresh on a TARGET.

    Ends 0 if every step is allowed and every invariant and contract holds, 1 at the first trace
    where that is not so, and 3 for a failure that only its target can show.

    \b
    Examples:
      slotproof trace replay t.jsonl
      slotproof trace replay t.jsonl --target "cmd:python3 docs/example_device.py"
    """
    steps = 0
    with opened(spec, *(recorded for _, recorded in files)) as target:
        for path, recorded in files:
            before = recorded.finding
            if target is None and before and not shown_by(recorded, before):
                click.echo(
                    f"not decided: only the target can show it again, name it: {before.message}"
                )
                exit_with(3)
            outcome = run_trace(target or RecordedTarget(recorded), recorded)
            if outcome.finding is not None:
                click.echo("\n".join(told(path, as_run(recorded, outcome), before, spec)))
                exit_with(1)
            steps += outcome.steps
    several = f" of {len(files)} traces" if len(files) > 1 else ""
    fixed = len(files) == 1 and files[0][1].finding is not None
    allowed = f"all {steps} steps{several} are allowed"
    verdict = "fixed" if fixed else "holds"
    click.echo(f"{verdict}: {allowed}, every invariant and contract holds")


def told(path: Path, run: Trace, before: Finding | None, spec: str | None) -> list[str]:
    """A failing run in words; `before` is what the trace was kept for."""
    lines = explain(failure_of(run), replay_command(path, spec))
    if spec is None:
        # Nothing was run: the trace's own observations were judged.
        return [f"recorded as failing: {lines[0]}", *lines[1:]]
    return ["still fails" if before and before.alike(run.finding) else "fails", *lines]


def shown_by(recorded: Trace, finding: Finding) -> bool:
    """Whether the trace holds what its finding was made from; a promised view that the device
    did not show is nowhere in it, nor what was seen of the first steps of a long one."""
    seen = recorded.seen_at(finding.step)
    if finding.kind is not Kind.DIVERGENCE:
        partly = seen is not None and recorded.seen_at(min(finding.step, 1)) is None
        rules = finding.kind is Kind.VIRTIO and partly
        return finding.kind not in OF_THE_TARGET and not rules
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
        assert target is not None
        failing = as_run(recorded, run_trace(target, recorded))
        if failing.finding is None:
            raise click.UsageError(f"{path} does not fail on {spec}: there is nothing to shrink")
        small = shrunk(target, failing)
    made = f"{len(recorded.steps)} steps made {len(small.steps)}"
    try:
        path = save(small, failures, spec)
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
def opened(spec: str | None, *traces: Trace) -> Iterator[Target | None]:
    """The target of a spec, None where the traces' own observations are to be judged.

    Raises click.UsageError for a target that cannot do the traces' steps.
    """
    if spec is None:
        yield None
        return
    with closing(opened_target(spec)) as target:
        for recorded in traces:
            for number, step in enumerate(recorded.steps, 1):
                if lacking := needs(step.action) - target.capabilities:
                    raise click.UsageError(
                        f"{spec} cannot do {min(lacking)}: step {number} needs it"
                    )
        yield target

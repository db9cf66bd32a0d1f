"""`slotproof check`: generated traces, a device and the model in lockstep."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from conformance.codec import action_to_json, observation_to_json
from conformance.commands.options import (
    exit_with,
    failures_option,
    keep,
    opened_target,
    profile_option,
    progress,
    seed_option,
    shrunk,
)
from conformance.explain import claim_of, explain, failure_of, replay_command
from conformance.runner import CheckReport, TraceDone
from conformance.runner import check as run_check
from conformance.schema_source import CHECK_VERSION
from conformance.target import Target
from conformance.trace import Trace
from model.profiles import Profile


@click.command()
@click.option("--target", "spec", default="reference", show_default=True, metavar="TARGET")
@profile_option
@seed_option
@click.option("--traces", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=60, show_default=True)
@failures_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(
    spec: str,
    profile: Profile,
    seed: int,
    traces: int,
    steps: int,
    failures: Path,
    as_json: bool,
) -> None:
    """Check a device against a profile with generated traces.

    TARGET is reference, qemu, qemu:PATH or cmd:COMMAND (see docs/protocol.md). Ends 0 if no trace
    fails, 1 with the first failing trace made small, kept and explained.
    """
    with closing(opened_target(spec)) as target:
        with progress("checking") as bars:

            def show(event: TraceDone) -> None:
                bars.update(bars.task_ids[0], total=event.total, completed=event.number)

            report = run_check(
                target, profile, seed=seed, traces=traces, steps=steps, listeners=[show]
            )
        kept = None if report.failing is None else _kept(target, report.failing, failures)
    head = {"target": spec, "profile": profile.name, "seed": seed}
    lines = [_document(head, report, kept)] if as_json else _text(head, report, kept)
    click.echo("\n".join(lines))
    exit_with(0 if kept is None else 1)


def _kept(target: Target, failing: Trace, directory: Path) -> tuple[Path, Trace]:
    """Keep the failing trace before it is made small: making it small may be interrupted."""
    first = keep(failing, directory)
    small = shrunk(target, failing)
    path = keep(small, directory)
    if path != first:
        first.unlink(missing_ok=True)
    return path, small


def _text(head: dict[str, Any], report: CheckReport, kept: tuple[Path, Trace] | None) -> list[str]:
    answers = ", ".join(f"{name} {count}" for name, count in sorted(report.answers.items()))
    compared = ", ".join(f"{name} {count}" for name, count in report.compared.items())
    lines = [
        f"checked {head['target']} against profile {head['profile']}, seed {head['seed']}",
        f"  traces            {report.traces}",
        f"  steps             {report.steps}",
        f"  answers           {answers or 'none'}",
        f"  compared          {compared or 'nothing'}",
        f"  invariant checks  {report.invariant_checks}",
    ]
    if kept is None:
        return [*lines, "holds: no difference, no invariant violated in the cases counted"]
    path, small = kept
    replay = replay_command(path, head["target"])
    shrunk_to = f"fails: made small to {_steps(small)}, kept as {path}"
    return [*lines, shrunk_to, "", *explain(failure_of(small), replay)]


def _steps(trace: Trace) -> str:
    count = len(trace.steps)
    return f"{count} step{'' if count == 1 else 's'}"


def _document(head: dict[str, Any], report: CheckReport, kept: tuple[Path, Trace] | None) -> str:
    """The JSON document of `conformance/schema/check-v1.json`."""
    document = {
        "schema": CHECK_VERSION,
        "command": "check",
        **head,
        "verdict": "holds" if kept is None else "fails",
        "traces": report.traces,
        "steps": report.steps,
        "answers": dict(sorted(report.answers.items())),
        "compared": report.compared,
        "invariant_checks": report.invariant_checks,
        "failure": None if kept is None else _failure(head["target"], *kept),
    }
    return json.dumps(document, indent=2)


def _failure(spec: str, path: Path, small: Trace) -> dict[str, Any]:
    failure = failure_of(small)
    found = failure.finding
    return {
        "finding": {
            "kind": found.kind.value,
            "what": found.what,
            "step": found.step,
            "message": found.message,
        },
        "claim": claim_of(failure),
        "action": action_to_json(small.steps[found.step - 1].action) if found.step else None,
        "allowed": observation_to_json(failure.allowed),
        "seen": None if failure.seen is None else observation_to_json(failure.seen),
        "trace": str(path),
        "steps": len(small.steps),
        "replay": replay_command(path, spec),
    }

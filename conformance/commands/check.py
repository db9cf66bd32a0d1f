"""`slotproof check`: generated traces, a device and the model in lockstep."""

from __future__ import annotations

import json
import shlex
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from conformance.codec import USES, action_to_json, observation_to_json
from conformance.commands.check_qemu import DecisionReport, decided
from conformance.commands.common import exit_with, profile_option
from conformance.commands.options import (
    cannot_keep,
    failures_option,
    opened_target,
    progress,
    seed_option,
    shrunk,
)
from conformance.explain import claim_of, explain, failure_of, replay_command
from conformance.failures import save
from conformance.runner import CheckReport, TraceDone
from conformance.runner import check as run_check
from conformance.schema_source import CHECK_VERSION
from conformance.target import Target
from conformance.targets.qemu import QemuTarget
from conformance.trace import Trace
from model.profiles import Profile


@dataclass(frozen=True, slots=True)
class Kept:
    """A failing trace, the file that holds it if one does, and the command that fails again."""

    trace: Trace
    path: Path | None
    replay: str


@dataclass(frozen=True, slots=True)
class Done:
    """All that a check has to tell; `head` names target, profile and seed.

    `not_asked` names the operations and faults that the target cannot do.
    """

    head: dict[str, Any]
    report: CheckReport
    not_asked: list[str]
    kept: Kept | None
    decisions: DecisionReport | None

    @property
    def of_model(self) -> bool:
        """The device is the model itself: there is nothing to compare it with."""
        return bool(self.head["target"] == "reference")

    @property
    def compared(self) -> dict[str, int]:
        """How often each field was compared."""
        return {} if self.of_model else self.report.compared

    @property
    def differences(self) -> tuple[str, ...]:
        """The memslot decisions that differ, a line each."""
        return () if self.decisions is None else self.decisions.differences

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return self.kept is None and not self.differences


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

    TARGET is reference, cmd:COMMAND (see docs/protocol.md), qemu or qemu:PATH (see docs/qemu.md).
    Of a real QEMU the memslot decisions are compared first. Ends 0 if nothing fails, 1 with each
    decision that differs and the first failing trace made small, kept and explained.
    """
    with closing(opened_target(spec)) as target:
        decisions = decided(target.binary) if isinstance(target, QemuTarget) else None
        not_asked = left_out(target.capabilities)
        with progress("checking") as bars:

            def show(event: TraceDone) -> None:
                bars.update(bars.task_ids[0], total=event.total, completed=event.number)

            report = run_check(
                target, profile, seed=seed, traces=traces, steps=steps, listeners=[show]
            )
        small, path = None, None
        if report.failing is not None:
            small, path = _kept(target, report.failing, failures)
    head = {"target": spec, "profile": profile.name, "seed": seed}
    kept = None
    if small is not None:
        again = _command(head | {"traces": report.traces, "steps": steps})
        kept = Kept(small, path, again if path is None else replay_command(path, spec))
    done = Done(head, report, not_asked, kept, decisions)
    click.echo(_document(done) if as_json else "\n".join(_text(done)))
    exit_with(0 if done.holds else 1)


def _kept(target: Target, failing: Trace, directory: Path) -> tuple[Trace, Path | None]:
    """The failing trace made small and its file, or else as it was; a file that cannot be written
    is told of.

    The trace is kept before it is made small as well: making it small may be interrupted.
    """
    try:
        first = save(failing, directory)
    except OSError:
        # To be told of when the small one cannot be kept either.
        first = None
    try:
        small = shrunk(target, failing)
    except KeyboardInterrupt:
        if first is None:
            raise
        click.echo(f"slotproof: interrupted, kept as {first}", err=True)
        raise click.exceptions.Exit(130) from None
    try:
        path = save(small, directory)
    except OSError as error:
        click.echo(f"slotproof: {cannot_keep(directory, error)}", err=True)
        return (small, None) if first is None else (failing, first)
    if first is not None and path != first:
        first.unlink(missing_ok=True)
    return small, path


def left_out(capabilities: frozenset[str]) -> list[str]:
    """The operations and faults that are never asked of a target with these capabilities."""
    able = [op for op in USES if op.value in capabilities]
    met = {f"fail-{name}" for op in able for name in USES[op].faults} & capabilities
    known = dict.fromkeys(f"fail-{name}" for uses in USES.values() for name in uses.faults)
    return [
        *(op.value for op in USES if op not in able),
        *(name for name in known if name not in met),
    ]


def _command(options: dict[str, Any]) -> str:
    """The check with these options."""
    words = (word for name, value in options.items() for word in (f"--{name}", str(value)))
    return shlex.join(["slotproof", "check", *words])


def _text(done: Done) -> list[str]:
    head, report, kept = done.head, done.report, done.kept
    answers = ", ".join(f"{name} {count}" for name, count in sorted(report.answers.items()))
    compared = ", ".join(f"{name} {count}" for name, count in done.compared.items())
    own = ": the model against its own invariants and contracts" if done.of_model else ""
    whose = "" if done.of_model else " (of the model's states)"
    steps = "" if done.of_model else " (of the model's steps)"
    lines = [
        f"checked {head['target']} against profile {head['profile']}, seed {head['seed']}{own}",
        *([] if done.decisions is None else done.decisions.text()),
        f"  traces            {report.traces}",
        f"  steps             {report.steps}",
        f"  answers           {answers or 'none'}",
        *([] if done.of_model else [f"  compared          {compared or 'nothing'}"]),
        f"  not asked         {', '.join(done.not_asked) or 'nothing left out'}",
        f"  invariant checks  {report.invariant_checks}{whose}",
        f"  contract checks   {report.contract_checks}{steps}",
    ]
    if done.holds:
        what = "no invariant and no contract"
        what = what if done.of_model else f"no difference, {what}"
        return [*lines, f"holds: {what} violated in the cases counted"]
    lines += [f"fails: {difference}" for difference in done.differences]
    if kept is None:
        return lines
    where = "not kept" if kept.path is None else f"kept as {kept.path}"
    how = "left at" if kept.trace is report.failing else "made small to"
    verdict = f"fails: {how} {_steps(kept.trace)}, {where}"
    return [*lines, verdict, "", *explain(failure_of(kept.trace), kept.replay)]


def _steps(trace: Trace) -> str:
    count = len(trace.steps)
    return f"{count} step{'' if count == 1 else 's'}"


def _document(done: Done) -> str:
    """The JSON document of `conformance/schema/check-v1.json`."""
    report = done.report
    document = {
        "schema": CHECK_VERSION,
        "command": "check",
        **done.head,
        "verdict": "holds" if done.holds else "fails",
        "traces": report.traces,
        "steps": report.steps,
        "answers": dict(sorted(report.answers.items())),
        "compared": done.compared,
        "not_asked": done.not_asked,
        "invariant_checks": report.invariant_checks,
        "contract_checks": report.contract_checks,
        "failure": None if done.kept is None else _failure(done.kept),
    }
    if done.decisions is not None:
        document["decisions"] = done.decisions.document()
    return json.dumps(document, indent=2)


def _failure(kept: Kept) -> dict[str, Any]:
    small = kept.trace
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
        "trace": None if kept.path is None else str(kept.path),
        "steps": len(small.steps),
        "replay": kept.replay,
    }

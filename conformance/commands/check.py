"""`slotproof check`: generated traces and named scenarios on a device, judged by two oracles."""

from __future__ import annotations

import json
import shlex
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from conformance.check.campaign import CheckReport, TraceDone
from conformance.check.campaign import check as run_check
from conformance.check.explain import replay_command
from conformance.check.scenarios import SCENARIO_NAMED, SCENARIOS, Scenario
from conformance.check.suite import (
    CLAIMS,
    Expected,
    Result,
    as_expected,
    read_expected,
    run_scenario,
)
from conformance.commands.check_list import listed
from conformance.commands.check_qemu import TRACES_PER_MACHINE, decided
from conformance.commands.check_report import Done, Kept, document, left_out, text
from conformance.commands.common import exit_with, profile_option
from conformance.commands.options import (
    cannot_keep,
    failures_option,
    opened_target,
    progress,
    report_options,
    seed_option,
    shrunk,
    write_reports,
)
from conformance.judge.judge import Judge
from conformance.judge.virtio.rules import RULE_NAMED, RULES
from conformance.targets.qemu.decision import MACHINES
from conformance.targets.qemu.process import QemuError, find_qemu
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import Target
from conformance.traces.failures import save, save_log
from conformance.traces.trace import Trace
from model.profiles import QEMU_7_2, Profile

ORACLES: Final = ("exact", "virtio")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a check was asked for."""

    spec: str
    profile: Profile
    seed: int
    traces: int
    steps: int
    oracle: str
    only: str | None
    expected: dict[str, Expected]
    failures: Path

    @property
    def rule(self) -> str | None:
        """The only rule of VIRTIO to judge by."""
        return None if self.only in SCENARIO_NAMED else self.only

    @property
    def judge(self) -> Judge:
        """What fails a trace."""
        if self.rule is not None:
            return Judge(exact=False, rules=frozenset({self.rule}))
        if self.oracle == "exact":
            return Judge(tolerated=frozenset(self.expected) & CLAIMS)
        rules = {rule.id for rule in RULES if rule.binding}
        return Judge(exact=False, rules=frozenset(rules - set(self.expected)))

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios to run."""
        if self.only is None:
            return SCENARIOS
        return (SCENARIO_NAMED[self.only],) if self.rule is None else ()

    @property
    def head(self) -> dict[str, Any]:
        """What a report names first."""
        return {"target": self.spec, "profile": self.profile.name, "seed": self.seed}

    def again(self, traces: int) -> str:
        """The command for so many traces of this check."""
        options = self.head | {"traces": traces, "steps": self.steps}
        if self.oracle != "exact":
            options["oracle"] = self.oracle
        if self.only is not None:
            options["only"] = self.only
        words = (word for name, value in options.items() for word in (f"--{name}", str(value)))
        return shlex.join(["slotproof", "check", *words])


def _id(context: click.Context, option: click.Parameter, id: str | None) -> str | None:
    """An id there is. Raises click.BadParameter."""
    if id is not None and id not in SCENARIO_NAMED and id not in RULE_NAMED:
        raise click.BadParameter(f"no scenario or rule {id!r}: see slotproof check --list")
    return id


def _known_faults(
    context: click.Context, option: click.Parameter, path: Path | None
) -> dict[str, Expected]:
    """The faults of a file. Raises click.UsageError."""
    try:
        return {} if path is None else read_expected(path)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _list(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(listed())
        context.exit(0)


@click.command()
@click.option("--target", "spec", default="reference", show_default=True, metavar="TARGET")
@profile_option
@seed_option
@click.option("--traces", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=60, show_default=True)
@click.option(
    "--oracle",
    type=click.Choice(ORACLES),
    default="exact",
    show_default=True,
    help="What fails a trace: any difference to the profile, or a breach of the VIRTIO text.",
)
@click.option("--only", metavar="ID", callback=_id, help="One scenario, or one rule of VIRTIO.")
@click.option(
    "--expect",
    "expected",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_known_faults,
    help="A TOML file of known faults, which do not fail the check; one that is gone does.",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="List every scenario and rule.",
)
@failures_option
@report_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(junit_file: Path | None, sarif_file: Path | None, as_json: bool, **options: Any) -> None:
    """Check a device against a profile with generated traces and named scenarios.

    TARGET is reference, cmd:COMMAND (see docs/protocol.md), qemu or qemu:PATH (see docs/qemu.md).
    Of a real QEMU the memslot decisions are compared first. Ends 0 if nothing fails, 1 with each
    decision that differs, the first failing trace made small, kept and explained, or the scenarios
    that fail, which run where no trace does.

    \b
    Examples:
      slotproof check --profile seed-v2
      slotproof check --target "cmd:python3 docs/example_device.py" --junit check.xml
      slotproof check --target qemu --traces 20
      slotproof check --target "cmd:./device" --oracle virtio --expect known.toml
    """
    done = checked(Wish(**options))
    told = document(done)
    write_reports(told, junit_file, sarif_file)
    click.echo(json.dumps(told, indent=2) if as_json else "\n".join(text(done)))
    exit_with(0 if done.holds else 1)


def checked(wish: Wish) -> Done:
    """Run the check. Raises click.UsageError and TargetFailure."""
    with closing(opened_target(wish.spec)) as target, ExitStack() as stack:
        helpers: list[Target] = []
        decisions, per_device = None, 1
        if isinstance(target, QemuTarget):
            if not target.memslots and wish.profile.option_name:
                _has_no_memslots(target.binary)
            if target.memslots and target.stopped and wish.only is None:
                decisions = decided(target.binary)
            per_device = TRACES_PER_MACHINE
            helpers = [target.another() for _ in range(MACHINES - 1)]
            for helper in helpers:
                stack.callback(helper.close)
        traces = wish.traces if wish.only is None or wish.rule is not None else 0
        with progress("checking") as bars:

            def show(event: TraceDone) -> None:
                bars.update(bars.task_ids[0], total=event.total, completed=event.number)

            report = run_check(
                target,
                wish.profile,
                seed=wish.seed,
                traces=traces,
                steps=wish.steps,
                listeners=[show],
                judge=wish.judge,
                helpers=helpers,
                per_device=per_device,
            )
        kept, results = None, []
        if report.failing is not None:
            kept = _kept(target, report, report.failing, wish)
        else:
            results = [
                run_scenario(scenario, target, wish.profile, wish.judge)
                for scenario in wish.scenarios
            ]
    return Done(
        head=wish.head,
        oracle=wish.oracle if wish.rule is None else "virtio",
        report=report,
        not_asked=left_out(target.capabilities),
        kept=kept,
        decisions=decisions,
        scenarios=[_result_kept(result, wish) for result in as_expected(results, wish.expected)],
        expected=wish.expected,
    )


def _has_no_memslots(binary: Path) -> NoReturn:
    """Say so in one line, with what would be right. Raises click.UsageError."""
    try:
        find_qemu(str(binary))
    except QemuError as error:
        raise click.UsageError(f"{error}; or --profile {QEMU_7_2.name}") from None
    raise AssertionError(f"{binary} has dynamic-memslots now")


def _kept(target: Target, report: CheckReport, failing: Trace, wish: Wish) -> Kept:
    """The failing trace made small, its file if it can be kept, and its target's log."""
    small, path = _made_small(target, failing, wish)
    if path is None:
        return Kept(small, None, wish.again(report.traces))
    log = save_log(report.log, path) if report.log else None
    return Kept(small, path, replay_command(path, wish.spec), log)


def _result_kept(result: Result, wish: Wish) -> tuple[Result, Path | None]:
    """A result and the file of its trace, if one failed and it can be kept."""
    if result.trace is None:
        return result, None
    try:
        path = save(result.trace, wish.failures)
    except OSError as error:
        click.echo(f"slotproof: {cannot_keep(wish.failures, error)}", err=True)
        return result, None
    if result.log:
        save_log(result.log, path)
    return result, path


def _made_small(target: Target, failing: Trace, wish: Wish) -> tuple[Trace, Path | None]:
    """The failing trace made small and its file, or else as it was; a file that cannot be written
    is told of.

    The trace is kept before it is made small as well: making it small may be interrupted.
    """
    directory = wish.failures
    try:
        first = save(failing, directory)
    except OSError:
        # To be told of when the small one cannot be kept either.
        first = None
    try:
        small = shrunk(target, failing, wish.judge)
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

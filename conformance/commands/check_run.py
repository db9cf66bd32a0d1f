"""What `slotproof check` does: traces that failed before, new ones, then the scenarios."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from conformance.check.again import failing_before, ran_before
from conformance.check.campaign import CheckReport, Failing, Plan, TraceDone
from conformance.check.campaign import check as run_check
from conformance.check.explain import replay_command
from conformance.check.scenarios import SCENARIO_NAMED, SCENARIOS, Scenario
from conformance.check.shrink import NotAgain, shrink
from conformance.check.suite import (
    Expected,
    Result,
    as_expected,
    judge_for,
    of_scenario,
    run_scenario,
)
from conformance.commands.check_qemu import TRACES_PER_MACHINE, decided
from conformance.commands.check_report import Done, Kept, left_out
from conformance.commands.options import cannot_keep, opened_target, progress
from conformance.explore.steer import Steered
from conformance.judge.judge import Judge
from conformance.judge.virtio.rules import RULE_NAMED
from conformance.targets.qemu.decision import MACHINES
from conformance.targets.qemu.process import QemuError, find_qemu
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import Target, states_limits
from conformance.traces.failures import save, save_log
from conformance.traces.trace import Trace
from model.profiles import QEMU_7_2, Profile

IDS: Final = (*SCENARIO_NAMED, *RULE_NAMED)
MOST_TRACES: Final = 1_000_000
"""Traces of a run that ends after a time."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a check was asked for; `only` are ids of scenarios and rules, none for all."""

    spec: str
    profile: Profile
    seed: int
    traces: int
    steps: int
    oracle: str
    needs: bool
    only: tuple[str, ...]
    expected: dict[str, Expected]
    failures: Path
    jobs: int = 1
    seconds: float | None = None
    distinct: int = 1
    steer: bool = False
    answer_timeout: float | None = None
    log: Path | None = None

    @property
    def rules(self) -> frozenset[str]:
        """The only rules to judge by."""
        return frozenset(self.only) & frozenset(RULE_NAMED)

    def judge(self, target: Target) -> Judge:
        """What fails a trace."""
        accepts = states_limits(target)
        if self.only:
            return Judge(exact=False, rules=self.rules, accepts=accepts)
        return judge_for(self.oracle, self.expected, needs=self.needs, accepts=accepts)

    def scenario_judge(self, target: Target) -> Judge:
        """What fails a scenario, beside its own rules."""
        accepts = states_limits(target)
        return judge_for(self.oracle, self.expected, needs=self.needs, accepts=accepts)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios to run."""
        return tuple(one for one in SCENARIOS if not self.only or one.id in self.only)

    @property
    def head(self) -> dict[str, Any]:
        """What a report names first."""
        return {"target": self.spec, "profile": self.profile.name, "seed": self.seed}

    def again(self, traces: int) -> str:
        """The command for so many traces of this check."""
        options = self.head | {"traces": traces, "steps": self.steps}
        if self.oracle != "exact":
            options["oracle"] = self.oracle
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        words += [word for id in self.only for word in ("--only", id)]
        words += ["--needs"] * self.needs + ["--steer"] * self.steer
        return shlex.join(["slotproof", "check", *words])


def matching(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of scenarios and rules that the patterns match, in order. Raises ValueError."""
    for pattern in patterns:
        if not any(fnmatchcase(id, pattern) for id in IDS):
            raise ValueError(f"no scenario or rule {pattern!r}: see slotproof check --list")
    return tuple(id for id in IDS if any(fnmatchcase(id, pattern) for pattern in patterns))


def checked(wish: Wish) -> Done:
    """Run the check. Raises click.UsageError and TargetFailure."""
    with ExitStack() as stack:
        target = stack.enter_context(closing(_opened(wish)))
        helpers, per_device, decisions = _helpers(wish, target), 1, None
        for helper in helpers:
            stack.callback(helper.close)
        if isinstance(target, QemuTarget):
            per_device = TRACES_PER_MACHINE
            if target.memslots and not wish.only:
                decisions = decided(target.binary)
        judge = wish.judge(target)
        before = failing_before(wish.failures, target, judge)
        if before.failing is not None:
            report, traces = before.report(), 0
        else:
            # A scenario alone needs no generated traces.
            traces = wish.traces if wish.rules or not wish.only else 0
            report = _run(wish, target, helpers, per_device, traces, judge)
        kept, results = [], []
        for number, failing in enumerate(_failing(report)):
            command = wish.again(report.traces)
            kept.append(_kept(target, failing, wish, judge, command, report.traces, number))
        if not kept:
            of_scenarios = wish.scenario_judge(target)
            results = [_scenario(one, target, wish, of_scenarios) for one in wish.scenarios]
    return Done(
        head=wish.head,
        oracle="virtio" if wish.rules else wish.oracle,
        report=report,
        not_asked=left_out(target.capabilities),
        promised=target.capabilities,
        kept=kept[0] if kept else None,
        others=kept[1:],
        before=before,
        decisions=decisions,
        scenarios=[_result_kept(result, wish) for result in as_expected(results, wish.expected)],
        expected=wish.expected,
    )


def _opened(wish: Wish) -> Target:
    return opened_target(wish.spec, wish.answer_timeout, wish.log)


def _helpers(wish: Wish, target: Target) -> list[Target]:
    """Targets like the first one, to run traces at the same time."""
    if isinstance(target, QemuTarget):
        if not target.memslots and wish.profile.option_name:
            _has_no_memslots(target.binary)
        return [target.another() for _ in range(max(MACHINES, wish.jobs) - 1)]
    # Messages of several programs in one log could not be told apart.
    return [opened_target(wish.spec, wish.answer_timeout) for _ in range(wish.jobs - 1)]


def _run(
    wish: Wish, target: Target, helpers: list[Target], per_device: int, traces: int, judge: Judge
) -> CheckReport:
    timed = wish.seconds is not None and traces > 0
    with progress("checking") as bars:

        def show(event: TraceDone) -> None:
            total = None if timed else event.total
            bars.update(bars.task_ids[0], total=total, completed=event.number)

        return run_check(
            target,
            wish.profile,
            seed=wish.seed,
            traces=MOST_TRACES if timed else traces,
            steps=wish.steps,
            listeners=[show],
            judge=judge,
            helpers=helpers,
            per_device=per_device,
            distinct=wish.distinct,
            enough=after(wish.seconds),
            chooser=Steered() if wish.steer else None,
        )


def after(seconds: float | None) -> Callable[[], bool]:
    """Whether so many seconds have passed since now; never for None."""
    if seconds is None:
        return lambda: False
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _failing(report: CheckReport) -> list[Failing]:
    first = [] if report.failing is None else [Failing(report.failing, report.log)]
    return [*first, *report.others]


def _scenario(scenario: Scenario, target: Target, wish: Wish, judge: Judge) -> Result:
    """A scenario run and, if it fails, made small."""
    result = run_scenario(scenario, target, wish.profile, judge)
    if result.trace is None or scenario.id in wish.expected:
        return result
    try:
        small = _shrunk(target, result.trace, of_scenario(scenario, judge))
    except NotAgain:
        return result
    return replace(result, trace=small)


def _has_no_memslots(binary: Path) -> NoReturn:
    """Say so in one line, with what would be right. Raises click.UsageError."""
    try:
        find_qemu(str(binary))
    except QemuError as error:
        raise click.UsageError(f"{error}; or --profile {QEMU_7_2.name}") from None
    raise AssertionError(f"{binary} has dynamic-memslots now")


def _shrunk(target: Target, trace: Trace, judge: Judge) -> Trace:
    """The trace made small, with a progress display. Raises NotAgain."""
    with progress("shrinking") as bars:
        task = bars.task_ids[0]

        def show(runs: int, steps: int) -> None:
            bars.update(task, completed=runs, description=f"shrinking: {steps} steps")

        return shrink(target, trace, show, judge)


def _kept(
    target: Target,
    failing: Failing,
    wish: Wish,
    judge: Judge,
    command: str,
    traces: int,
    number: int,
) -> Kept:
    """A failing trace made small, its file if it can be kept, and its target's log.

    It is kept before it is made small as well: making it small may be interrupted.
    """
    try:
        first = save(failing.trace, wish.failures)
    except OSError:
        # To be told of when the small one cannot be kept either.
        first = None
    earlier: list[Path] = []
    try:
        small = _shrunk(target, failing.trace, judge)
    except NotAgain:
        small = failing.trace
        earlier = _earlier(target, failing.trace, wish, judge, traces) if number == 0 else []
        told = "does not fail again from a fresh start: kept as it was"
        if earlier:
            told += f", with the {len(earlier)} traces of the process before it that it takes"
        click.echo(f"slotproof: {told}", err=True)
    except KeyboardInterrupt:
        if first is None:
            raise
        click.echo(f"slotproof: interrupted, kept as {first}", err=True)
        raise click.exceptions.Exit(130) from None
    try:
        path: Path | None = save(small, wish.failures)
    except OSError as error:
        click.echo(f"slotproof: {cannot_keep(wish.failures, error)}", err=True)
        small, path = (small, None) if first is None else (failing.trace, first)
    if first is not None and path != first:
        first.unlink(missing_ok=True)
    if path is None:
        return Kept(small, None, command, made_small=small is not failing.trace)
    log = save_log(failing.log, path) if failing.log else None
    replay = replay_command(path, wish.spec, earlier)
    return Kept(small, path, replay, log, failing.log, tuple(earlier), small is not failing.trace)


def _earlier(target: Target, failing: Trace, wish: Wish, judge: Judge, traces: int) -> list[Path]:
    """The files of the earlier traces that a failure takes, none if they do not bring it about."""
    if wish.jobs > 1 or wish.steer or isinstance(target, QemuTarget):
        return []
    plan = Plan(wish.profile, wish.seed, wish.steps)
    found = ran_before(target, failing, plan, traces, judge)
    try:
        return [save(trace, wish.failures) for trace in found]
    except OSError:
        return []


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

"""What `slotproof check` does: traces that failed before, new ones, then the scenarios."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Final, NoReturn

import click

from conformance.check.again import Before, failing_before
from conformance.check.campaign import (
    CheckReport,
    Elsewhere,
    Failing,
    Plan,
    TraceDone,
    promise,
    run_there,
)
from conformance.check.campaign import check as run_check
from conformance.check.outcome import Outcome
from conformance.check.parallel import LOOK
from conformance.check.scenarios import Scenario
from conformance.check.shrink import NotAgain
from conformance.check.suite import (
    Result,
    as_expected,
    of_scenario,
    run_scenario,
)
from conformance.commands.check_keep import kept_small, result_kept
from conformance.commands.check_qemu import TRACES_PER_MACHINE, decided
from conformance.commands.check_report import Done, left_out
from conformance.commands.check_wish import Wish
from conformance.commands.executor import chosen_executor
from conformance.commands.failure import TargetFailure
from conformance.commands.options import made_small, opened_target
from conformance.commands.progress import progress
from conformance.explore.steer import Steered
from conformance.judge.judge import Judge
from conformance.targets.qemu.decision import MACHINES
from conformance.targets.qemu.process import QemuError, find_qemu
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import Target, TargetError
from conformance.targets.vmm.target import VmmTarget
from conformance.traces.trace import Trace
from model.device import ConfigError
from model.profiles import QEMU_7_2

MOST_TRACES: Final = 1_000_000
"""Traces of a run that ends after a time."""


def checked(wish: Wish) -> Done:
    """Run the check. Raises click.UsageError and TargetFailure."""
    try:
        return _checked(wish)
    except ConfigError as error:
        if not wish.spec.startswith("cmd:"):
            raise
        # No other configuration is generated than one of the profile within a program's limits.
        raise click.UsageError(
            f"target {wish.spec!r}: its limits leave no device of profile "
            f"{wish.profile.name}: {error}"
        ) from None


def _checked(wish: Wish) -> Done:
    with ExitStack() as stack:
        target = stack.enter_context(closing(_opened(wish)))
        helpers, per_device, decisions = _helpers(wish, target), 1, None
        for helper in helpers:
            stack.callback(helper.close)
        if isinstance(target, QemuTarget):
            per_device = TRACES_PER_MACHINE
            if target.memslots and target.stopped and not wish.only:
                decisions = decided(target.binary, target.accel)
        judge = wish.judge(target)
        before = failing_before(wish.failures, target, wish.spec, wish.profile, judge)
        if before.failing is not None and wish.distinct == 1:
            report = before.report()
        else:
            # A scenario alone needs no generated traces.
            traces = wish.traces if wish.rules or not wish.only else 0
            report = _run(wish, target, helpers, per_device, traces, judge)
        kept, results = [], []
        for number, failing in enumerate(_failing(before, report, wish.distinct)):
            command = wish.again(report.traces)
            kept.append(kept_small(target, failing, wish, judge, command, report.traces, number))
        if not kept:
            results = _scenarios(wish, target, wish.scenario_judge(target))
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
        scenarios=[result_kept(result, wish) for result in as_expected(results, wish.expected)],
        expected=wish.expected,
    )


def _opened(wish: Wish) -> Target:
    """The target. Raises click.UsageError where `--faults` is nothing for it, and TargetFailure."""
    if chosen_executor() is not None:
        for option, wanted in (("faults", wish.faults), ("log", wish.log)):
            if wanted:
                raise click.UsageError(
                    f"--{option} is about this machine: --executor does not go with it"
                )
    target = opened_target(wish.spec, wish.answer_timeout, wish.log)
    if not wish.faults:
        return target
    if not isinstance(target, QemuTarget | VmmTarget):
        target.close()
        raise click.UsageError("--faults is about a real QEMU or VMM: expected such a --target")
    if (failing := target.failing()) is None:
        raise click.UsageError(f"--faults: nothing of {wish.spec}'s host can be made to fail here")
    return failing


def _helpers(wish: Wish, target: Target) -> list[Target]:
    """Targets like the first one, to run traces at the same time."""
    if isinstance(target, QemuTarget):
        if not target.memslots and wish.profile.option_name:
            _has_no_memslots(target.binary)
        return [target.another() for _ in range(max(MACHINES, wish.jobs) - 1)]
    # Messages of several programs in one log could not be told apart.
    if wish.faults:
        return [_opened(wish) for _ in range(wish.jobs - 1)]
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
            elsewhere=_elsewhere(wish, target),
        )


def _elsewhere(wish: Wish, target: Target) -> Elsewhere | None:
    """Where `--executor` has the traces run; None for here."""
    executor = chosen_executor()
    if executor is None:
        return None
    here = promise(target)

    def there(
        plan: Plan, judge: Judge, number: int, over: Callable[[], bool]
    ) -> list[tuple[Trace, Outcome]]:
        about = wish.spec, wish.answer_timeout, here, plan, judge, number
        future = executor.submit(run_there, *about)
        # Maybe no worker comes for it any more.
        while not over():
            if wait([future], timeout=LOOK).done:
                return _found(future, wish.spec)
        future.cancel()
        return []

    return there


def _found(future: Future[list[tuple[Trace, Outcome]]], spec: str) -> list[tuple[Trace, Outcome]]:
    try:
        return future.result()
    except click.UsageError as error:
        raise click.UsageError(f"a worker: {error.message}") from None
    except TargetError as error:
        raise TargetFailure(f"{spec}, of a worker: {error}") from None


def after(seconds: float | None) -> Callable[[], bool]:
    """Whether so many seconds have passed since now; never for None."""
    if seconds is None:
        return lambda: False
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _failing(before: Before, report: CheckReport, most: int) -> list[Failing]:
    """What failed, each in another way: what failed before goes first."""
    first = [] if report.failing is None else [Failing(report.failing, report.log)]
    found = [] if before.failing is None else [before.failing]
    for one in (*first, *report.others):
        finding = one.trace.finding
        if finding is None or not any(finding.alike(other.trace.finding) for other in found):
            found.append(one)
    return found[:most]


def _scenarios(wish: Wish, target: Target, judge: Judge) -> list[Result]:
    """The scenarios run and, where one fails, made small."""
    results = []
    with progress("running scenarios") as bars:
        for number, scenario in enumerate(wish.scenarios):
            now = f"running scenarios, now {scenario.id}"
            total = len(wish.scenarios)
            bars.update(bars.task_ids[0], completed=number, total=total, description=now)
            results.append(run_scenario(scenario, target, wish.profile, judge))
    # Only now: a display of its own shows how far that is.
    pairs = zip(wish.scenarios, results, strict=True)
    return [_small(scenario, result, target, wish, judge) for scenario, result in pairs]


def _small(scenario: Scenario, result: Result, target: Target, wish: Wish, judge: Judge) -> Result:
    """What came of a scenario, with the trace made small if it fails."""
    if result.trace is None or scenario.id in wish.expected:
        return result
    try:
        small = made_small(target, result.trace, of_scenario(scenario, judge))
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

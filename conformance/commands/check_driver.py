"""`slotproof check --driver`: lists of host events on a driver, judged by the text of VIRTIO."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from conformance.check.outcome import often
from conformance.check.suite import Expected, Result, as_expected, result_of
from conformance.commands.common import exit_with
from conformance.commands.driver_options import DriverWish, driver_wish, opened_driver
from conformance.commands.failure import TargetFailure
from conformance.commands.options import cannot_keep, write_reports
from conformance.commands.progress import progress
from conformance.commands.provenance import made
from conformance.drive.campaign import Broken, DriveReport, drive
from conformance.drive.lists import event_list
from conformance.drive.schema import document
from conformance.drive.shrink import shrink_list
from conformance.judge.driver.rules import DRIVER_RULE_NAMED, DRIVER_RULES
from conformance.judge.verdict import Verdict
from conformance.judge.virtio.rule import Rule
from conformance.judge.virtio.rules import RULE_NAMED, RULES
from conformance.targets.linux.driven import DriverTarget
from conformance.targets.qemu.process import qemu_version
from conformance.targets.target import TargetError
from conformance.traces.driven import Driven, save_driven


def check_driver(
    options: dict[str, Any], as_json: bool, junit_file: Path | None, sarif_file: Path | None
) -> None:
    """Run the check and end. Raises click.UsageError and TargetFailure."""
    wish = driver_wish(options)
    target, binary = opened_driver(wish)
    with closing(target):
        try:
            report, small = driven(target, wish)
        except TargetError as error:
            raise TargetFailure(f"{wish.target}: {error}") from None
    kept = None if small is None else _kept(small, wish, report.log)
    results = {result.id: result for result in rule_results(report, wish.expected)}
    bad = [result for result in results.values() if result.verdict is Verdict.UNEXPECTED]
    holds = report.failing is None and not bad
    report.failing = small
    replay = None if kept is None else _replay(wish, kept)
    qemu = qemu_version(binary)
    told = document(
        report,
        qemu,
        wish.seed if wish.again is None else wish.again.seed,
        {id: (result.verdict, result.message) for id, result in results.items()},
        holds,
        None if kept is None else str(kept),
        replay,
    ) | {"made": made()}
    write_reports(told, junit_file, sarif_file)
    lines = text(report, list(results.values()), wish, qemu)
    ends = _end(report, bad, kept, replay)
    click.echo(json.dumps(told, indent=2) if as_json else "\n".join([*lines, *ends]))
    exit_with(0 if holds else 1)


def driven(target: DriverTarget, wish: DriverWish) -> tuple[DriveReport, Driven | None]:
    """The lists run, and the failing one made small. Raises TargetError."""
    if wish.again is not None:
        return (report := drive(target, [wish.again], wish.rules)), report.failing
    lists = (event_list(wish.seed, n + 1, wish.events, target.able) for n in range(wish.lists))
    with progress("driving") as bars:

        def done(number: int) -> None:
            bars.update(bars.task_ids[0], total=wish.lists, completed=number)

        report = drive(target, lists, wish.rules, done)
    if report.failing is None:
        return report, None
    with progress("shrinking") as bars:

        def show(runs: int, events: int) -> None:
            task = bars.task_ids[0]
            bars.update(task, completed=runs, description=f"shrinking: {events} events")

        return report, shrink_list(target, report.failing, wish.rules, show)


def rule_results(report: DriveReport, expected: dict[str, Expected]) -> list[Result]:
    """What the lists showed of each rule of a driver."""
    return as_expected((_result(report, rule) for rule in DRIVER_RULES), expected)


def _result(report: DriveReport, rule: Rule) -> Result:
    broken = report.broken.get(rule.id)
    where = (
        None
        if broken is None
        else f"{broken.message} (list {broken.number}, record {broken.place})"
    )
    times = report.exercised[rule.id]
    return result_of(rule, where, times, ended=report.failing is not None)


def _kept(small: Driven, wish: DriverWish, log: str) -> Path | None:
    """The file of the failing list, with what the kernel told beside it."""
    try:
        path = save_driven(small, wish.failures)
        if log:
            path.with_suffix(".log").write_text(log)
        return path
    except OSError as error:
        click.echo(f"slotproof: {cannot_keep(wish.failures, error)}", err=True)
        return None


def _replay(wish: DriverWish, path: Path) -> str:
    """The command that runs the kept events again."""
    words = ["slotproof", "check", "--driver", wish.driver, "--events", str(path)]
    for option, value in (("--kernel", wish.kernel), ("--initrd", wish.initrd)):
        words += [option, str(value)] if value is not None else []
    if wish.target != "qemu":
        words += ["--target", wish.target]
    words += [word for id in wish.only for word in ("--only", id)]
    return shlex.join(words)


def text(report: DriveReport, results: list[Result], wish: DriverWish, qemu: str) -> list[str]:
    """What the check tells, but for how it ends."""
    reached = sum(report.reached.values())
    most = f", given {max(report.reached)} s of guest time at most" if reached else ""
    seed = wish.seed if wish.again is None else wish.again.seed
    return [
        f"checked driver {report.driver} on qemu {qemu}, seed {seed}",
        f"  lists             {report.lists}",
        f"  events            {_counts(report.events.items())}",
        f"  answers           {_counts(report.answers.items()) or 'none'}",
        f"  came to rest      {often(reached)} at the requested size{most}; {report.short} short",
        *_party("driver", DRIVER_RULES, set(report.exercised), report.broken, results),
        *_party("device", RULES, set(report.device_exercised), report.device_broken, []),
    ]


def _counts(counted: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted))


def _party(
    who: str,
    rules: tuple[Rule, ...],
    exercised: set[str],
    broken: dict[str, Broken],
    results: list[Result],
) -> Iterator[str]:
    """How far the rules of one side were exercised, and which were broken."""
    judged = [rule.id for rule in rules if not rule.unjudged]
    met = sum(id in exercised for id in judged)
    yield (
        f"  {who} rules      {met} of {len(judged)} exercised, "
        f"{len(rules) - len(judged)} cannot be judged"
    )
    if who == "driver":
        never = [id for id in judged if id not in exercised]
        yield f"  never exercised   {', '.join(never) or 'none'}"
    known = {result.id for result in results if result.verdict is Verdict.EXPECTED}
    for id, first in broken.items():
        level = (DRIVER_RULE_NAMED | RULE_NAMED)[id].level.value
        expected = ", as expected" if id in known else ""
        yield (
            f"  {who} deviates   {id} ({level}) {often(first.count)}{expected}, first in list "
            f"{first.number}, record {first.place}: {first.message}"
        )


def _end(
    report: DriveReport, bad: list[Result], kept: Path | None, replay: str | None
) -> Iterator[str]:
    yield from (f"fails: {result.id}: {result.message}" for result in bad)
    if (failing := report.failing) is None or failing.found is None:
        if not bad:
            yield "holds: no binding rule of a driver violated in the cases counted"
        return
    where = "not kept" if kept is None else f"kept as {kept}"
    yield f"fails: {failing.found.what}: {failing.found.message}, {where}"
    yield f"  region {failing.setup.region}, block {failing.setup.block}"
    yield from (f"  {number}. {event}" for number, event in enumerate(failing.events, 1))
    if replay is not None:
        yield f"  again: {replay}"

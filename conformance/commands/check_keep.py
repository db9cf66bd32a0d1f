"""Failing traces of `slotproof check` made small and kept."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.check.again import ran_before
from conformance.check.campaign import Failing, Plan
from conformance.check.explain import replay_command
from conformance.check.shrink import NotAgain
from conformance.check.suite import Result
from conformance.commands.check_report import Kept
from conformance.commands.check_wish import Wish
from conformance.commands.options import cannot_keep, made_small
from conformance.judge.judge import Judge
from conformance.judge.verdict import Verdict
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import Target
from conformance.traces.failures import save, save_log
from conformance.traces.trace import Trace


def kept_small(
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
        first = save(failing.trace, wish.failures, wish.spec)
    except OSError:
        # To be told of when the small one cannot be kept either.
        first = None
    earlier: list[Path] = []
    try:
        small = made_small(target, failing.trace, judge)
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
        path: Path | None = save(small, wish.failures, wish.spec)
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
        return [save(trace, wish.failures, wish.spec) for trace in found]
    except OSError:
        return []


def result_kept(result: Result, wish: Wish) -> tuple[Result, Path | None]:
    """A result and the file of its trace, if one failed and it can be kept.

    A known fault is not: the next run would find it among the kept ones and go no further.
    """
    if result.trace is None or result.verdict is Verdict.EXPECTED:
        return result, None
    try:
        path = save(result.trace, wish.failures, wish.spec)
    except OSError as error:
        click.echo(f"slotproof: {cannot_keep(wish.failures, error)}", err=True)
        return result, None
    if result.log:
        save_log(result.log, path)
    return result, path

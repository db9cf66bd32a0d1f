"""Traces that failed before are run first; a failure's own past in the process is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from conformance.check.campaign import CheckReport, Failing, Plan
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.judge.finding import Kind
from conformance.judge.judge import Judge
from conformance.targets.target import BAD_CONFIG, Target, needs
from conformance.traces.failures import kept
from conformance.traces.trace import Trace, TraceError, read_trace
from model.profiles import Profile

MOST_BEFORE: Final = 64
"""Earlier traces that are run again at most to bring a failure about."""


@dataclass(frozen=True, slots=True)
class Before:
    """What became of the kept traces: how many were run, and the first that fails again."""

    ran: int = 0
    steps: int = 0
    failing: Failing | None = None

    def report(self) -> CheckReport:
        """A check that ended there."""
        assert self.failing is not None
        return CheckReport(0, self.steps, {}, {}, 0, 0, self.failing.trace, log=self.failing.log)


def failing_before(
    directory: Path, target: Target, spec: str, profile: Profile, judge: Judge
) -> Before:
    """Run the traces that a directory keeps of the target `spec`, that are about the profile and
    that the target can do, until one fails again."""
    ran = steps = 0
    for path in kept(directory, spec):
        try:
            trace = read_trace(path)
        except TraceError:
            continue
        if trace.profile != profile or not _can(target, trace):
            continue
        outcome = run_trace(target, trace, judge)
        ran, steps = ran + 1, steps + outcome.steps
        found = outcome.finding
        if found is not None and (found.kind is not Kind.REFUSED or judge.accepts):
            return Before(ran, steps, Failing(as_run(trace, outcome), outcome.log))
    return Before(ran, steps)


def _can(target: Target, trace: Trace) -> bool:
    """The target has this very device and can do every step."""
    if trace.finding is None:
        return False
    if trace.refuse:
        return BAD_CONFIG in target.capabilities
    able = all(needs(step.action) <= target.capabilities for step in trace.steps)
    return able and target.fitted(trace.profile, trace.config) == trace.config


def ran_before(
    target: Target, failing: Trace, plan: Plan, number: int, judge: Judge
) -> list[Trace]:
    """The fewest of the traces up to `number`, the last ones, after which `failing` fails again in
    a fresh process; none if it does not.
    """
    earlier = [trace for at in range(1, number + 1) for trace in plan.traces(target, at)]
    earlier = list(takewhile(lambda trace: not _same(trace, failing), earlier))
    count = 1
    while count <= min(len(earlier), MOST_BEFORE):
        last = earlier[-count:]
        if _fails_after(target, last, failing, judge):
            return last
        count *= 2
    if 0 < len(earlier) <= MOST_BEFORE and _fails_after(target, earlier, failing, judge):
        return earlier
    return []


def _same(trace: Trace, failing: Trace) -> bool:
    return (trace.seed, trace.refuse) == (failing.seed, failing.refuse)


def _fails_after(target: Target, earlier: list[Trace], failing: Trace, judge: Judge) -> bool:
    assert failing.finding is not None
    target.close()
    for trace in earlier:
        run_trace(target, trace, judge)
    return failing.finding.alike(run_trace(target, failing, judge).finding)

"""Makes a failing trace small: fewer steps, a simpler device, simpler values, the same failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import takewhile

from conformance.check.cut import cut
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.check.simplify import Family, families
from conformance.judge.finding import Kind
from conformance.judge.judge import Judge
from conformance.targets.target import Target
from conformance.traces import streamed
from conformance.traces.trace import Trace, TraceStep
from model.device import ConfigError

MAX_RUNS = 2000
"""How often a trace is run again at most."""
MAX_RUNS_FRESH = 500
"""The same where every run starts the target's program anew."""
MAX_RUNS_HUNG = 20
"""The same where every failing run waits for a target's deadline."""
MAX_STEPS = 20_000
"""How many steps may be run in all: a long trace is run less often."""
MAX_TIMES = 12
"""How often the length of a trace may be run in any case."""
LONG = 1000
"""A trace of more steps is made simpler first: few runs are left, and it has its length from what
is used up by them."""
MANY = 100
"""Steps from which on whole kinds of operations are left out before any others are."""
TURNS = 16
"""How often one way of simplifying may serve before the others have their turn."""

Listener = Callable[[int, int], None]
"""Told the number of runs so far and the steps of the smallest failing trace."""


class NotAgain(Exception):
    """The trace does not fail in the same way when the target is started afresh."""


def shrink(
    target: Target,
    trace: Trace,
    listener: Listener | None = None,
    judge: Judge | None = None,
) -> Trace:
    """The smallest trace found that still fails like `trace.finding`, as it was run.

    It is judged by `judge`, or else as it was before, and was seen to fail on a target started
    afresh, where nothing came before it. Raises NotAgain if not even `trace` does, and ValueError
    for a trace without a finding.
    """
    if trace.finding is None:
        raise ValueError("only a trace with a finding can be shrunk")
    if (first := _afresh(target, trace, judge)) is None:
        raise NotAgain
    if trace.refuse:
        # One field of a good configuration is wrong: there is nothing to take away.
        return first
    whole = first
    if len(first.steps) > streamed.HELD:
        first = cut(target, first, lambda candidate: _afresh(target, candidate, judge))
        if len(first.steps) > streamed.HELD:
            return first
    hung = trace.finding.kind is Kind.HUNG
    most = MAX_RUNS_HUNG if hung else MAX_RUNS
    small = _Search(target, first, most, listener, judge).smallest()
    if small is whole:
        return small
    if (confirmed := _afresh(target, small, judge)) is not None:
        return confirmed
    # What came before the candidates made them fail: give each a start of its own.
    most = MAX_RUNS_HUNG if hung else MAX_RUNS_FRESH
    return _Search(target, first, most, listener, judge, afresh=True).smallest()


def _afresh(target: Target, trace: Trace, judge: Judge | None) -> Trace | None:
    """The trace as it fails on a target started afresh, if it does in the same way."""
    target.close()
    outcome = run_trace(target, trace, judge)
    if trace.finding is None or not trace.finding.alike(outcome.finding):
        return None
    again = as_run(trace, outcome)
    # A message may tell the same failure in other words.
    return trace if replace(again, finding=trace.finding) == trace else again


@dataclass(slots=True)
class _Search:
    """The smallest failing trace so far, and the runs spent."""

    target: Target
    best: Trace
    most: int
    listener: Listener | None
    judge: Judge | None = None
    afresh: bool = False
    runs: int = 0
    steps: int = 0
    tried: set[int] = field(default_factory=set)
    most_steps: int = field(init=False)

    def __post_init__(self) -> None:
        self.most_steps = max(MAX_STEPS, MAX_TIMES * len(self.best.steps))

    @property
    def spent(self) -> bool:
        """No further run is left."""
        return self.runs >= self.most or self.steps >= self.most_steps

    def smallest(self) -> Trace:
        """Search until nothing serves any more."""
        if len(self.best.steps) > LONG:
            self.simpler_values()
        while self.fewer_steps() | self.simpler_values():
            pass
        return self.best

    def accepts(self, candidate: Trace) -> bool:
        """Run the candidate; keep it as the best if it fails in the same way."""
        fitted = self.target.fitted(candidate.profile, candidate.config)
        if self.spent or fitted != candidate.config:
            return False
        key = hash(
            (candidate.config, tuple((step.action, step.layout) for step in candidate.steps))
        )
        if key in self.tried:
            return False
        self.tried.add(key)
        self.runs += 1
        self.steps += len(candidate.steps)
        if self.afresh:
            self.target.close()
        try:
            outcome = run_trace(self.target, candidate, self.judge)
        except ConfigError:
            return False
        assert self.best.finding is not None
        alike = self.best.finding.alike(outcome.finding)
        if alike:
            self.best = as_run(candidate, outcome)
        if self.listener is not None:
            self.listener(self.runs, len(self.best.steps))
        return alike

    def fewer_steps(self) -> bool:
        """Delta debugging: drop ever smaller runs of steps while the failure stays."""
        before = len(self.best.steps)
        if before > MANY:
            self.fewer_kinds()
        size = max(len(self.best.steps) // 2, 1)
        while True:
            start = 0
            while start < len(self.best.steps) and not self.spent:
                kept = (*self.best.steps[:start], *self.best.steps[start + size :])
                if not self.accepts(_with_steps(self.best, kept)):
                    start += size
            if size == 1:
                return len(self.best.steps) < before
            size //= 2

    def fewer_kinds(self) -> None:
        """Drop all steps of an operation, for each that the failure does not take."""
        for op in dict.fromkeys(step.action.op for step in self.best.steps):
            kept = tuple(step for step in self.best.steps if step.action.op is not op)
            self.accepts(_with_steps(self.best, kept))

    def serves(self, family: Family) -> bool:
        """A candidate of the family fails in the same way, before the last run is spent."""
        candidates = takewhile(lambda _: not self.spent, () if self.spent else family(self.best))
        return any(map(self.accepts, candidates))

    def simpler_values(self) -> bool:
        """Take simpler configurations and values, one change at a time, as long as any serves."""
        progress = False
        for family in families(self.best):
            # One family can crawl where another one, whose turn comes then, would leap.
            for _ in range(TURNS):
                if not self.serves(family):
                    break
                progress = True
        return progress


def _with_steps(trace: Trace, steps: tuple[TraceStep, ...]) -> Trace:
    return Trace(trace.profile, trace.config, steps, finding=trace.finding)

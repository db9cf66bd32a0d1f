"""Makes a failing trace small: fewer steps, a simpler device, simpler values, the same failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.finding import Kind
from conformance.runner import as_run, run_trace
from conformance.simplify import families
from conformance.target import Target
from conformance.trace import Trace, TraceStep
from model.device import ConfigError

MAX_RUNS = 2000
"""How often a trace is run again at most."""
MAX_RUNS_HUNG = 20
"""The same where every failing run waits for a target's deadline."""
TURNS = 16
"""How often one way of simplifying may serve before the others have their turn."""

Listener = Callable[[int, int], None]
"""Told the number of runs so far and the steps of the smallest failing trace."""


def shrink(target: Target, trace: Trace, listener: Listener | None = None) -> Trace:
    """The smallest trace found that still fails like `trace.finding`, as it was run.

    A trace that does not fail again on the target comes back as it is. Raises ValueError for a
    trace without a finding.
    """
    if trace.finding is None:
        raise ValueError("only a trace with a finding can be shrunk")
    most = MAX_RUNS_HUNG if trace.finding.kind is Kind.HUNG else MAX_RUNS
    search = _Search(target, trace, most, listener)
    while search.fewer_steps() | search.simpler_values():
        pass
    return search.best


@dataclass(slots=True)
class _Search:
    """The smallest failing trace so far, and the runs spent."""

    target: Target
    best: Trace
    most: int
    listener: Listener | None
    runs: int = 0
    tried: set[int] = field(default_factory=set)

    def accepts(self, candidate: Trace) -> bool:
        """Run the candidate; keep it as the best if it fails in the same way."""
        if self.target.fitted(candidate.profile, candidate.config) != candidate.config:
            return False
        key = hash((candidate.config, tuple(step.action for step in candidate.steps)))
        if self.runs >= self.most or key in self.tried:
            return False
        self.tried.add(key)
        self.runs += 1
        try:
            outcome = run_trace(self.target, candidate)
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
        size = max(before // 2, 1)
        while True:
            start = 0
            while start < len(self.best.steps):
                kept = self.best.steps[:start] + self.best.steps[start + size :]
                if not self.accepts(_with_steps(self.best, kept)):
                    start += size
            if size == 1:
                return len(self.best.steps) < before
            size //= 2

    def simpler_values(self) -> bool:
        """Take simpler configurations and values, one change at a time, as long as any serves."""
        progress = False
        for family in families(self.best):
            # One family can crawl where another one, whose turn comes then, would leap.
            for _ in range(TURNS):
                if not any(map(self.accepts, family(self.best))):
                    break
                progress = True
        return progress


def _with_steps(trace: Trace, steps: tuple[TraceStep, ...]) -> Trace:
    return Trace(trace.profile, trace.config, steps, finding=trace.finding)

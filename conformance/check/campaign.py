"""Many generated traces on a device, with what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from threading import Event
from typing import Final

import click

from conformance.check.outcome import Mapped, Outcome, as_run
from conformance.check.parallel import batches, run_batches
from conformance.check.runner import run_trace
from conformance.generate.choices import RandomChoices
from conformance.generate.config import choose_config
from conformance.generate.faults import placed
from conformance.generate.layouts import laid_out
from conformance.generate.refusals import refused_config
from conformance.generate.traces import Chooser, random_trace, trace_seed
from conformance.judge.finding import Finding, Kind
from conformance.judge.judge import EXACT, Judge
from conformance.targets.limits import Limits
from conformance.targets.spec import open_target
from conformance.targets.target import BAD_CONFIG, Target, limits_of
from conformance.traces.trace import Trace
from model.profiles import Profile


@dataclass(frozen=True, slots=True)
class Breached:
    """How often a rule of VIRTIO was broken, and where first: trace and step from 1."""

    count: int
    trace: int
    step: int
    message: str


@dataclass(frozen=True, slots=True)
class Failing:
    """A trace that fails, as it was run, and what its target left behind."""

    trace: Trace
    log: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check did. `failing` is the trace of the finding as it was run, the last one.

    `answers` counts steps by answer, `compared` compared fields by name, `shown` those that were
    seen, `exercised` how often each rule of VIRTIO applied; `breached` are those broken,
    `tolerated` and `log` as of an Outcome. `to_refuse` counts configurations that had to be refused
    and were, `skipped` those that the target refused without having to accept them, by its reason;
    `others` failed otherwise; `mapped` and `host_failed` as of an Outcome.
    """

    traces: int
    steps: int
    answers: dict[str, int]
    compared: dict[str, int]
    invariant_checks: int
    contract_checks: int
    failing: Trace | None
    exercised: dict[str, int] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    breached: dict[str, Breached] = field(default_factory=dict)
    tolerated: dict[str, int] = field(default_factory=dict)
    log: str = ""
    to_refuse: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    others: tuple[Failing, ...] = ()
    mapped: Mapped = field(default_factory=Mapped)
    host_failed: int = 0

    @property
    def nothing_ran(self) -> bool:
        """Every device was refused, so that nothing was judged."""
        return bool(self.skipped) and not self.steps

    @property
    def finding(self) -> Finding | None:
        """The failure, None if the check holds."""
        return None if self.failing is None else self.failing.finding


@dataclass(frozen=True, slots=True)
class TraceDone:
    """Event: trace `number` of `total` was run, `steps` of it."""

    number: int
    total: int
    steps: int


REFUSAL_EVERY: Final = 5
"""Before every so-manieth trace, a configuration that must be refused is tried."""

Listener = Callable[[TraceDone], None]


def check(
    target: Target,
    profile: Profile,
    *,
    seed: int,
    traces: int,
    steps: int,
    listeners: Iterable[Listener] = (),
    judge: Judge = EXACT,
    helpers: Sequence[Target] = (),
    per_device: int = 1,
    distinct: int = 1,
    enough: Callable[[], bool] = lambda: False,
    chooser: Chooser | None = None,
    elsewhere: Elsewhere | None = None,
) -> CheckReport:
    """Run generated traces until so many `distinct` ones fail, all are done, or it is `enough`.

    `helpers` are targets like `target` that run traces at the same time. So many traces
    `per_device`, one after the other, differ in their requested size at start only. Where there is
    an `elsewhere` it runs the traces, as many at a time as there are targets here, which rest.
    """
    total = _Total(judge)
    plan = Plan(profile, seed, steps, per_device, chooser)

    def run(device: Target, number: int) -> list[tuple[Trace, Outcome]]:
        if elsewhere is not None:
            return elsewhere(plan, judge, number, over.is_set)
        return plan.run(device, judge, number, over.is_set)

    over = Event()
    outcomes = run_batches([target, *helpers], batches(traces, per_device), run, over)
    with closing(outcomes):
        for number, ran in enumerate(outcomes, 1):
            total.number = number
            for trace, outcome in ran:
                total.add(trace, outcome)
            for listener in listeners:
                listener(TraceDone(number, traces, sum(one.steps for _, one in ran)))
            if len(total.failing) >= distinct or enough():
                break
    return total.report()


class _Total:
    """What the outcomes of a check add up to."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.number = self.steps = self.invariants = self.contracts = self.to_refuse = 0
        self.mapped, self.host_failed = Mapped(), 0
        self.answers: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()
        self.compared: Counter[str] = Counter()
        self.exercised: Counter[str] = Counter()
        self.tolerated: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.breached: dict[str, Breached] = {}
        self.failing: list[Failing] = []

    def add(self, trace: Trace, outcome: Outcome) -> None:
        """Count one more outcome; keep one that fails otherwise than those before."""
        self.answers += outcome.answers
        self.shown.update(outcome.shown)
        self.compared += outcome.compared
        self.exercised += outcome.exercised
        self.tolerated += outcome.tolerated
        self.invariants += outcome.invariant_checks
        self.contracts += outcome.contract_checks
        self.steps += outcome.steps
        self.mapped.add(outcome.mapped)
        self.host_failed += outcome.host_failed
        for rule, broken in outcome.breaches.items():
            first = Breached(0, self.number, broken.step, broken.message)
            first = self.breached.get(rule, first)
            self.breached[rule] = replace(first, count=first.count + broken.count)
        found = outcome.finding
        self.to_refuse += trace.refuse and found is None
        if found is None:
            return
        if found.kind is Kind.REFUSED and not self.judge.accepts:
            self.skipped[found.message] += 1
        elif not any(found.alike(other.trace.finding) for other in self.failing):
            self.failing.append(Failing(as_run(trace, outcome), outcome.log))

    def report(self) -> CheckReport:
        first = self.failing[0] if self.failing else None
        return CheckReport(
            self.number,
            self.steps,
            dict(self.answers),
            dict(self.compared),
            self.invariants,
            self.contracts,
            None if first is None else first.trace,
            exercised=dict(self.exercised),
            shown=dict(self.shown),
            breached=self.breached,
            tolerated=dict(self.tolerated),
            log="" if first is None else first.log,
            to_refuse=self.to_refuse,
            skipped=dict(self.skipped),
            others=tuple(self.failing[1:]),
            mapped=self.mapped,
            host_failed=self.host_failed,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Which traces a check runs: the same number gives the same trace on the same target."""

    profile: Profile
    seed: int
    steps: int
    per_device: int = 1
    chooser: Chooser | None = None

    def traces(self, target: Target, number: int) -> list[Trace]:
        """The trace of a number, now and then with a device before it that must be refused."""
        refusal = BAD_CONFIG in target.capabilities and number % REFUSAL_EVERY == 0
        before = [self.refusal(target, number)] if refusal else []
        return [*before, self.trace(target, number)]

    def run(
        self,
        target: Target,
        judge: Judge,
        number: int,
        over: Callable[[], bool] = lambda: False,
    ) -> list[tuple[Trace, Outcome]]:
        """The traces of a number, run until it is `over`."""
        traces = self.traces(target, number)
        return [(trace, run_trace(target, trace, judge, over)) for trace in traces]

    def refusal(self, target: Target, number: int) -> Trace:
        """A device that must be refused; every way that there is has its turn."""
        own = trace_seed(self.seed, number)
        choices = RandomChoices(own)
        config = target.fitted(self.profile, choose_config(choices, self.profile))
        wrong = refused_config(choices, config, number // REFUSAL_EVERY - 1, self.profile)
        return Trace(self.profile, wrong, (), own, refuse=True)

    def trace(self, target: Target, number: int) -> Trace:
        """The trace of a number, on the device of the first of its `per_device`."""
        given = None
        if self.per_device > 1:
            first = (number - 1) // self.per_device * self.per_device + 1
            device = choose_config(RandomChoices(trace_seed(self.seed, first)), self.profile)
            given = {name: value for name, value in asdict(device).items() if name != "requested"}
        made = random_trace(
            self.profile,
            trace_seed(self.seed, number),
            self.steps,
            target.capabilities,
            given,
            fitted=target.fitted,
            chooser=self.chooser,
            slot=limits_of(target).slot,
        )
        return laid_out(placed(made, target.capabilities), target.capabilities)


Elsewhere = Callable[[Plan, Judge, int, Callable[[], bool]], list[tuple[Trace, Outcome]]]
"""Runs the traces of a number on a target of its own, in another place, until it is over; then
nobody reads what it returns."""


Promise = tuple[frozenset[str], Limits]
"""What a target can do, and its limits."""


def promise(target: Target) -> Promise:
    """By it two targets of one spec can be seen to differ."""
    return target.capabilities, limits_of(target)


def run_there(
    spec: str, deadline: float | None, here: Promise, plan: Plan, judge: Judge, number: int
) -> list[tuple[Trace, Outcome]]:
    """What a worker does: the traces of a number on a target that it opens for them.

    Raises click.UsageError for a spec that is none there or another target than `here`, and
    TargetError where the target fails at once.
    """
    target = open_target(spec, deadline)
    try:
        if (there := promise(target)) != here:
            apart = ", ".join(sorted(there[0] ^ here[0])) or "other limits"
            raise click.UsageError(f"target {spec!r} is another there than here: {apart}")
        return plan.run(target, judge, number)
    finally:
        target.close()

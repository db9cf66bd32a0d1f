"""The lockstep run: device and model side by side, compared and checked after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from conformance.choices import RandomChoices
from conformance.claims import breaks
from conformance.codec import observation_to_json
from conformance.finding import Finding, Kind
from conformance.generate import random_trace, trace_seed
from conformance.generate_config import choose_config
from conformance.memory import memory_fault
from conformance.oracle import (
    broken_by_layout,
    broken_by_start,
    broken_by_state,
    broken_by_step,
    differing,
    shared,
    spelled,
)
from conformance.parallel import batches, run_batches
from conformance.target import PADDING, VIEWS, Target, TargetError
from conformance.targets.reference import at_start
from conformance.trace import Trace, TraceStep
from conformance.virtio.judge import Breach, VirtioOracle
from model.device import ReferenceDevice
from model.profiles import Profile
from model.state import ConcreteAction, ConcreteResult, ConcreteState, Observation


@dataclass(frozen=True, slots=True)
class Judge:
    """What fails a trace: a difference to the model, a broken invariant or contract (`exact`), and
    a breach of one of the `rules` of VIRTIO. Breaches of the others are counted.

    `tolerated` invariants and contracts are counted as well where they are broken; what else the
    same check would have found then goes unseen.
    """

    exact: bool = True
    rules: frozenset[str] = frozenset()
    tolerated: frozenset[str] = frozenset()


EXACT: Final = Judge()


def judge_of(trace: Trace) -> Judge:
    """The judge that found what a trace was kept for."""
    found = trace.finding
    if found is not None and found.kind is Kind.VIRTIO:
        return Judge(exact=False, rules=frozenset({found.what}))
    return EXACT


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trace's run: what was seen at the start and step by step up to the finding, and what was
    counted.

    `exercised` counts how often each rule of VIRTIO applied, `breaches` are those broken with their
    steps, `tolerated` counts claims broken; `log` is what a target that failed left behind.
    """

    finding: Finding | None
    start: Observation | None
    seen: tuple[Observation, ...]
    answers: Counter[str]
    compared: Counter[str]
    invariant_checks: int
    contract_checks: int
    exercised: Counter[str]
    breaches: tuple[tuple[int, Breach], ...]
    tolerated: Counter[str]
    log: str


@dataclass(frozen=True, slots=True)
class Breached:
    """How often a rule of VIRTIO was broken, and where first: trace and step from 1."""

    count: int
    trace: int
    step: int
    message: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check did. `failing` is the trace of the finding as it was run, the last one.

    `answers` counts steps by answer, `compared` compared fields by name, `exercised` how often each
    rule of VIRTIO applied; `breached` are those broken, `tolerated` and `log` as of an Outcome.
    """

    traces: int
    steps: int
    answers: dict[str, int]
    compared: dict[str, int]
    invariant_checks: int
    contract_checks: int
    failing: Trace | None
    exercised: dict[str, int] = field(default_factory=dict)
    breached: dict[str, Breached] = field(default_factory=dict)
    tolerated: dict[str, int] = field(default_factory=dict)
    log: str = ""

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


Listener = Callable[[TraceDone], None]


class _Run:
    """One trace on one target; the counters grow as it goes."""

    def __init__(self, target: Target, trace: Trace, judge: Judge) -> None:
        self.target = target
        self.trace = trace
        self.judge = judge
        self.virtio = VirtioOracle(trace.config, padded=PADDING in target.capabilities)
        self.breaches: list[tuple[int, Breach]] = []
        self.tolerated: Counter[str] = Counter()
        self.log = ""
        self.model = ReferenceDevice(trace.profile, trace.config)
        self.promised = target.capabilities & VIEWS
        self.start: Observation | None = None
        self.seen: list[Observation] = []
        self.answers: Counter[str] = Counter()
        self.compared: Counter[str] = Counter()
        self.invariant_checks = 0
        self.contract_checks = 0
        self.holding: list[ConcreteState] = []

    def outcome(self) -> Outcome:
        finding = self.finding()
        return Outcome(
            finding,
            self.start,
            tuple(self.seen),
            self.answers,
            self.compared,
            self.invariant_checks,
            self.contract_checks,
            self.virtio.exercised,
            tuple(self.breaches),
            self.tolerated,
            self.log,
        )

    def finding(self) -> Finding | None:
        number = 0
        try:
            self.start = self.target.start(self.trace.profile, self.trace.config)
            found = self.broken(self.virtio.start(self.start), number)
            if self.judge.exact:
                found = (
                    self.judged(at_start(self.model), self.start, number)
                    or self.layout_judged()
                    or self.kept_by(broken_by_start(self.model.fixed, self.model.state), number)
                )
            for number, step in enumerate(self.trace.steps, 1):
                if found is not None:
                    break
                before = self.model.state
                result = self.model.take(step.action)
                seen = self.target.apply(step.action)
                self.seen.append(seen)
                self.answers[seen.answer.value] += 1
                found = self.broken(self.virtio.step(step.action, seen), number)
                if self.judge.exact:
                    found = (
                        self.again(before, step.action, result, number)
                        or self.judged(self.model.seen_after(result), seen, number)
                        or self.kept_by(
                            broken_by_step(self.model.fixed, before, step.action, result), number
                        )
                    )
        except TargetError as error:
            self.log = error.log
            return Finding(error.kind, "", number, str(error))
        return found

    def again(
        self, before: ConcreteState, action: ConcreteAction, result: ConcreteResult, number: int
    ) -> Finding | None:
        """The finding that the trace was kept for, which one step may share with others."""
        known = self.trace.finding
        if known is None or not breaks(known, self.model.fixed, before, action, result):
            return None
        return Finding(known.kind, known.what, number, f"{known.what} does not hold")

    def broken(self, breaches: list[Breach], number: int) -> Finding | None:
        """Count breaches of VIRTIO's rules, and find the first one that fails the trace."""
        self.breaches += [(number, breach) for breach in breaches]
        failing = (breach for breach in breaches if breach.rule in self.judge.rules)
        first = next(failing, None)
        return None if first is None else Finding(Kind.VIRTIO, first.rule, number, first.message)

    def judged(self, allowed: Observation, seen: Observation, number: int) -> Finding | None:
        # Nobody can look into a device that is gone.
        promised = self.promised if self.model.state.realized else frozenset()
        self.compared.update(shared(allowed, seen))
        if (field := differing(allowed, seen, promised)) is not None:
            sides = (observation_to_json(side).get(field) for side in (allowed, seen))
            want, have = map(spelled, sides)
            message = f"{field}: allowed {want}, seen {have}"
            return Finding(Kind.DIVERGENCE, field, number, message)
        if seen.memory is not None:
            self.compared["memory"] += len(seen.memory)
            fault = memory_fault(self.model.fixed, self.model.state, seen.memory)
            if fault is not None:
                return Finding(Kind.DIVERGENCE, "memory", number, f"memory: {fault}")
        elif number and "memory" in promised:
            return Finding(Kind.DIVERGENCE, "memory", number, "memory: promised, and not shown")
        return self.states_judged(number)

    def states_judged(self, number: int) -> Finding | None:
        """Check the model's state, and the target's own where it is open to us."""
        own = self.target.state()
        states = [self.model.state] if own in (None, self.model.state) else [self.model.state, own]
        # A state that an earlier step was checked in needs no second check.
        fresh = [state for state in states if state not in self.holding]
        for state in fresh:
            name, checks = broken_by_state(self.model.fixed, state)
            self.invariant_checks += checks
            if (found := self.claim_broken(Kind.INVARIANT, name, number)) is not None:
                return found
        self.holding = states
        return None

    def kept_by(self, judgement: tuple[str | None, int], number: int) -> Finding | None:
        """A finding for the first contract broken, if one is."""
        name, checks = judgement
        self.contract_checks += checks
        return self.claim_broken(Kind.CONTRACT, name, number)

    def layout_judged(self) -> Finding | None:
        name, checks = broken_by_layout(self.trace.config, self.model.fixed)
        self.invariant_checks += checks
        return self.claim_broken(Kind.INVARIANT, name, 0)

    def claim_broken(self, kind: Kind, name: str | None, number: int) -> Finding | None:
        """A finding for the claim broken, if one is and it is not tolerated."""
        if name is None:
            return None
        if name in self.judge.tolerated:
            self.tolerated[name] += 1
            return None
        return Finding(kind, name, number, f"{name} does not hold")


def run_trace(target: Target, trace: Trace, judge: Judge | None = None) -> Outcome:
    """Run a trace up to its end or its first finding, by default as it was judged before.

    Raises model.device.ConfigError.
    """
    return _Run(target, trace, judge or judge_of(trace)).outcome()


def as_run(trace: Trace, outcome: Outcome) -> Trace:
    """The trace with what was seen, up to the step of the finding if there is one."""
    reached = trace.steps if outcome.finding is None else trace.steps[: outcome.finding.step]
    steps = (
        TraceStep(step.action, outcome.seen[i] if i < len(outcome.seen) else None)
        for i, step in enumerate(reached)
    )
    return replace(trace, steps=tuple(steps), finding=outcome.finding, seen=outcome.start)


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
) -> CheckReport:
    """Run generated traces until one fails or all are done.

    `helpers` are targets like `target` that run traces at the same time. So many traces
    `per_device`, one after the other, differ in their requested size at start only.
    """
    answers: Counter[str] = Counter()
    compared: Counter[str] = Counter()
    exercised: Counter[str] = Counter()
    breached: dict[str, Breached] = {}
    done = invariants = contracts = number = 0
    tolerated: Counter[str] = Counter()
    failing, log = None, ""

    def run(device: Target, number: int) -> tuple[Trace, Outcome]:
        trace = _planned(device, profile, seed, number, steps, per_device)
        return trace, run_trace(device, trace, judge)

    outcomes = run_batches([target, *helpers], batches(traces, per_device), run)
    with closing(outcomes):
        for number, (trace, outcome) in enumerate(outcomes, 1):
            answers += outcome.answers
            compared += outcome.compared
            invariants += outcome.invariant_checks
            contracts += outcome.contract_checks
            exercised += outcome.exercised
            tolerated += outcome.tolerated
            done += len(outcome.seen)
            for step, breach in outcome.breaches:
                first = breached.get(breach.rule, Breached(0, number, step, breach.message))
                breached[breach.rule] = replace(first, count=first.count + 1)
            for listener in listeners:
                listener(TraceDone(number, traces, len(outcome.seen)))
            if outcome.finding is not None:
                failing, log = as_run(trace, outcome), outcome.log
                break
    return CheckReport(
        number,
        done,
        dict(answers),
        dict(compared),
        invariants,
        contracts,
        failing,
        exercised=dict(exercised),
        breached=breached,
        tolerated=dict(tolerated),
        log=log,
    )


def _planned(
    target: Target, profile: Profile, seed: int, number: int, steps: int, per_device: int
) -> Trace:
    """The trace of a number, on the device of the first of its `per_device`."""
    given = None
    if per_device > 1:
        first = (number - 1) // per_device * per_device + 1
        device = choose_config(RandomChoices(trace_seed(seed, first)), profile)
        given = {name: value for name, value in asdict(device).items() if name != "requested"}
    return random_trace(
        profile,
        trace_seed(seed, number),
        steps,
        target.capabilities,
        given,
        fitted=target.fitted,
    )

"""Many generated traces on a device, with what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace

from conformance.check.parallel import batches, run_batches
from conformance.check.runner import Outcome, as_run, run_trace
from conformance.generate.choices import RandomChoices
from conformance.generate.config import choose_config
from conformance.generate.traces import random_trace, trace_seed
from conformance.judge.finding import Finding
from conformance.judge.judge import EXACT, Judge
from conformance.targets.target import Target
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

"""Shrinking: fewer steps, simpler devices, the same failure."""

from dataclasses import replace

import pytest

from conformance.check.campaign import check
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.check.shrink import MAX_RUNS_HUNG, NotAgain, shrink
from conformance.check.simplify import families, toward
from conformance.generate.traces import random_trace, trace_seed
from conformance.judge.finding import Finding, Kind
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import TargetError
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.observation import Observation
from model.profiles import PROFILES, QEMU, SEED_V2
from model.state import ConcreteAction, Config, Op, action


@pytest.mark.parametrize("seed", range(6))
def test_the_migration_of_the_patch_shrinks_to_two_steps(seed: int) -> None:
    target = ReferenceTarget()
    report = check(target, SEED_V2, seed=seed, traces=50, steps=100)
    assert report.failing is not None
    small = shrink(target, report.failing)
    operations = [step.action.op for step in small.steps]
    assert operations[-1] is Op.MIGRATION_IN
    assert len(operations) == 2
    assert small.config.region == small.config.block
    assert small.finding is not None
    assert small.finding.alike(report.finding)


class Hanging(ReferenceTarget):
    """Hangs at the third request; counts how often it was started."""

    starts = 0

    def start(self, *arguments: object) -> Observation:
        self.starts, self.left = self.starts + 1, 3
        return super().start(*arguments)  # type: ignore[arg-type]

    def apply(self, action: ConcreteAction) -> Observation:
        self.left -= 1
        if self.left == 0:
            raise TargetError(Kind.HUNG, "no answer")
        return super().apply(action)


def test_a_hanging_target_is_run_a_few_times_only() -> None:
    target = Hanging()
    failing = check(target, QEMU, seed=0, traces=1, steps=30).failing
    assert failing is not None
    small = shrink(target, failing)
    assert len(small.steps) == 3
    # The check, the original afresh, the search, its result afresh.
    assert target.starts <= MAX_RUNS_HUNG + 3


def test_a_trace_that_does_not_fail_again_cannot_be_shrunk() -> None:
    trace = random_trace(QEMU, 1, 10)
    odd = type(trace)(QEMU, trace.config, trace.steps, finding=Finding(Kind.DIED, "", 10, "once"))
    with pytest.raises(NotAgain):
        shrink(ReferenceTarget(), odd)


class Counting(ReferenceTarget):
    """Dies at the seventh step since it was closed."""

    done = 0

    def apply(self, action: ConcreteAction) -> Observation:
        self.done += 1
        if self.done == 7:
            self.done = 0
            raise TargetError(Kind.DIED, "tired")
        return super().apply(action)

    def close(self) -> None:
        self.done = 0
        super().close()


def test_what_came_before_a_candidate_does_not_count() -> None:
    target = Counting()
    failing = check(target, QEMU, seed=0, traces=1, steps=30).failing
    assert failing is not None
    runs: list[int] = []
    small = shrink(target, failing, lambda number, steps: runs.append(number))
    assert len(small.steps) == 7
    assert runs[0] == 1
    target.close()
    assert run_trace(target, small).finding == small.finding


def test_a_trace_without_a_finding_cannot_be_shrunk() -> None:
    with pytest.raises(ValueError, match="with a finding"):
        shrink(ReferenceTarget(), random_trace(QEMU, 1, 3))


def test_simpler_traces_differ_from_the_one_they_come_from() -> None:
    for number in range(40):
        for profile in PROFILES.values():
            trace = random_trace(profile, trace_seed(3, number), 12)
            for family in families(trace):
                for simpler in family(trace):
                    actions = [step.action for step in simpler.steps]
                    assert (simpler.config, actions) != (
                        trace.config,
                        [step.action for step in trace.steps],
                    )


class Full(ReferenceTarget):
    """Tells a wrong size once four blocks are plugged."""

    def apply(self, asked: ConcreteAction) -> Observation:
        seen = super().apply(asked)
        size = seen.size
        return replace(seen, size=0) if size is not None and size >= 4 * 2 * MIB else seen


@pytest.mark.parametrize("first", [0, 1, 2])
def test_requests_for_ranges_beside_each_other_become_one(first: int) -> None:
    """Neither of two PLUGs can be left out, nor shorter: one for both does what they do."""
    config = Config(region=GIB, block=2 * MIB, limit=1, requested=GIB)
    ranges = [(0, 1), (1, 2), (3, 1)]
    ranges = ranges[first:] + ranges[:first]
    steps = [
        action(Op.PLUG, addr=config.addr + start * 2 * MIB, blocks=blocks)
        for start, blocks in ranges
    ]
    failing = run_trace(Full(), trace := Trace(QEMU, config, tuple(map(TraceStep, steps))))
    assert failing.finding is not None and failing.finding.step == 3
    small = shrink(Full(), as_run(trace, failing))
    assert [(step.action.op, step.action.blocks) for step in small.steps] == [(Op.PLUG, 4)]


@pytest.mark.parametrize(
    ("low", "current", "unit"), [(0, 0, 1), (0, 1, 1), (1, 100, 1), (0, 96, 8)]
)
def test_numbers_toward_a_goal_come_ever_closer(low: int, current: int, unit: int) -> None:
    numbers = list(toward(low, current, unit))
    assert numbers == sorted(numbers)
    assert all(low <= number < current for number in numbers)
    if current > low:
        assert numbers[0] == low
        assert numbers[-1] == current - unit

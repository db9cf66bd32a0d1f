"""The cases of a suite as tests of pytest: each passes, fails, is skipped or fails as expected."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NoReturn

import pytest

from conformance.check.campaign import CheckReport, Plan, check
from conformance.check.explain import explain, failure_of, replay_command
from conformance.check.runner import as_run, run_trace
from conformance.check.scenarios import SCENARIO_NAMED, SCENARIOS
from conformance.check.shrink import NotAgain, shrink
from conformance.check.suite import (
    OF_KIND,
    ORACLES,
    Expected,
    Result,
    as_expected,
    judge_for,
    of_scenario,
    read_expected,
    rule_results,
    run_scenario,
)
from conformance.judge.judge import Judge
from conformance.judge.verdict import FAILURES, Verdict
from conformance.judge.virtio.rules import RULE_NAMED, RULES
from conformance.targets.target import Target, states_limits
from conformance.traces.failures import DIRECTORY, save, save_log
from conformance.traces.trace import Trace
from model.profiles import Profile, profile_named

TRACES: Final = "generated-traces"
"""The case of the generated traces as a whole; their rules are cases of their own."""


def case_ids() -> list[str]:
    """The ids of all cases."""
    return [TRACES, *(one.id for one in SCENARIOS), *(rule.id for rule in RULES)]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a suite is set to."""

    oracle: str
    profile: Profile
    seed: int
    traces: int
    steps: int
    expected: dict[str, Expected]


def settings_of(values: Mapping[str, str]) -> Settings:
    """Settings from their texts. Raises ValueError, in one line, for a wrong one."""
    if values["oracle"] not in ORACLES:
        raise ValueError(f"slotproof_oracle {values['oracle']!r}: exact or virtio is right")
    numbers = {}
    for name, least in (("seed", 0), ("traces", 1), ("steps", 1)):
        if not values[name].isdecimal() or int(values[name]) < least:
            raise ValueError(
                f"slotproof_{name} {values[name]!r}: a number from {least} on is right"
            )
        numbers[name] = int(values[name])
    expected = read_expected(Path(values["expect"])) if values["expect"] else {}
    profile = profile_named(values["profile"])
    return Settings(values["oracle"], profile, expected=expected, **numbers)


@dataclass(slots=True)
class Suite:
    """One run of everything on one device."""

    target: Target
    profile: Profile
    judge: Judge
    seed: int
    traces: int
    steps: int
    expected: dict[str, Expected]
    _report: CheckReport | None = field(default=None, init=False)

    @classmethod
    def of(cls, target: Target, values: Mapping[str, str]) -> Suite:
        """A suite by its settings as texts. Raises ValueError, in one line, for a wrong one."""
        read = settings_of(values)
        judge = judge_for(read.oracle, read.expected, accepts=states_limits(target))
        return cls(target, read.profile, judge, read.seed, read.traces, read.steps, read.expected)

    @property
    def report(self) -> CheckReport:
        """What the generated traces showed."""
        if self._report is None:
            self._report = check(
                self.target,
                self.profile,
                seed=self.seed,
                traces=self.traces,
                steps=self.steps,
                # Each rule is a case of its own, and what comes after a breach is seen as well.
                judge=replace(self.judge, rules=frozenset()),
            )
        return self._report

    def case(self, id: str) -> Case:
        """The case of an id."""
        return Case(id, self)

    def result(self, id: str) -> Result:
        """What became of a case, with the known faults taken into account; a failure is small."""
        (result,) = as_expected([self._result(id)], self.expected)
        return self._small(result) if result.verdict in FAILURES else result

    def _small(self, result: Result) -> Result:
        """The result with its trace made small, where it has one or one can be made again."""
        id, trace, judge = result.id, result.trace, self.judge
        if id in RULE_NAMED:
            judge = Judge(exact=False, rules=frozenset({id}))
            trace = self._breaking(id, judge)
        elif id in SCENARIO_NAMED:
            judge = of_scenario(SCENARIO_NAMED[id], judge)
        if trace is None or trace.finding is None:
            return result
        with suppress(NotAgain):
            trace = shrink(self.target, trace, judge=judge)
        return replace(result, trace=trace)

    def _breaking(self, rule: str, judge: Judge) -> Trace | None:
        """The generated trace that broke a rule first, run once more."""
        if (broken := self.report.breached.get(rule)) is None:
            return None
        plan = Plan(self.profile, self.seed, self.steps)
        trace = plan.trace(self.target, broken.trace)
        return as_run(trace, run_trace(self.target, trace, judge))

    def _result(self, id: str) -> Result:
        if id in RULE_NAMED:
            (result,) = rule_results(self.report, [RULE_NAMED[id]])
            return result
        if id == TRACES:
            found = self.report.finding
            if found is None:
                return Result(id, Verdict.PASS)
            verdict = OF_KIND.get(found.kind, Verdict.FAIL)
            return Result(id, verdict, found.message, self.report.failing, self.report.log)
        return run_scenario(SCENARIO_NAMED[id], self.target, self.profile, self.judge)


@dataclass(frozen=True, slots=True)
class Case:
    """One test."""

    id: str
    suite: Suite

    def check(self) -> None:
        """Pass, or end the test as pytest knows it: failed, skipped, or failed as expected."""
        result = self.suite.result(self.id)
        told = f"{self.id}: {result.message}"
        if result.verdict is Verdict.SKIPPED:
            pytest.skip(told)
        if result.verdict is Verdict.EXPECTED:
            pytest.xfail(told)
        if result.verdict is not Verdict.PASS:
            _fail(result)


def _fail(result: Result) -> NoReturn:
    """Fail with the explanation of a trace, which is kept."""
    lines = [f"{result.verdict.value}: {result.id}: {result.message}"]
    if (rule := RULE_NAMED.get(result.id)) is not None:
        lines.append(f"{rule.level.value}: {rule.says} ({rule.clause})")
    if result.trace is not None:
        try:
            path = save(result.trace, DIRECTORY)
        except OSError as error:
            lines.append(f"the trace could not be kept: {error}")
        else:
            if result.log:
                save_log(result.log, path)
            lines += explain(failure_of(result.trace), replay_command(path, "TARGET"))
    pytest.fail("\n".join(lines), pytrace=False)

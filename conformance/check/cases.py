"""The cases of a suite as tests of pytest: each passes, fails, is skipped or fails as expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import pytest

from conformance.check.campaign import CheckReport, check
from conformance.check.explain import explain, failure_of, replay_command
from conformance.check.scenarios import SCENARIO_NAMED, SCENARIOS
from conformance.check.suite import (
    CLAIMS,
    OF_KIND,
    Expected,
    Result,
    as_expected,
    read_expected,
    rule_results,
    run_scenario,
)
from conformance.judge.judge import Judge
from conformance.judge.verdict import Verdict
from conformance.judge.virtio.rules import RULE_NAMED, RULES
from conformance.targets.target import Target
from conformance.traces.failures import DIRECTORY, save, save_log
from model.profiles import Profile, profile_named

TRACES: Final = "generated-traces"
"""The case of the generated traces as a whole; their rules are cases of their own."""
ORACLES: Final = ("exact", "virtio")


def case_ids() -> list[str]:
    """The ids of all cases."""
    return [TRACES, *(one.id for one in SCENARIOS), *(rule.id for rule in RULES)]


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
        exact = values["oracle"] == "exact"
        tolerated = frozenset(expected) & CLAIMS
        judge = Judge(exact=exact, tolerated=tolerated)
        return cls(target, profile_named(values["profile"]), judge, expected=expected, **numbers)

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
                judge=self.judge,
            )
        return self._report

    def case(self, id: str) -> Case:
        """The case of an id."""
        return Case(id, self)

    def result(self, id: str) -> Result:
        """What became of a case, with the known faults taken into account."""
        (result,) = as_expected([self._result(id)], self.expected)
        return result

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
        return run_scenario(SCENARIO_NAMED[id], self.target, self.profile, self._of_scenarios())

    def _of_scenarios(self) -> Judge:
        """A scenario is failed by the rules as well, but for those known to be broken."""
        if self.judge.exact:
            return self.judge
        rules = {rule.id for rule in RULES if rule.binding}
        return Judge(exact=False, rules=frozenset(rules - set(self.expected)))


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
        lines.append(f"made small by: slotproof check --target TARGET --only {rule.id}")
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

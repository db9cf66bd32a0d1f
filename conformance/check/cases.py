"""The cases of a suite: each passes, fails, is skipped or fails as expected, and tells why."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from conformance.check.again import failing_before
from conformance.check.campaign import CheckReport, Failing, Plan, check
from conformance.check.explain import replay_command
from conformance.check.failed import failed
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
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
from model.versions import KNOWN

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
        raise ValueError(f"slotproof_oracle {values['oracle']!r}: expected exact or virtio")
    numbers = {}
    for name, least in (("seed", 0), ("traces", 1), ("steps", 1)):
        if not values[name].isdecimal() or int(values[name]) < least:
            raise ValueError(
                f"slotproof_{name} {values[name]!r}: expected a number from {least} on"
            )
        numbers[name] = int(values[name])
    expected = read_expected(Path(values["expect"])) if values["expect"] else {}
    profile = profile_named(values["profile"], KNOWN)
    return Settings(values["oracle"], profile, expected=expected, **numbers)


@dataclass(frozen=True, slots=True)
class Told:
    """How a case ended, and the lines that a person is told."""

    verdict: Verdict
    lines: tuple[str, ...]


@dataclass(slots=True)
class Suite:
    """One run of everything on one device, which replay commands call `spec`.

    So many traces `per_device`, as in a check of the command line.
    """

    target: Target
    settings: Settings
    spec: str = "TARGET"
    per_device: int = 1
    _report: CheckReport | None = field(default=None, init=False)

    @property
    def judge(self) -> Judge:
        """What fails a case."""
        set_to = self.settings
        return judge_for(set_to.oracle, set_to.expected, accepts=states_limits(self.target))

    @property
    def plan(self) -> Plan:
        """Which traces are generated."""
        set_to = self.settings
        return Plan(set_to.profile, set_to.seed, set_to.steps, self.per_device)

    @property
    def report(self) -> CheckReport:
        """What the generated traces showed; they are run when the first case asks."""
        if self._report is None:
            self._report = check(
                self.target,
                self.settings.profile,
                seed=self.settings.seed,
                traces=self.settings.traces,
                steps=self.settings.steps,
                # Each rule is a case of its own, and what comes after a breach is seen as well.
                judge=replace(self.judge, rules=frozenset()),
                per_device=self.per_device,
            )
        return self._report

    def told(self, id: str) -> Told:
        """Run a case; a trace that fails is made small, kept and explained."""
        result = self.result(id)
        if result.verdict not in FAILURES:
            return Told(result.verdict, (f"{id}: {result.message}",))
        lines = [f"{result.verdict.value}: {id}: {result.message}"]
        if (rule := RULE_NAMED.get(id)) is not None:
            lines.append(f"{rule.says} ({rule.level.value}, {rule.clause})")
        if result.trace is not None:
            try:
                path = save(result.trace, DIRECTORY, self.spec)
            except OSError as error:
                lines.append(f"the trace could not be kept: {error}")
            else:
                if result.log:
                    save_log(result.log, path)
                lines += failed(result.trace, replay_command(path, self.spec), result.log)
        return Told(result.verdict, tuple(lines))

    def result(self, id: str) -> Result:
        """What became of a case, with the known faults taken into account; a failure is small."""
        (result,) = as_expected([self._result(id)], self.settings.expected)
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
        trace = self.plan.trace(self.target, broken.trace)
        return as_run(trace, run_trace(self.target, trace, judge))

    def _result(self, id: str) -> Result:
        if id in RULE_NAMED:
            (result,) = rule_results(self.report, [RULE_NAMED[id]])
            return self._as_the_profile(result)
        if id == TRACES:
            return self._of_traces()
        return run_scenario(SCENARIO_NAMED[id], self.target, self.settings.profile, self.judge)

    def _as_the_profile(self, result: Result) -> Result:
        """A broken rule fails nothing where the profile decides and its device, the same in every
        trace, breaks it as well: so a check of the command line has it."""
        exact = self.settings.oracle == "exact" and self.report.failing is None
        exact = exact and not RULE_NAMED[result.id].unprofiled
        if not exact or result.verdict is not Verdict.FAIL:
            return result
        told = f"{result.message}; so does the device of profile {self.settings.profile.name}, "
        told += "which decides: slotproof_oracle = virtio makes it a failure"
        return replace(result, verdict=Verdict.EXPECTED, message=told)

    def _of_traces(self) -> Result:
        """The traces that an earlier run kept go first, as in a check of the command line."""
        judge = replace(self.judge, rules=frozenset())
        again = failing_before(
            DIRECTORY, self.target, self.spec, self.settings.profile, judge
        ).failing
        if again is None and self.report.failing is not None:
            again = Failing(self.report.failing, self.report.log)
        if again is None or (found := again.trace.finding) is None:
            return Result(TRACES, Verdict.PASS)
        verdict = OF_KIND.get(found.kind, Verdict.FAIL)
        return Result(TRACES, verdict, found.message, again.trace, again.log)

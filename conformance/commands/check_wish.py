"""What a check is asked for."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from conformance.check.scenarios import SCENARIO_NAMED, SCENARIOS, Scenario
from conformance.check.suite import Expected, judge_for
from conformance.judge.driver.rules import DRIVER_RULE_NAMED
from conformance.judge.judge import Judge
from conformance.judge.virtio.rules import RULE_NAMED
from conformance.targets.target import Target, states_limits
from model.profiles import Profile

IDS: Final = (*SCENARIO_NAMED, *RULE_NAMED, *DRIVER_RULE_NAMED)
"""What --only may name: a scenario, a rule of a device, a rule of a driver."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a check was asked for; `only` are ids of scenarios and rules, none for all."""

    spec: str
    profile: Profile
    seed: int
    traces: int
    steps: int
    oracle: str
    needs: bool
    only: tuple[str, ...]
    expected: dict[str, Expected]
    failures: Path
    jobs: int = 1
    seconds: float | None = None
    distinct: int = 1
    steer: bool = False
    answer_timeout: float | None = None
    log: Path | None = None
    faults: bool = False

    @property
    def rules(self) -> frozenset[str]:
        """The only rules to judge by."""
        return frozenset(self.only) & frozenset(RULE_NAMED)

    def judge(self, target: Target) -> Judge:
        """What fails a trace."""
        accepts = states_limits(target)
        if self.only:
            return Judge(exact=False, rules=self.rules, accepts=accepts)
        return judge_for(self.oracle, self.expected, needs=self.needs, accepts=accepts)

    def scenario_judge(self, target: Target) -> Judge:
        """What fails a scenario, beside its own rules."""
        accepts = states_limits(target)
        return judge_for(self.oracle, self.expected, needs=self.needs, accepts=accepts)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios to run."""
        return tuple(one for one in SCENARIOS if not self.only or one.id in self.only)

    @property
    def head(self) -> dict[str, Any]:
        """What a report names first."""
        return {"target": self.spec, "profile": self.profile.name, "seed": self.seed}

    def again(self, traces: int) -> str:
        """The command for so many traces of this check."""
        options = self.head | {"traces": traces, "steps": self.steps}
        if self.oracle != "exact":
            options["oracle"] = self.oracle
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        words += [word for id in self.only for word in ("--only", id)]
        words += ["--needs"] * self.needs + ["--steer"] * self.steer
        words += ["--faults"] * self.faults
        return shlex.join(["slotproof", "check", *words])


def matching(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of scenarios and rules that the patterns match, in order. Raises ValueError."""
    for pattern in patterns:
        if not any(fnmatchcase(id, pattern) for id in IDS):
            raise ValueError(f"no scenario or rule {pattern!r}: see slotproof check --list")
    return tuple(id for id in IDS if any(fnmatchcase(id, pattern) for pattern in patterns))

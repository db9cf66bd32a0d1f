"""The catalogue of wrong devices: is each found, how soon, and how small does it get?

A wrong device is a program of `docs/wrong_devices`, which names its faults with `--list`.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from conformance.check.campaign import check
from conformance.check.scenarios import SCENARIOS
from conformance.check.shrink import NotAgain, shrink
from conformance.check.suite import of_scenario, run_scenario
from conformance.judge.finding import Finding
from conformance.judge.judge import Judge
from conformance.judge.virtio.rule import Level
from conformance.judge.virtio.rules import RULES
from conformance.targets.command import CommandTarget
from conformance.targets.leash import end_with_parent
from conformance.targets.target import TargetError
from conformance.traces.trace import Trace
from model.profiles import QEMU

PROGRAM: Final = Path(__file__).parents[2] / "docs" / "wrong_devices"
OF_THE_PROFILE: Final = frozenset({"plug-plugged-is-error"})
"""Rules that the right device breaks, as QEMU does."""
JUDGE: Final = Judge(
    rules=frozenset(r.id for r in RULES if r.binding or r.level is Level.NEED) - OF_THE_PROFILE
)
"""All there is: the profile, the text, the host's rules, and what drivers need."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong device: its name, what is wrong, and the names under which it may be found."""

    name: str
    says: str
    found_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of a fault under one seed: the finding's name, None if it was not found.

    `traces` were run until then, `scenario` is the one that found it where no trace did; `steps`
    is what it was made small to.
    """

    fault: Fault
    seed: int
    what: str | None
    traces: int
    steps: int = 0
    scenario: str = ""
    message: str = ""

    @property
    def right(self) -> bool:
        """It was found, under a name that it must have."""
        names = {self.what, self.scenario} - {None, ""}
        return bool(names & set(self.fault.found_by))


def faults(program: Path = PROGRAM) -> list[Fault]:
    """The faults of a program. Raises ValueError, in one line, where there is none."""
    if not program.exists():
        raise ValueError(f"{program}: not there: the catalogue comes with the source tree")
    command = [sys.executable, str(program), "--list"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ValueError(f"{program}: --list ended with exit status {run.returncode}")
    return [
        Fault(each["fault"], each["says"], tuple(each["found_by"]))
        for each in json.loads(run.stdout)
    ]


def opened(fault: str | None, program: Path = PROGRAM) -> CommandTarget:
    """The wrong device of a name, the right one without."""
    words = [sys.executable, str(program), *([] if fault is None else ["--fault", fault])]
    return CommandTarget(shlex.join(words))


def caught(fault: Fault, seed: int, traces: int, steps: int, program: Path = PROGRAM) -> Caught:
    """Look for a fault with generated traces, then with the scenarios, and make it small."""
    with closing(opened(fault.name, program)) as target:
        report = check(target, QEMU, seed=seed, traces=traces, steps=steps, judge=JUDGE)
        if report.failing is not None and report.finding is not None:
            small = _small(target, report.failing, JUDGE)
            found = small.finding or report.finding
            return Caught(
                fault, seed, _name(found), report.traces, len(small.steps), "", found.message
            )
        for scenario in SCENARIOS:
            result = run_scenario(scenario, target, QEMU, JUDGE)
            if result.trace is not None and result.trace.finding is not None:
                small = _small(target, result.trace, of_scenario(scenario, JUDGE))
                found = small.finding or result.trace.finding
                length = len(small.steps)
                return Caught(fault, seed, _name(found), traces, length, scenario.id, found.message)
    return Caught(fault, seed, None, traces)


def _small(target: CommandTarget, failing: Trace, judge: Judge) -> Trace:
    try:
        return shrink(target, failing, judge=judge)
    except NotAgain:
        return failing


def _name(found: Finding) -> str:
    return found.what or found.kind.value


def all_caught(
    wanted: Iterable[Fault],
    seeds: Iterable[int],
    traces: int,
    steps: int,
    jobs: int,
    tell: Callable[[Caught], None] = lambda _: None,
    executor: Executor | None = None,
) -> Iterator[Caught]:
    """Every fault under every seed, in order, in so many processes or by an executor."""
    pairs = [(fault, seed) for seed in seeds for fault in wanted]
    one = partial(_pair, traces, steps)
    # Whoever gave an executor goes on with it.
    own = partial(ProcessPoolExecutor, jobs, initializer=end_with_parent)
    with own() if executor is None else nullcontext(executor) as pool:
        for each in pool.map(one, pairs):
            tell(each)
            yield each


def _pair(traces: int, steps: int, pair: tuple[Fault, int]) -> Caught:
    try:
        return caught(*pair, traces, steps)
    except TargetError as error:
        raise ValueError(f"{pair[0].name}: {error}") from None

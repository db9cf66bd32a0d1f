"""Many lists of events on one driver, with what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from conformance.drive.run import Outcome, run_list
from conformance.judge.virtio.judge import Breach
from conformance.targets.linux.driven import DriverTarget
from conformance.traces.driven import Driven


@dataclass(slots=True)
class Broken:
    """How often a rule was broken, and where first: list and record from 1."""

    count: int
    number: int
    place: int
    message: str


@dataclass(slots=True)
class DriveReport:
    """What lists of events showed; `failing` is the one that ended it, if one did."""

    driver: str
    lists: int = 0
    events: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    exercised: Counter[str] = field(default_factory=Counter)
    device_exercised: Counter[str] = field(default_factory=Counter)
    broken: dict[str, Broken] = field(default_factory=dict)
    device_broken: dict[str, Broken] = field(default_factory=dict)
    reached: Counter[int] = field(default_factory=Counter)
    short: int = 0
    failing: Driven | None = None
    log: str = ""

    def add(self, outcome: Outcome) -> None:
        """Count one list."""
        self.lists += 1
        self.events.update(event.do.value for event in outcome.run.events)
        self.answers += outcome.answers
        self.exercised += outcome.exercised
        self.device_exercised += outcome.device_exercised
        self.reached += outcome.reached
        self.short += outcome.short
        self._break(self.broken, outcome.breaches)
        self._break(self.device_broken, outcome.device_breaches)
        if outcome.run.found is not None:
            self.failing, self.log = outcome.run, outcome.log

    def _break(self, broken: dict[str, Broken], found: Iterable[tuple[int, Breach]]) -> None:
        for place, breach in found:
            first = Broken(0, self.lists, place, breach.message)
            broken.setdefault(breach.rule, first).count += 1


def drive(
    target: DriverTarget,
    lists: Iterable[Driven],
    rules: frozenset[str],
    listener: Callable[[int], None] = lambda number: None,
) -> DriveReport:
    """Run lists until one fails or all are done."""
    report = DriveReport(target.name)
    for number, driven in enumerate(lists, 1):
        report.add(run_list(target, driven, rules))
        listener(number)
        if report.failing is not None:
            break
    return report

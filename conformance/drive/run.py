"""One list of events on a driver, judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import msgspec

from conformance.drive.device import DeviceOracle
from conformance.judge.driver.judge import DriverOracle
from conformance.judge.driver.ledger import Ledger
from conformance.judge.driver.seen import Asked, Rested
from conformance.judge.virtio.judge import Breach
from conformance.targets.linux.driven import DriverTarget, Played
from conformance.traces.driven import Driven, Found


@dataclass(frozen=True, slots=True)
class Outcome:
    """A list as it was run, and what was counted. Places are those of records, from 1.

    `breaches` are the driver's, `device_breaches` those of the device that it was run on.
    `reached` counts how often the driver came to rest at the requested size, by the guest seconds
    that it had been given; `short` how often it did not.
    """

    run: Driven
    breaches: tuple[tuple[int, Breach], ...]
    device_breaches: tuple[tuple[int, Breach], ...]
    exercised: Counter[str]
    device_exercised: Counter[str]
    answers: Counter[str]
    reached: Counter[int]
    short: int
    log: str


def run_list(target: DriverTarget, driven: Driven, rules: frozenset[str]) -> Outcome:
    """Run a list; a breach of one of the `rules` of a driver fails it, and so does a guest that
    falls over or hangs. Raises TargetError where no run can begin."""
    played = target.play(driven.setup, driven.events)
    return judged(replaced(driven, target.name), played, rules)


def replaced(driven: Driven, driver: str) -> Driven:
    """The list as it is to be run on that driver."""
    return msgspec.structs.replace(driven, driver=driver, seen=(), found=None)


def judged(driven: Driven, played: Played, rules: frozenset[str]) -> Outcome:
    """What the records of a list come to."""
    driver, device = DriverOracle(played.region), DeviceOracle(played.region)
    ledger = Ledger(played.region)
    breaches: list[tuple[int, Breach]] = []
    others: list[tuple[int, Breach]] = []
    answers: Counter[str] = Counter()
    reached: Counter[int] = Counter()
    short = 0
    for place, seen in enumerate(played.seen, 1):
        breaches += [(place, breach) for breach in driver.see(seen)]
        others += [(place, breach) for breach in device.see(seen)]
        ledger = ledger.after(seen)
        if isinstance(seen, Asked):
            answers[f"{seen.op.value} {seen.answer.value}"] += 1
        elif isinstance(seen, Rested) and ledger.size == ledger.requested:
            reached[seen.seconds] += 1
        elif isinstance(seen, Rested):
            short += 1
    failing = next((breach for _, breach in breaches if breach.rule in rules), None)
    found = None if failing is None else Found(failing.rule, failing.message)
    if found is None and played.failure is not None:
        kind, message = played.failure
        found = Found(kind.value, message)
    return Outcome(
        msgspec.structs.replace(driven, seen=played.seen, found=found),
        tuple(breaches),
        tuple(others),
        driver.exercised,
        device.virtio.exercised,
        answers,
        reached,
        short,
        played.log,
    )

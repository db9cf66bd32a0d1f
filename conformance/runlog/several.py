"""A log of several devices, and the logs of one guest that migrated.

QEMU's lines do not name their device. A request names an address; what does not is tried on every
device, and all that fits is followed.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Final

from conformance.runlog.validate import Explained, Group, Reading, Rejected
from conformance.targets.qemu.log import Line
from model.extents import Extents
from model.profiles import Profile
from model.state import ConcreteState, Config, Op, action

MOST: Final = 10_000
"""How many ways to share a log among devices are followed at most."""


class TooMany(Exception):
    """The lines fit in too many ways."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to share the lines before `at`: what each device is in, and how many actions."""

    at: int
    devices: tuple[tuple[ConcreteState, Extents], ...]
    actions: int


def explain_devices(profile: Profile, configs: list[Config], lines: list[Line]) -> int:
    """How many actions a log of these devices tells, given in the order of QEMU's command line.

    The first line of each device comes before all others. Raises Rejected, TooMany and
    model.device.ConfigError.
    """
    starts = lines[: len(configs)]
    if len(starts) < len(configs):
        raise Rejected(None, [])
    readings = [
        Reading(profile, config, [line], None) for config, line in zip(configs, starts, strict=True)
    ]
    first = tuple((reading.state, reading.known) for reading in readings)
    for reading in readings:
        reading.lines = lines
    todo = [_Way(len(configs), first, 0)]
    seen = {(todo[0].at, first)}
    furthest: Rejected | None = None
    while todo:
        way = todo.pop()
        if way.at == len(lines):
            return way.actions
        for number, reading in enumerate(readings):
            try:
                after = _on(reading, way, number)
            except Rejected as error:
                furthest = _further(furthest, error)
                continue
            if (after.at, after.devices) not in seen:
                seen.add((after.at, after.devices))
                todo.append(after)
        if len(seen) > MOST:
            raise TooMany(f"the lines fit in more than {MOST} ways: name fewer devices")
    assert furthest is not None
    raise furthest


def _on(reading: Reading, way: _Way, number: int) -> _Way:
    """The next action taken by the device of that number. Raises Rejected."""
    own = copy(reading)
    own.at, (own.state, own.known) = way.at, way.devices[number]
    own.group()
    after = (own.state, own.known)
    devices = (*way.devices[:number], after, *way.devices[number + 1 :])
    return _Way(own.at, devices, way.actions + 1)


def _further(one: Rejected | None, other: Rejected) -> Rejected:
    """The one whose line comes later; the end of the log comes last."""
    if one is None or one.line is None:
        return other if one is None else one
    return other if other.line is None or other.line.number > one.line.number else one


def explain_moved(
    profile: Profile, config: Config, logs: list[list[Line]], *, requested: int | None = None
) -> tuple[Explained, list[Line]]:
    """What one device did whose guest migrated from each log's process to that of the next, and
    the lines that tell of it.

    A process that a guest is to come to starts its device and resets its machine first, which is no
    part of the run. Raises Rejected, its `log` the place of the log, and ConfigError.
    """
    reading = Reading(profile, config, logs[0], requested)
    groups: list[Group] = []
    told: list[Line] = []
    for place, lines in enumerate(logs):
        begin = 1
        if place:
            groups.append(_moved(reading))
        try:
            begins = _begins(profile, config, lines) if place else [begin]
            reading, own, begin = _continued(reading, lines, begins)
        except Rejected as error:
            error.log = place
            raise
        groups += own
        told += lines[begin if place else 0 :]
    return Explained(reading.start, tuple(groups)), told


def _moved(reading: Reading) -> Group:
    return Group(action(Op.MIGRATION_IN), False, reading.known, reading.known)


def _continued(
    before: Reading, lines: list[Line], begins: Iterable[int]
) -> tuple[Reading, list[Group], int]:
    """The reading of a log to its end, its actions, and at which of the places they begin."""
    furthest: Rejected | None = None
    for begin in begins:
        reading = copy(before)
        reading.lines, reading.at = lines, begin
        groups: list[Group] = []
        try:
            while reading.at < len(lines):
                groups.append(reading.group())
        except Rejected as error:
            furthest = _further(furthest, error)
            continue
        return reading, groups, begin
    assert furthest is not None
    raise furthest


def _begins(profile: Profile, config: Config, lines: list[Line]) -> list[int]:
    """Where the run may go on after a start and resets of the machine, the last place first."""
    places = [1]
    own = Reading(profile, config, lines, None)
    while own.at < len(lines) and lines[own.at].event.name == "unplugged_all":
        try:
            own.group()
        except Rejected:
            break
        places.append(own.at)
    return places[::-1]

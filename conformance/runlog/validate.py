"""A log is a run with unknowns: the model chooses what the log leaves out, and must fit the rest.

Two things that matter are in no line: the requested size, which the host may lower without a word
while the usable region stays, and whether a migration runs. The model may choose both anew before
every line. All else that a log leaves out (the driver's features, resets of the device, a protocol
violation and the reset that ends it) changes no later line. A failing host operation is answered
BUSY like in a migration and leaves the same behind, so it needs no choice of its own.

What is known of the requested size is a set of numbers of blocks. As it grows, the usable region
grows and a NACK turns into another answer once, so the sizes that explain a line are found by
bisection. What each size leads to is the rules' to say.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from conformance.runlog.written import REQUESTED, resized, written
from conformance.targets.qemu.log import Event, Line
from model.device import fix
from model.events import realize
from model.extents import Extents
from model.machine_ints import INTS
from model.mapping import usable_size
from model.profiles import Profile
from model.rules import step
from model.state import (
    RANGE_REQUESTS,
    ConcreteAction,
    ConcreteState,
    Config,
    Op,
    action,
)

ASKED: Final = {name: op for op, name in REQUESTED.items()}
FITTING: Final = frozenset({Op.UNPLUG_ALL, Op.SYSTEM_RESET})
"""Actions that fit the usable region to the requested size."""
Events = tuple[Event, ...]


class Rejected(Exception):
    """No run of the model writes this log; `line` is the first that none does, None its end, and
    `log` which of several logs it is in."""

    log = 0

    def __init__(self, line: Line | None, allowed: list[Event]) -> None:
        words = " or ".join(map(str, allowed)) or "the first line of an action"
        seen = "the log ends" if line is None else f"line {line.number}: {line.event}"
        super().__init__(f"{seen}; allowed is {words}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one action, which met a device with a migration running or not.

    `free` are the requested sizes (blocks) that were possible before it, `left` those possible
    after it.
    """

    done: ConcreteAction
    busy: bool
    free: Extents
    left: Extents


@dataclass(frozen=True, slots=True)
class Explained:
    """A log that the model can write: requested sizes possible at first (blocks), and its
    actions."""

    start: Extents
    groups: tuple[Group, ...]


def explain_log(
    profile: Profile, config: Config, lines: list[Line], *, requested: int | None = None
) -> Explained:
    """What a device of that configuration must have done, but for `config.requested`: the requested
    size at start (bytes) is the one given, or else unknown.

    The log begins with the start of the device. Raises Rejected and model.device.ConfigError.
    """
    reading = Reading(profile, config, lines, requested)
    groups = []
    while reading.at < len(lines):
        groups.append(reading.group())
    return Explained(reading.start, tuple(groups))


class Reading:
    """One log; `at` is the line that is due, `state` (but for the requested size and a migration)
    and `known` (the requested sizes) what the device is in before it."""

    def __init__(
        self, profile: Profile, config: Config, lines: list[Line], requested: int | None
    ) -> None:
        self.fixed = fix(profile, replace(config, requested=0))
        self.lines = lines
        self.total = config.region // config.block
        first = lines[0]
        old, new = first.event.values if first.event.name == "resized_usable_region" else (1, 0)
        self.start = self.known = Extents.EMPTY if old else self.sizes_of(new)
        counts = (0, self.total) if requested is None else (requested // config.block,)
        if requested is not None:
            given = Extents.EMPTY.with_range(counts[0], counts[0] + 1)
            self.start = given if counts[0] in self.start else Extents.EMPTY
        if not self.start:
            raise Rejected(first, [resized(0, self.reach(count)) for count in counts])
        at_start = self.start.bounds[0] * config.block
        self.state = realize(INTS, replace(self.fixed, start_requested=at_start))
        self.at = 1

    def reach(self, count: int) -> int:
        """The usable region (bytes) for a requested size of so many blocks."""
        return usable_size(INTS, self.fixed, count * self.fixed.block)

    def sizes_of(self, usable: int) -> Extents:
        """The requested sizes with exactly that usable region."""
        sizes = range(self.total + 1)
        low = bisect_left(sizes, usable, key=self.reach)
        return Extents.EMPTY.with_range(low, bisect_right(sizes, usable, key=self.reach))

    def group(self) -> Group:
        """The lines of the next action. Raises Rejected."""
        lower = bisect_left(range(self.total + 1), self.state.usable, key=self.reach)
        free = self.known.with_range(0, lower)
        due: dict[int, list[Event]] = {0: []}
        for done in self.begun():
            # Where a migration changes no line, it changes nothing else.
            for busy in (False, True):
                left = Extents.EMPTY
                for low, high, lines in self.classes(done, busy, free):
                    if not lines:
                        continue
                    if (agreed := self.agreed(lines)) == len(lines):
                        left = left.with_range(low, high)
                    else:
                        due.setdefault(agreed, []).append(lines[agreed])
                if left:
                    return self.taken(done, busy, free, left)
        place = self.at + max(due)
        line = self.lines[place] if place < len(self.lines) else None
        raise Rejected(line, list(dict.fromkeys(due[max(due)])))

    def agreed(self, lines: Events) -> int:
        """How many of the lines are those of the log from `at` on."""
        seen = self.lines[self.at : self.at + len(lines)]
        agree = (a.event == b for a, b in zip(seen, lines, strict=False))
        return sum(1 for _ in takewhile(bool, agree))

    def taken(self, done: ConcreteAction, busy: bool, free: Extents, left: Extents) -> Group:
        """Go on after an action that the log agrees with."""
        before = self.before(done, busy, left.bounds[0])
        result = step(INTS, self.fixed, before, done)
        self.at += len(written(self.fixed, before, done, result))
        self.state, self.known = result.state, left
        return Group(done, busy, free, left)

    def begun(self) -> Iterator[ConcreteAction]:
        """The actions whose first line can be the one that is due."""
        event = self.lines[self.at].event
        if event.name in ASKED:
            op = ASKED[event.name]
            addr, blocks = event.values if op in RANGE_REQUESTS else (0, 0)
            yield action(op, addr=addr, blocks=blocks)
        elif event.name == "unplugged_all":
            yield action(Op.SYSTEM_RESET)
        elif event.name == "resized_usable_region":
            sizes = self.sizes_of(event.values[1])
            count = sizes.bounds[0] if sizes else self.total
            yield action(Op.RESIZE, value=count * self.fixed.block)
            if self.fixed.profile.unrealize_shrinks:
                yield action(Op.UNREALIZE)

    def classes(
        self, done: ConcreteAction, busy: bool, free: Extents
    ) -> Iterator[tuple[int, int, Events]]:
        """Runs of requested sizes after the action (blocks, half-open) and the lines of each."""
        if done.op is Op.RESIZE:
            yield from self.resizes(done, busy, free)
            return
        if done.op in FITTING and (sizes := self.fitted(free)):
            free = sizes
        for low, high in free.ranges():
            first, last = self.told(done, busy, low), self.told(done, busy, high - 1)
            change = high
            if first != last:
                change = bisect_left(
                    range(high), True, lo=low, key=lambda c: self.told(done, busy, c) != first
                )
                yield change, high, last
            yield low, change, first

    def resizes(
        self, done: ConcreteAction, busy: bool, free: Extents
    ) -> Iterator[tuple[int, int, Events]]:
        """The same for a RESIZE to any size with the usable region of `done`'s."""
        sizes = self.sizes_of(self.reach(done.value // self.fixed.block))
        if len(free) == 1:
            # Set to what it is, it tells nothing.
            sizes = sizes.without_range(*free.bounds)
        for low, high in sizes.ranges():
            yield low, high, self.told(replace(done, value=low * self.fixed.block), busy, low)

    def fitted(self, free: Extents) -> Extents:
        """Those of the sizes that the next line about the usable region speaks of."""
        names = (line.event for line in self.lines[self.at : self.at + 3])
        resizes = (event for event in names if event.name == "resized_usable_region")
        if (event := next(resizes, None)) is None:
            return Extents.EMPTY
        sizes = self.sizes_of(event.values[1])
        return Extents.of_ranges(
            [run for a, b in sizes.ranges() for run in free.ranges_within(a, b)]
        )

    def told(self, done: ConcreteAction, busy: bool, count: int) -> Events:
        """The lines of an action on a device that so many blocks are requested of after it."""
        before = self.before(done, busy, count)
        return written(self.fixed, before, done, step(INTS, self.fixed, before, done))

    def before(self, done: ConcreteAction, busy: bool, count: int) -> ConcreteState:
        """The device before that action; a RESIZE finds another size than it sets."""
        if done.op is Op.RESIZE:
            count = 0 if count else 1
        return replace(self.state, requested=count * self.fixed.block, busy=busy)

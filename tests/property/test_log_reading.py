"""The reading of a log against one that keeps every state a small device can be in."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

import pytest

from conformance.explore.alphabet import alphabet
from conformance.explore.scale import scaled_config
from conformance.runlog.validate import Rejected, explain_log
from conformance.runlog.witness import witness
from conformance.runlog.written import REQUESTED, resized, written
from conformance.targets.qemu.log import Event, Line
from model.device import ReferenceDevice, fix
from model.machine_ints import INTS
from model.profiles import PROFILES, Profile
from model.rules import step
from model.state import RANGE_REQUESTS, ConcreteAction, ConcreteState, Config, Op, action

Step = tuple[tuple[Event, ...], ConcreteState]
Steps = list[Step]


class Every:
    """All states at once: what each action writes and leads to is tabled, nothing is deduced."""

    def __init__(self, profile: Profile, config: Config) -> None:
        self.profile, self.config = profile, config
        self.fixed = fix(profile, config)
        # The log of a process ends where another one goes on.
        self.actions = [a for a in alphabet(self.fixed) if a.op is not Op.MIGRATION_IN]
        self.table: dict[ConcreteState, Steps] = {}

    def after(self, state: ConcreteState) -> Steps:
        if state not in self.table:
            self.table[state] = list(self.steps(state, self.actions))
        return self.table[state]

    def steps(self, state: ConcreteState, actions: Iterable[ConcreteAction]) -> set[Step]:
        results = ((done, step(INTS, self.fixed, state, done)) for done in actions)
        return {(written(self.fixed, state, done, r), r.state) for done, r in results}

    def starts(self) -> Iterator[ConcreteState]:
        for count in range(self.fixed.region // self.fixed.block + 1):
            requested = count * self.fixed.block
            yield ReferenceDevice(self.profile, replace(self.config, requested=requested)).state

    def rejects_at(self, lines: list[Event]) -> int | None:
        """The place of the first line that no run writes, None for a log that some run writes."""
        known: list[set[ConcreteState]] = [set() for _ in range(len(lines) + 1)]
        known[1] = {s for s in self.starts() if lines[0] == resized(0, s.usable)}
        far = 1 if known[1] else 0
        ranged = {name: op for op, name in REQUESTED.items() if op in RANGE_REQUESTS}
        for place in range(1, len(lines)):
            queue = list(known[place])
            asked = lines[place]
            while queue:
                before = queue.pop()
                steps = self.after(before)
                if asked.name in ranged:
                    # An altered one may be a request that the alphabet has not.
                    addr, blocks = asked.values
                    done = action(ranged[asked.name], addr=addr, blocks=blocks)
                    steps = [*steps, *self.steps(before, [done])]
                for told, state in steps:
                    agreed = 0
                    while agreed < len(told) and lines[place + agreed : place + agreed + 1] == [
                        told[agreed]
                    ]:
                        agreed += 1
                    if agreed == len(told) and state not in known[place + agreed]:
                        known[place + agreed].add(state)
                        if not told:
                            queue.append(state)
                    far = max(far, place + agreed)
        return None if known[len(lines)] else far


def logged(every: Every, random: Random, steps: int) -> list[Event]:
    """The log of a random run."""
    state = random.choice(list(every.starts()))
    lines = [resized(0, state.usable)]
    for _ in range(steps):
        told, state = random.choice(every.after(state))
        lines += told
    return lines


def altered(lines: list[Event], random: Random) -> list[Event]:
    """One number of one line changed, or a line left out, or one told twice."""
    at = random.randrange(len(lines))
    before, event, after = lines[:at], lines[at], lines[at + 1 :]
    if event.values and random.random() < 0.8:
        which = random.randrange(len(event.values))
        values = list(event.values)
        large = values[which] > 0xFFFF or event.name == "resized_usable_region"
        change = random.choice([-2, -1, 1, 2]) << (30 if large else 0)
        values[which] = max(0, values[which] + change)
        return [*before, Event(event.name, tuple(values)), *after]
    return [*before, *after] if at and random.random() < 0.5 else [*before, event, event, *after]


@pytest.mark.parametrize("name", [p.name for p in PROFILES.values() if not p.peer])
def test_a_log_is_accepted_and_rejected_where_keeping_every_state_says(name: str) -> None:
    profile = PROFILES[name]
    config = scaled_config(profile, 3, 2)
    every = Every(profile, config)
    random = Random(5)
    verdicts = {True: 0, False: 0}
    for number in range(120):
        lines = logged(every, random, random.randrange(1, 30))
        if number % 3:
            lines = altered(lines, random)
        rejected = every.rejects_at(lines)
        told = [Line(place, event) for place, event in enumerate(lines)]
        try:
            explained = explain_log(profile, config, told)
        except Rejected as error:
            place = len(lines) if error.line is None else error.line.number
            assert place == rejected, (lines, str(error))
            verdicts[False] += 1
        else:
            assert rejected is None, lines
            assert list(witness(profile, config, explained).lines) == lines
            verdicts[True] += 1
    assert min(verdicts.values()) > 30

"""Which claims a profile's device does not keep: an exhaustive search of small devices.

Every state that a device can reach through states that meet all invariants is visited, and every
action of `conformance.generate.alphabet` carried out in it. What fails is kept with the shortest
way there. Where many are to be taken, `conformance.explore.compiled` takes them and says whether
all claims hold; where it says no, and where it says nothing, the rules themselves are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.explore.compiled import Compiled
from conformance.explore.masks import TooFar
from conformance.explore.rows import Row as StateRow
from conformance.explore.rows import row_of, state_of
from conformance.generate.alphabet import actions, small_devices
from conformance.judge.claims import REALIZE, TRANSITIONS, Claim, claims_of
from conformance.judge.finding import Finding, Kind
from conformance.targets.reference import ReferenceTarget
from conformance.traces.trace import Trace, TraceStep, write_trace
from model.device import fix
from model.events import realize
from model.machine_ints import INTS
from model.profiles import Profile
from model.rules import step
from model.state import (
    Answer,
    ConcreteAction,
    ConcreteResult,
    Config,
    Fixed,
    Result,
)

MANY: Final = 900
"""Steps from which on it is worth to compile a device's."""


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A claim that a transition does not keep, in one profile and way of mapping, by name."""

    profile: str
    mapping: str
    claim: str
    transition: str


@dataclass(frozen=True, slots=True)
class Refuted:
    """A row and its counterexample: a device just realized, and what is done to it.

    The trace holds what was seen and the finding.
    """

    row: Row
    trace: Trace


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found, and how far it went: devices, states they reached, steps carried out."""

    refuted: tuple[Refuted, ...]
    devices: int
    states: int
    steps: int


@dataclass(frozen=True, slots=True)
class _Way:
    """A claim that failed, and the actions that lead there."""

    kind: Kind
    config: Config
    actions: tuple[ConcreteAction, ...]


class _Device:
    """The states of one device, breadth first, and the claims that fail on the way."""

    def __init__(self, profile: Profile, config: Config, wanted: frozenset[Row] | None) -> None:
        self.profile = profile
        self.config = config
        self.wanted = wanted
        self.fixed: Fixed[int, bool] = fix(profile, config)
        self.alphabet = actions(config)
        self.machine: Compiled | None = None
        self.steps = 0
        self.failed: dict[Row, _Way] = {}
        start = realize(INTS, self.fixed)
        # Invariants are asked in any case: a state that breaks one leads no further.
        self.open: dict[str, list[Claim]] = {
            transition: [
                claim
                for claim in claims_of(transition, self.fixed.mapping)
                if claim.kind is Kind.INVARIANT or self.sought(self.row(claim, transition))
            ]
            for transition in TRANSITIONS
        }
        self.came_by: dict[StateRow, tuple[StateRow, ConcreteAction] | None] = {}
        self.layer: list[StateRow] = []
        if self.holds(REALIZE, None, None, Result(start, Answer.DONE)):
            self.layer = [row_of(start)]
            self.came_by[self.layer[0]] = None

    def advance(self) -> None:
        """Carry out every action in the states that were reached last."""
        if self.machine is None and len(self.layer) * len(self.alphabet) > MANY:
            self.machine = Compiled(self.fixed, self.alphabet, merged=False, judged=True)
        reached: list[StateRow] = []
        for state in self.layer:
            for number, action in enumerate(self.alphabet):
                self.steps += 1
                after = self.after(state, number, action)
                if after is not None and after not in self.came_by:
                    self.came_by[after] = (state, action)
                    reached.append(after)
        self.layer = reached

    def after(self, state: StateRow, number: int, action: ConcreteAction) -> StateRow | None:
        """The state after the step of that number, None where it breaks an invariant."""
        if self.machine is not None:
            with suppress(TooFar):
                _, kept, changed = self.machine.steps[number](*state)
                after = state if changed is None else changed
                if kept and (after in self.came_by or self.machine.holds(*after)):
                    return after
        result = step(INTS, self.fixed, state_of(state), action)
        whole = self.holds(action.op.value, state, action, result)
        return row_of(result.state) if whole else None

    def holds(
        self,
        transition: str,
        before: StateRow | None,
        action: ConcreteAction | None,
        result: ConcreteResult,
    ) -> bool:
        """Judge the claims of a step and keep those that fail; whether all invariants hold."""
        whole = True
        state = None if before is None else state_of(before)
        # All invariants hold of the states that were reached before.
        known = row_of(result.state) in self.came_by
        for claim in self.open[transition]:
            invariant = claim.kind is Kind.INVARIANT
            if invariant and known:
                continue
            if not claim.judge(self.fixed, state, action, result):
                whole = whole and not invariant
                self.fails(claim, transition, before, action)
        return whole

    def fails(
        self,
        claim: Claim,
        transition: str,
        before: StateRow | None,
        action: ConcreteAction | None,
    ) -> None:
        """Keep a claim that failed, and the way there, if it is the first one."""
        row = self.row(claim, transition)
        if claim.kind is not Kind.INVARIANT:
            self.open[transition] = [c for c in self.open[transition] if c is not claim]
        if row not in self.failed and self.sought(row):
            way = () if before is None or action is None else (*self.way_to(before), action)
            self.failed[row] = _Way(claim.kind, self.config, way)

    def row(self, claim: Claim, transition: str) -> Row:
        """The claim's row, should it fail."""
        return Row(self.profile.name, self.fixed.mapping.value, claim.name, transition)

    def sought(self, row: Row) -> bool:
        """The row is looked for."""
        return self.wanted is None or row in self.wanted

    def way_to(self, state: StateRow) -> tuple[ConcreteAction, ...]:
        """The shortest sequence of actions that was found to lead to a state."""
        found: list[ConcreteAction] = []
        while (came := self.came_by.get(state)) is not None:
            state, action = came
            found.append(action)
        return tuple(reversed(found))


def search(
    profile: Profile,
    configs: Iterable[Config] | None = None,
    wanted: Iterable[Row] | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Searched:
    """Search small devices, those of `small_devices` unless others are given.

    A row's counterexample is one of the fewest steps, and of those on the first device. With
    `wanted` nothing but these rows is looked for, and no further than needed. `told` hears how many
    rows are found.
    """
    sought = None if wanted is None else frozenset(wanted)
    devices = [
        _Device(profile, config, sought)
        for config in (small_devices(profile) if configs is None else configs)
    ]
    ways: dict[Row, _Way] = {}
    for device in devices:
        ways = device.failed | ways
    while any(device.layer for device in devices):
        for device in devices:
            if sought is not None and sought <= ways.keys():
                break
            device.advance()
            ways = device.failed | ways
            told(len(ways))
        else:
            continue
        break
    return Searched(
        refuted=tuple(_executed(profile, row, ways[row]) for row in sorted(ways)),
        devices=len(devices),
        states=sum(len(device.came_by) for device in devices),
        steps=sum(device.steps for device in devices),
    )


def _executed(profile: Profile, row: Row, way: _Way) -> Refuted:
    """The row with its trace as the executable device runs it.

    Raises RuntimeError if the claim does not fail there, at that step.
    """
    finding = Finding(way.kind, row.claim, len(way.actions), f"{row.claim} does not hold")
    steps = tuple(TraceStep(action) for action in way.actions)
    trace = Trace(profile, way.config, steps, finding=finding)
    ran = as_run(trace, run_trace(ReferenceTarget(), trace))
    if ran.finding != finding:
        raise RuntimeError(f"{row} was not found again: {ran.finding}")
    return Refuted(row, ran)


def write_counterexamples(refuted: Iterable[Refuted], directory: Path) -> dict[Row, Path]:
    """Write each row's trace into `directory`, made if needed; the files that hold them.

    A file is named by profile, way of mapping, claim and transition. Raises OSError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written: dict[Row, Path] = {}
    for each in refuted:
        row = each.row
        name = f"{row.profile}.{row.mapping}.{row.claim}.{row.transition}.jsonl"
        written[row] = directory / name
        write_trace(each.trace, written[row])
    return written

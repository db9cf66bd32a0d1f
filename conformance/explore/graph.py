"""The state graph of a small device: every state that can be reached, every step from each.

Two states that differ in `accepted` alone are one node: no rule reads the flag. That is not taken
on trust: what the rules ask is written down as terms, and where the flag occurs in any but its own
the states are kept apart. Blocks of a memslot are not
interchangeable, because requests name runs of blocks and the usable region is a run from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NoReturn, TypeAlias

from conformance.explore.alphabet import alphabet
from conformance.explore.compiled import Compiled
from conformance.explore.masks import TooFar
from conformance.explore.rows import (
    Interpreted,
    Label,
    NotAlike,
    Row,
    contract_checks,
    state_of,
)
from conformance.judge.finding import Finding, Kind
from conformance.judge.oracle import (
    broken_by_layout,
    broken_by_start,
    broken_by_state,
    broken_by_step,
    invariants_of,
)
from conformance.targets.target import CAPABILITIES
from conformance.traces.trace import Trace, TraceStep
from model.contracts import START_CONTRACTS
from model.device import ReferenceDevice
from model.machine_ints import INTS
from model.profiles import Profile
from model.rules import step
from model.state import (
    REQUESTS,
    ConcreteAction,
    ConcreteState,
    Config,
    Fixed,
)

Listener: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Broken:
    """A claim that does not hold, and a trace of the fewest steps that shows it."""

    claim: str
    trace: Trace

    def rank(self) -> tuple[int, bool]:
        """The fewest steps come first, and of those an invariant."""
        finding = self.trace.finding
        return len(self.trace.steps), finding is None or finding.kind is not Kind.INVARIANT


@dataclass(frozen=True)
class StateGraph:
    """All states reached from the start, in order of their distance from it.

    `targets[s][a]` is the state that action `a` leads to from state `s`, `labels[s][a]` what is
    seen of it; both are empty for a state in which an invariant does not hold, which is not left
    again. `parents[s]` is the step by which `s` was first reached. `merged`: states that differ in
    `accepted` alone are one. `broken` has one entry a claim.
    """

    profile: Profile
    config: Config
    fixed: Fixed[int, bool]
    actions: tuple[ConcreteAction, ...]
    states: tuple[ConcreteState, ...]
    targets: tuple[Sequence[int], ...]
    labels: tuple[Sequence[Label], ...]
    parents: tuple[tuple[int, int] | None, ...]
    depths: tuple[int, ...]
    merged: bool
    invariant_checks: int
    contract_checks: int
    broken: tuple[Broken, ...]

    @property
    def steps(self) -> int:
        """Steps: pairs of a state and an action."""
        return sum(map(len, self.targets))

    @cached_property
    def edges(self) -> int:
        """Pairs of states of which one follows the other, each counted once."""
        return sum(len(set(row)) for row in self.targets)

    @property
    def pairs(self) -> int:
        """Pairs of steps of which the second follows the first."""
        return sum(len(self.targets[target]) for row in self.targets for target in row)

    @property
    def complete(self) -> bool:
        """Every state was left by every action."""
        return self.steps == len(self.states) * len(self.actions)

    @cached_property
    def number_of(self) -> dict[ConcreteState, int]:
        """The number of each state; ask with `node_of`."""
        return {state: number for number, state in enumerate(self.states)}

    def node_of(self, state: ConcreteState) -> int | None:
        """The number of a state's node, None for a state that is not in the graph."""
        return self.number_of.get(replace(state, accepted=False) if self.merged else state)

    def path_to(self, state: int) -> list[int]:
        """The fewest actions that lead to a state, by their numbers."""
        return _path(self.parents, state)


def explore(
    profile: Profile,
    config: Config,
    capabilities: frozenset[str] = CAPABILITIES,
    *,
    judged: bool = True,
    merge: bool = True,
    interpreted: bool = False,
    listener: Listener = lambda left, found: None,
) -> StateGraph:
    """The graph of a device; unless `judged` is off, each claim is checked wherever it applies.

    `listener` hears how many states were left by every action, of how many found so far. States
    that differ in `accepted` alone are one where `merge` is on and no rule reads it.
    Raises model.device.ConfigError.
    """
    machines: list[type[Compiled] | type[Interpreted]] = [Compiled, Interpreted]
    for machine in machines[interpreted:]:
        for merged in (True, False)[not merge :]:
            with suppress(NotAlike, TooFar):
                search = _Search(machine, profile, config, capabilities, merged, judged)
                return search.graph(listener)
    raise RuntimeError("states kept apart are told apart by a rule")


def _path(parents: Sequence[tuple[int, int] | None], state: int) -> list[int]:
    path = []
    while (parent := parents[state]) is not None:
        state, done = parent
        path.append(done)
    return path[::-1]


class _Search:
    """A breadth-first search; the lists grow as it goes."""

    def __init__(
        self,
        machine: type[Compiled] | type[Interpreted],
        profile: Profile,
        config: Config,
        capabilities: frozenset[str],
        merged: bool,
        judged: bool,
    ) -> None:
        device = ReferenceDevice(profile, config)
        self.profile, self.config, self.fixed = profile, config, device.fixed
        self.merged, self.judged = merged, judged
        self.actions = alphabet(self.fixed, capabilities)
        self.machine = machine(self.fixed, self.actions, merged=merged, judged=judged)
        self.start = device.state
        self.rows = [self.machine.row_of(self.start)]
        self.numbers = {self.rows[0]: 0}
        self.parents: list[tuple[int, int] | None] = [None]
        self.depths = [0]
        self.targets: list[Sequence[int]] = []
        self.labels: list[Sequence[Label]] = []
        self.broken: dict[str, Broken] = {}

    def graph(self, listener: Listener) -> StateGraph:
        layout, checks = broken_by_layout(self.config, self.fixed)
        self.found(Kind.INVARIANT, layout, [])
        if self.judged:
            self.found(Kind.CONTRACT, broken_by_start(self.fixed, self.start)[0], [])
        for number, row in enumerate(self.rows):
            listener(number, len(self.rows))
            if self.judged and not self.machine.holds(*row):
                name, _ = broken_by_state(self.fixed, state_of(row))
                self.found(Kind.INVARIANT, name or _disagreement(), _path(self.parents, number))
                self.targets.append(())
                self.labels.append(())
            else:
                self.leave(number, row)
        left = sum(map(bool, self.targets))
        contracts = [contract_checks(self.fixed, a.op, merged=self.merged) for a in self.actions]
        invariants = len(invariants_of(self.fixed.mapping)) * len(self.rows)
        return StateGraph(
            profile=self.profile,
            config=self.config,
            fixed=self.fixed,
            actions=self.actions,
            states=tuple(map(state_of, self.rows)),
            targets=tuple(self.targets),
            labels=tuple(self.labels),
            parents=tuple(self.parents),
            depths=tuple(self.depths),
            merged=self.merged,
            invariant_checks=checks + invariants * self.judged,
            contract_checks=(len(START_CONTRACTS) + left * sum(contracts)) * self.judged,
            broken=tuple(sorted(self.broken.values(), key=Broken.rank)),
        )

    def leave(self, number: int, row: Row) -> None:
        """Take every action from a state."""
        numbers, rows = self.numbers, self.rows
        targets: list[int] = []
        labels: list[Label] = []
        for at, take in enumerate(self.machine.steps):
            label, holds, after = take(*row)
            if not holds:
                self.judge(number, at, state_of(row))
            labels.append(label)
            if after is None:
                targets.append(number)
                continue
            if (target := numbers.get(after)) is None:
                target = numbers[after] = len(rows)
                rows.append(after)
                self.parents.append((number, at))
                self.depths.append(self.depths[number] + 1)
            targets.append(target)
        self.targets.append(targets)
        self.labels.append(labels)

    def judge(self, number: int, at: int, state: ConcreteState) -> None:
        """Have the rules say which contract does not hold in a step."""
        done = self.actions[at]
        flags = (False, True) if self.merged and done.op not in REQUESTS else (state.accepted,)
        for flag in flags:
            before = replace(state, accepted=flag)
            result = step(INTS, self.fixed, before, done)
            name, _ = broken_by_step(self.fixed, before, done, result)
            if name is not None:
                self.found(Kind.CONTRACT, name, [*_path(self.parents, number), at])
                return
        _disagreement()

    def found(self, kind: Kind, name: str | None, path: list[int]) -> None:
        """Keep the first trace of a claim: the search meets shorter ones first."""
        if name is None or name in self.broken:
            return
        steps = tuple(self.run(path))
        finding = Finding(kind, name, len(path), f"{name} does not hold")
        self.broken[name] = Broken(name, Trace(self.profile, self.config, steps, finding=finding))

    def run(self, path: list[int]) -> Iterator[TraceStep]:
        device = ReferenceDevice(self.profile, self.config)
        for at in path:
            yield TraceStep(self.actions[at], device.apply(self.actions[at]))


def _disagreement() -> NoReturn:
    raise RuntimeError("a claim that a compiled step denies holds by the rules")

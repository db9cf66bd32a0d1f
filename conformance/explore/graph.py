"""The state graph of a small device: every state that can be reached, every step from each.

Two states that differ in `accepted` alone are one node: no rule reads the flag. That is not taken
on trust. The step from the state with the flag set is taken beside each step and must come to the
same answer and node; where one does not, the states are kept apart. Blocks of a memslot are not
interchangeable, because requests name runs of blocks and the usable region is a run from the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from operator import attrgetter

from conformance.explore.alphabet import alphabet
from conformance.judge.finding import Finding, Kind
from conformance.judge.oracle import (
    broken_by_layout,
    broken_by_start,
    broken_by_state,
    broken_by_step,
)
from conformance.targets.target import CAPABILITIES
from conformance.traces.trace import Trace, TraceStep
from model.device import ReferenceDevice
from model.machine_ints import INTS
from model.profiles import Profile
from model.rules import step
from model.state import (
    REQUESTS,
    Answer,
    BlockState,
    ConcreteAction,
    ConcreteResult,
    ConcreteState,
    Config,
    Fixed,
    State,
)

Label = tuple[Answer, BlockState | None, bool]
"""What the guest sees of a step: the answer, the block state, whether it was notified."""


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
        return self.number_of.get(_node(state, merged=self.merged))

    def path_to(self, state: int) -> list[int]:
        """The fewest actions that lead to a state, by their numbers."""
        return _path(self.parents, state)


def explore(
    profile: Profile,
    config: Config,
    capabilities: frozenset[str] = CAPABILITIES,
    *,
    judged: bool = True,
) -> StateGraph:
    """The graph of a device; unless `judged` is off, each claim is checked wherever it applies.

    Raises model.device.ConfigError.
    """
    try:
        return _Search(profile, config, capabilities, merged=True, judged=judged).graph()
    except _NotAlike:
        return _Search(profile, config, capabilities, merged=False, judged=judged).graph()


class _NotAlike(Exception):
    """A rule reads `accepted`."""


def _node(state: ConcreteState, *, merged: bool) -> ConcreteState:
    return replace(state, accepted=False) if merged and state.accepted else state


_but_accepted = attrgetter(*(f.name for f in fields(State) if f.name != "accepted"))
"""All of a state that a merged node has."""
_seen = attrgetter("answer", "block_state", "notified", "effects")
"""All that comes of a step but the state."""


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
        profile: Profile,
        config: Config,
        capabilities: frozenset[str],
        *,
        merged: bool,
        judged: bool,
    ) -> None:
        device = ReferenceDevice(profile, config)
        self.profile, self.config, self.fixed = profile, config, device.fixed
        self.merged, self.judged = merged, judged
        self.actions = alphabet(self.fixed, capabilities)
        self.states = [_node(device.state, merged=merged)]
        self.numbers = {self.states[0]: 0}
        self.parents: list[tuple[int, int] | None] = [None]
        self.depths = [0]
        self.targets: list[Sequence[int]] = []
        self.labels: list[Sequence[Label]] = []
        self.known_labels: dict[Label, Label] = {}
        self.invariant_checks = self.contract_checks = 0
        self.broken: dict[str, Broken] = {}

    def graph(self) -> StateGraph:
        layout, checks = broken_by_layout(self.config, self.fixed)
        self.invariant_checks += checks
        self.found(Kind.INVARIANT, layout, [])
        if self.judged:
            start, checks = broken_by_start(self.fixed, self.states[0])
            self.contract_checks += checks
            self.found(Kind.CONTRACT, start, [])
        for number, state in enumerate(self.states):
            if self.judged and not self.holds(number, state):
                self.targets.append(())
                self.labels.append(())
            else:
                self.leave(number, state)
        return StateGraph(
            profile=self.profile,
            config=self.config,
            fixed=self.fixed,
            actions=self.actions,
            states=tuple(self.states),
            targets=tuple(self.targets),
            labels=tuple(self.labels),
            parents=tuple(self.parents),
            depths=tuple(self.depths),
            merged=self.merged,
            invariant_checks=self.invariant_checks,
            contract_checks=self.contract_checks,
            broken=tuple(sorted(self.broken.values(), key=Broken.rank)),
        )

    def holds(self, number: int, state: ConcreteState) -> bool:
        name, checks = broken_by_state(self.fixed, state)
        self.invariant_checks += checks
        self.found(Kind.INVARIANT, name, _path(self.parents, number))
        return name is None

    def leave(self, number: int, state: ConcreteState) -> None:
        """Take every action from a state."""
        targets, labels = [], []
        twin = replace(state, accepted=True)
        for at, done in enumerate(self.actions):
            result = step(INTS, self.fixed, state, done)
            if self.merged:
                self.same_for_twin(number, at, twin, result)
            if self.judged:
                self.judge(number, at, state, result)
            label = (result.answer, result.block_state, result.notified)
            labels.append(self.known_labels.setdefault(label, label))
            unchanged = result.state is state
            targets.append(number if unchanged else self.numbered(result.state, number, at))
        self.targets.append(targets)
        self.labels.append(labels)

    def numbered(self, state: ConcreteState, parent: int, at: int) -> int:
        state = _node(state, merged=self.merged)
        if (number := self.numbers.get(state)) is None:
            number = self.numbers[state] = len(self.states)
            self.states.append(state)
            self.parents.append((parent, at))
            self.depths.append(self.depths[parent] + 1)
        return number

    def judge(self, number: int, at: int, state: ConcreteState, result: ConcreteResult) -> None:
        name, checks = broken_by_step(self.fixed, state, self.actions[at], result)
        self.contract_checks += checks
        if name is not None:
            self.found(Kind.CONTRACT, name, [*_path(self.parents, number), at])

    def same_for_twin(
        self, number: int, at: int, twin: ConcreteState, result: ConcreteResult
    ) -> None:
        """The step from the same state with the flag set; what a host event does to the flag is
        judged there as well. Raises _NotAlike."""
        done = self.actions[at]
        other = step(INTS, self.fixed, twin, done)
        states_alike = _but_accepted(other.state) == _but_accepted(result.state)
        if not states_alike or _seen(other) != _seen(result):
            raise _NotAlike
        if done.op in REQUESTS:
            # Judged from one of the two, which a request leaves as they are in this.
            if result.state.accepted or not other.state.accepted:
                raise _NotAlike
        elif self.judged:
            self.judge(number, at, twin, other)

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

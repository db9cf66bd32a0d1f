"""What runs have reached, in words that mean the same for a device of any size.

A situation is a state with sizes and places forgotten, a case is a situation, what was done in it
and what came of it. The cases of a small device's state graph are those that there are; a run on a
large device is measured against them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from conformance.explore.graph import StateGraph
from conformance.traces.codec import FAULT_NAMES
from conformance.traces.trace import Trace
from model.device import ReferenceDevice
from model.geometry import end_slot, first_slot
from model.invariants import blocks_per_slot
from model.machine_ints import INTS
from model.state import (
    RANGE_REQUESTS,
    Answer,
    BlockState,
    ConcreteAction,
    ConcreteState,
    Fixed,
    Op,
)

Fix = Fixed[int, bool]


class Situation(NamedTuple):
    """A state, roughly. `plugged` and `usable`: none, part or all of the region; `requested`: more,
    as much or less than is plugged; `mapped`: none, one, several or all memslots; `cut`: a memslot
    holds plugged blocks and others."""

    plugged: str
    usable: str
    requested: str
    mapped: str
    cut: bool
    busy: bool
    broken: bool
    realized: bool


class Case(NamedTuple):
    """A step, roughly. `where` says what the range of a request reaches, or which size a RESIZE
    asks for; `fails` names the host operation that fails."""

    situation: Situation
    op: Op
    where: str
    fails: str
    answer: Answer
    state: BlockState | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The situations and cases of `steps` steps, of those there are; `beyond` counts the cases that
    the small device has not."""

    steps: int
    situations: int
    all_situations: int
    cases: int
    all_cases: int
    beyond: int
    left: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Exact:
    """States and transitions of a graph that runs of its own device have reached."""

    states: int
    all_states: int
    transitions: int
    all_transitions: int


def situation_of(fixed: Fix, state: ConcreteState) -> Situation:
    """The situation that a state is."""
    group = blocks_per_slot(INTS, fixed)
    ends = (end for run in state.plugged.ranges() for end in run)
    blocks = fixed.region // fixed.block
    return Situation(
        plugged=_share(state.size, fixed.region),
        usable=_share(state.usable, fixed.region),
        requested=_against(state.requested, state.size),
        mapped=_count(len(state.mapped), fixed.slots.count),
        cut=any(end % group and end != blocks for end in ends),
        busy=state.busy,
        broken=state.broken,
        realized=state.realized,
    )


def case_of(
    fixed: Fix,
    before: ConcreteState,
    done: ConcreteAction,
    answer: Answer,
    state: BlockState | None,
) -> Case:
    """The case that a step is."""
    fails = next((name for name in FAULT_NAMES if getattr(done.faults, name)), "")
    return Case(
        situation_of(fixed, before), done.op, _where(fixed, before, done), fails, answer, state
    )


def cases_of_graph(graph: StateGraph) -> frozenset[Case]:
    """Every case there is on a small device."""
    found = set()
    for before, labels in zip(graph.states, graph.labels, strict=True):
        for done, (answer, state, _) in zip(graph.actions, labels, strict=False):
            found.add(case_of(graph.fixed, before, done, answer, state))
    return frozenset(found)


def cases_of_trace(trace: Trace) -> Iterator[Case]:
    """The case of each step, by the model's state and by what was seen where that is known."""
    device = ReferenceDevice(trace.profile, trace.config)
    for step in trace.steps:
        before = device.state
        allowed = device.apply(step.action)
        seen = allowed if step.seen is None else step.seen
        yield case_of(device.fixed, before, step.action, seen.answer, seen.block_state)


def covered(known: frozenset[Case], met: Counter[Case]) -> Coverage:
    """What was met of the cases there are."""
    return Coverage(
        steps=met.total(),
        situations=len(_situations(known & met.keys())),
        all_situations=len(_situations(known)),
        cases=len(known & met.keys()),
        all_cases=len(known),
        beyond=len(met.keys() - known),
        left=tuple(sorted(known - met.keys(), key=repr)),
    )


def exactly_covered(graph: StateGraph, traces: Iterable[Trace]) -> Exact | None:
    """What the traces of the graph's own device reached; None if none is of it."""
    own = [trace for trace in traces if trace.config == graph.config]
    if not own:
        return None
    numbers = {done: number for number, done in enumerate(graph.actions)}
    states: set[int] = set()
    transitions: set[tuple[int, int]] = set()
    for trace in own:
        device = ReferenceDevice(trace.profile, trace.config)
        for step in trace.steps:
            before, action = graph.node_of(device.state), numbers.get(step.action)
            device.apply(step.action)
            if before is not None:
                states.add(before)
            if before is not None and action is not None:
                transitions.add((before, action))
        if (last := graph.node_of(device.state)) is not None:
            states.add(last)
    return Exact(len(states), len(graph.states), len(transitions), graph.steps)


def _situations(cases: Iterable[Case]) -> frozenset[Situation]:
    return frozenset(case.situation for case in cases)


def _share(size: int, region: int) -> str:
    return "none" if size == 0 else "all" if size == region else "part"


def _against(size: int, other: int) -> str:
    return "as much" if size == other else "more" if size > other else "less"


def _count(number: int, all_of: int) -> str:
    named = {0: "none", all_of: "all", 1: "one"}
    return named.get(number, "several")


def _where(fixed: Fix, before: ConcreteState, done: ConcreteAction) -> str:
    if done.op is Op.RESIZE:
        if done.value % fixed.block or done.value > fixed.region:
            return "no size"
        return f"{_share(done.value, fixed.region)}, {_against(done.value, before.requested)}"
    if done.op is Op.NEGOTIATE:
        return str(done.value)
    if done.op not in RANGE_REQUESTS:
        return ""
    offset, size = done.addr - fixed.addr, done.blocks * fixed.block
    if done.blocks == 0:
        return "no blocks"
    if offset % fixed.block:
        return "beside a block"
    if offset < 0 or offset + size > before.usable:
        return "outside"
    slots = end_slot(INTS, fixed.slots, offset, size) - first_slot(INTS, fixed.slots, offset)
    if done.blocks == 1:
        return "one block"
    return "one memslot" if slots == 1 else "several memslots"

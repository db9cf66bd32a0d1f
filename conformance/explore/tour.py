"""Tours: as few traces as a greedy walk finds in which every transition occurs, or every pair.

A walk goes on with what is left at the state it is in, takes loops first because they cost nothing
more, and else goes the shortest way to a state where something is left. A tour of all pairs is a
walk of the graph whose nodes are the transitions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.explore.graph import StateGraph
from conformance.traces.trace import Trace, TraceStep
from model.device import ReferenceDevice

LONGEST: Final = 400
"""Steps of a trace at most, but for the way to what is left; then the next trace begins."""

Rows = Callable[[int], Sequence[int]]
"""The nodes that the edges of a node lead to, in order; the number of an edge is its place."""


@dataclass(frozen=True, slots=True)
class Tour:
    """Traces as numbers of actions. `covered` counts what they cover, each thing once.

    No tour has fewer than `least` steps.
    """

    traces: tuple[tuple[int, ...], ...]
    covered: int
    least: int

    @property
    def steps(self) -> int:
        """Steps of all traces."""
        return sum(map(len, self.traces))


def transition_tour(graph: StateGraph) -> Tour:
    """Every action from every state of the graph, at least once."""
    walks = tuple(_walks(len(graph.states), graph.targets.__getitem__))
    covered = graph.steps
    return Tour(walks, covered, covered)


def pair_tour(graph: StateGraph) -> Tour:
    """Every transition followed by every transition that can follow it, at least once.

    The first step of a trace follows nothing; a pair takes at least one step beside the first.
    """
    width = len(graph.actions)

    def row(node: int) -> range:
        # Node 0 is the start of a trace, node 1 + s * width + a the step by `a` from state `s`.
        state = graph.targets[(node - 1) // width][(node - 1) % width] if node else 0
        first = 1 + state * width
        return range(first, first + len(graph.targets[state]))

    walks = tuple(_walks(1 + len(graph.states) * width, row, owed=1))
    return Tour(walks, graph.pairs, graph.pairs + (1 if graph.pairs else 0))


def _walks(nodes: int, row: Rows, owed: int = 0) -> Iterator[tuple[int, ...]]:
    """Walks from node 0 that take every edge of every node from `owed` on that can be reached."""
    walk = _Walk(nodes, row, owed)
    while (taken := walk.next()) is not None:
        yield taken


class _Walk:
    def __init__(self, nodes: int, row: Rows, owed: int) -> None:
        self.row = row
        self.left: list[list[int] | None] = [None] * nodes
        """The edges not taken yet; None for a node that was not met."""
        self.owed = owed

    def open(self, node: int) -> list[int]:
        if (left := self.left[node]) is None:
            row = self.row(node) if node >= self.owed else ()
            # Taken from the end: loops first.
            left = sorted(range(len(row)), key=lambda at: (row[at] == node, -at))
            self.left[node] = left
        return left

    def next(self) -> tuple[int, ...] | None:
        """One walk, None when nothing is left that can be reached."""
        node, taken = 0, list[int]()
        while len(taken) < LONGEST and (way := self.way(node)) is not None:
            for edge in way:
                taken.append(edge)
                node = self.row(node)[edge]
            edge = self.open(node).pop()
            taken.append(edge)
            node = self.row(node)[edge]
        return tuple(taken) or None

    def way(self, start: int) -> list[int] | None:
        """The shortest way to a node with an edge left."""
        if self.open(start):
            return []
        came: dict[int, tuple[int, int]] = {}
        queue = deque([start])
        while queue:
            node = queue.popleft()
            for edge, after in enumerate(self.row(node)):
                if after == start or after in came:
                    continue
                came[after] = node, edge
                if self.open(after):
                    return _back(came, start, after)
                queue.append(after)
        return None


def _back(came: dict[int, tuple[int, int]], start: int, node: int) -> list[int]:
    way = []
    while node != start:
        node, edge = came[node]
        way.append(edge)
    return way[::-1]


def as_traces(graph: StateGraph, tour: Tour) -> Iterator[Trace]:
    """The traces of a tour, with what the model says to each step."""
    for walk in tour.traces:
        device = ReferenceDevice(graph.profile, graph.config)
        steps = (graph.actions[number] for number in walk)
        yield Trace(
            graph.profile, graph.config, tuple(TraceStep(a, device.apply(a)) for a in steps)
        )

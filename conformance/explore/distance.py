"""Distances in a state graph."""

from __future__ import annotations

from conformance.explore.graph import StateGraph


def diameter(graph: StateGraph) -> int:
    """The most steps that the shortest way between two states takes, of all pairs with a way."""
    near = [1 << number for number in range(len(graph.states))]
    after = [tuple({*row} - {number}) for number, row in enumerate(graph.targets)]
    steps = 0
    # One bit a state: what can be reached in `steps` + 1 steps is what the successors reach in
    # `steps`.
    while (further := _further(near, after)) != near:
        near = further
        steps += 1
    return steps


def _further(near: list[int], after: list[tuple[int, ...]]) -> list[int]:
    further = []
    for reached, followers in zip(near, after, strict=True):
        for follower in followers:
            reached |= near[follower]
        further.append(reached)
    return further

"""Where a generator's choices come from.

The command line takes them from a seed, the property tests from a Hypothesis draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol, TypeVar

T = TypeVar("T")


class Choices(Protocol):
    """A source of choices. Generators put the simplest outcome first, for shrinking."""

    def integer(self, low: int, high: int) -> int:
        """A number within low..high; `low` is the simplest."""

    def pick(self, options: Sequence[tuple[int, T]]) -> T:
        """One of the (weight, option) pairs, weights above 0; the first is the simplest."""

    def chance(self, percent: int) -> bool:
        """True in about `percent` of 100 cases; False is the simpler."""

    def repeat(self, step: Callable[[Choices], None], most: int) -> None:
        """Take a step again and again, at most `most` times."""


class RandomChoices:
    """Choices of a seeded generator: the same seed chooses the same, and repeats to the full."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def pick(self, options: Sequence[tuple[int, T]]) -> T:
        return weighted(options, self._random.randrange(sum(weight for weight, _ in options)))

    def chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def repeat(self, step: Callable[[Choices], None], most: int) -> None:
        for _ in range(most):
            step(self)


def weighted(options: Sequence[tuple[int, T]], at: int) -> T:
    """The option under position `at` when each takes as many positions as its weight."""
    for weight, option in options:
        if at < weight:
            return option
        at -= weight
    raise ValueError(f"position {at} is beyond the weights")

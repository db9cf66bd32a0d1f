"""Hypothesis strategies for configurations, actions and traces.

They share their text with the command line's generator and put the simplest choice first, so that
a failing example shrinks to few steps on a small device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from conformance.generate.choices import Choices, weighted
from conformance.generate.config import choose_config
from conformance.generate.traces import choose_action, choose_trace
from conformance.targets.target import CAPABILITIES
from conformance.traces.trace import Trace
from model.profiles import Profile
from model.state import ConcreteAction, ConcreteState, Config, Fixed

CONTINUE = 31
"""A drawn trace goes on with probability CONTINUE / (CONTINUE + 1) after each step."""
DEEPEST = 80
"""Steps of a drawn trace at most: Hypothesis gives up on draws nested more than 100 deep."""


class DrawnChoices:
    """`conformance.generate.choices.Choices` from a Hypothesis draw."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def pick(self, options: Any) -> Any:
        return weighted(options, self.integer(0, sum(weight for weight, _ in options) - 1))

    def chance(self, percent: int) -> bool:
        return self.integer(0, 99) >= 100 - percent

    def repeat(self, step: Callable[[Choices], None], most: int) -> None:
        self._draw(_steps(step, min(most, DEEPEST)))


@st.composite
def _steps(draw: st.DrawFn, step: Callable[[Choices], None], most: int) -> None:
    """One step and the rest after it. Hypothesis replaces a strategy's draw by one of the same
    strategy within it, and so takes steps away."""
    choices = DrawnChoices(draw)
    if most and choices.integer(0, CONTINUE):
        step(choices)
        draw(_steps(step, most - 1))


@st.composite
def configs(draw: st.DrawFn, profile: Profile) -> Config:
    """Configurations that a device of the profile accepts."""
    return choose_config(DrawnChoices(draw), profile)


@st.composite
def actions(
    draw: st.DrawFn,
    fixed: Fixed[int, bool],
    state: ConcreteState,
    capabilities: frozenset[str] = CAPABILITIES,
) -> ConcreteAction:
    """Actions that suit a device in this state, hostile ones among them."""
    return choose_action(DrawnChoices(draw), fixed, state, capabilities)


@st.composite
def traces(
    draw: st.DrawFn,
    profile: Profile,
    max_steps: int,
    capabilities: frozenset[str] = CAPABILITIES,
) -> Trace:
    """Traces of up to `max_steps` steps (and 80) with what the model says to each."""
    choices = DrawnChoices(draw)
    config = choose_config(choices, profile)
    return choose_trace(choices, profile, config, max_steps, capabilities)

"""A chooser of actions that is steered to what runs have left out.

Of several actions that the generator draws, the one whose case was met least often is taken. What
can be drawn, and so every boundary that the generator knows, stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from conformance.explore.coverage import Case, case_of, cases_of_trace, situation_of
from conformance.generate.choices import Choices
from conformance.generate.traces import choose_action
from conformance.traces.trace import Trace
from model.machine_ints import INTS
from model.rules import step
from model.state import ConcreteAction, ConcreteState, Fixed

DRAWN: Final = 8
"""Actions drawn for one that is taken."""


class Steered:
    """A chooser for `generate.traces`; `met` counts the cases met so far, its own included."""

    def __init__(self, after: Iterable[Trace] = ()) -> None:
        self.met: Counter[Case] = Counter(case for trace in after for case in cases_of_trace(trace))
        self.visits = Counter(case.situation for case in self.met.elements())

    def __call__(
        self,
        choices: Choices,
        fixed: Fixed[int, bool],
        state: ConcreteState,
        capabilities: frozenset[str],
        *,
        late: bool,
    ) -> ConcreteAction:
        best: tuple[int, int] | None = None
        for _ in range(DRAWN):
            done = choose_action(choices, fixed, state, capabilities, late=late)
            result = step(INTS, fixed, state, done)
            case = case_of(fixed, state, done, result.answer, result.block_state)
            # Of equally rare cases, the one that leads where runs went least often.
            rank = self.met[case], self.visits[situation_of(fixed, result.state)]
            if best is None or rank < best:
                best, taken = rank, (done, case)
        chosen, case = taken
        self.met[case] += 1
        self.visits[case.situation] += 1
        return chosen

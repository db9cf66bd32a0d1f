"""What came of a theorem."""

from __future__ import annotations

from dataclasses import dataclass, field

from smt_proofs.solving.settle import Settled
from smt_proofs.solving.solve import Verdict


@dataclass(frozen=True, slots=True)
class Control:
    """A mutated rule and the counterexample on which it breaks the goal, confirmed by execution."""

    mutant: str
    verdict: Verdict
    counterexample: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class Necessity:
    """A hypothesis with inputs outside it; `confirmed`: executed there, the goal fails."""

    hypothesis: str
    text: str
    why: str
    inputs: dict[str, int]
    shows: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome for one theorem.

    `rests_on` names the hypotheses and lemmas that its `obligations` use. `cases` counts the paths
    through the rule that inputs within the hypotheses may take, the others having been shown
    impossible; `goals` and `conditions` the obligations that are met, the latter for "does not
    wrap", "is defined" and "cannot happen". `example` meets the hypotheses. `seconds` is
    wall clock, `remembered` the day on which an earlier run decided it, empty for this one.
    """

    theorem: str
    verdict: Verdict
    reason: str
    rests_on: tuple[str, ...]
    cases: int
    goals: int
    conditions: int
    example: dict[str, int] | None
    counterexample: dict[str, int] | None
    controls: tuple[Control, ...]
    necessity: tuple[Necessity, ...]
    seconds: float = field(compare=False)
    obligations: tuple[Settled, ...] = ()
    remembered: str = field(default="", compare=False)

    @property
    def holds(self) -> bool:
        """Proven, every control refuted, every hypothesis shown to be needed."""
        return (
            self.verdict is Verdict.PROVEN
            and all(c.verdict is Verdict.REFUTED for c in self.controls)
            and all(n.confirmed for n in self.necessity)
        )

"""What a proof owes: formulas, each with its origin, that must contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from smt_proofs.solving.solve import Answer, Term

GOAL: Final = "goal"
IMPOSSIBLE: Final = "the case cannot happen"
NEGATED: Final = "the negated claim"


@dataclass(frozen=True, slots=True)
class Assertion:
    """A formula and where it comes from: a hypothesis, a lemma, a branch, the negated goal."""

    label: str
    term: Term


@dataclass(frozen=True, slots=True)
class Obligation:
    """One query of a theorem; it is met where its assertions together are unsatisfiable.

    `what` says what is shown: the goal, a condition such as "does not wrap", or that a case of the
    rule cannot happen.
    """

    theorem: str
    what: str
    assertions: tuple[Assertion, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """What the search for a proof came to.

    `path` numbers the path through the rule; `trail` holds the outcomes of the rule's branches on
    it, where the domain keeps them.
    """

    answer: Answer
    obligation: Obligation
    path: int
    trail: tuple[bool, ...] = ()

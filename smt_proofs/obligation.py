"""What a proof owes: formulas, each with its origin, that must contradict each other."""

from __future__ import annotations

from dataclasses import dataclass

from smt_proofs.solve import Term


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

"""Facts of integer arithmetic that the theorems rest on, each proven for all integers.

A lemma is proven once over fresh variables and then used at the terms of a rule, so a query never
has to discover a non-linear argument by itself. A lemma may itself rest on instances of earlier
ones, its steps; then its products are opaque too. Only `product_of_naturals_is_natural` is left to
a solver's reasoning about products.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import z3

from smt_proofs.solving.obligation import NEGATED, Assertion, Obligation
from smt_proofs.solving.solve import Term

Formula = tuple[list[Term], Term]
"""Premises and conclusion."""

Steps = list[tuple["Lemma", tuple[Term, ...]]]
"""Instances of lemmas."""

LEMMAS: Final[dict[str, Lemma]] = {}


@dataclass(frozen=True, slots=True)
class Lemma:
    """A universally quantified implication over integers; the parameters are its variables.

    `steps` names, for these variables, the instances of earlier lemmas that it follows from
    linearly, whatever products are; a lemma without steps is proven as it stands.
    """

    name: str
    formula: Callable[..., Formula]
    steps: Callable[..., Steps] | None = None

    @property
    def claim(self) -> str:
        """The lemma in one line."""
        return (self.formula.__doc__ or "").strip().split("\n")[0]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the integers it speaks of."""
        return tuple(inspect.signature(self.formula).parameters)

    @property
    def rests_on(self) -> tuple[str, ...]:
        """The lemmas that are its steps, by name."""
        variables = [z3.Int(name) for name in self.variables]
        steps = self.steps(*variables) if self.steps is not None else []
        return tuple(dict.fromkeys(lemma.name for lemma, _ in steps))

    def at(self, *terms: Term) -> Term:
        """The instance of the lemma at these terms."""
        return z3.substitute_vars(_template(self.formula), *terms)

    @property
    def linear(self) -> bool:
        """Its steps suffice whatever products are: they may be opaque in its proof."""
        return self.steps is not None

    def obligation(self) -> Obligation:
        """The lemma denied, which its steps must contradict.

        Raises ValueError for a step that is not an earlier lemma: it could rest on this one.
        """
        if late := set(self.rests_on) - set(earlier(self.name)):
            raise ValueError(f"lemma {self.name} rests on {late.pop()}, which is not before it")
        variables = [z3.Int(name) for name in self.variables]
        premises, conclusion = self.formula(*variables)
        assertions = [Assertion("premise", premise) for premise in premises]
        if self.steps is not None:
            for lemma, terms in self.steps(*variables):
                assertions.append(Assertion(f"lemma {lemma.name}", lemma.at(*terms)))
        assertions.append(Assertion(NEGATED, z3.Not(conclusion)))
        return Obligation(self.name, "lemma", tuple(assertions))


@cache
def _template(formula: Callable[..., Formula]) -> Term:
    """The implication over z3's own variables: an instance is then made by z3 in one step."""
    count = len(inspect.signature(formula).parameters)
    premises, conclusion = formula(*(z3.Var(number, z3.IntSort()) for number in range(count)))
    return z3.Implies(z3.And(premises), conclusion)


def earlier(name: str) -> list[str]:
    """The lemmas registered before the one of that name; all of them for any other name."""
    names = list(LEMMAS)
    return names[: names.index(name)] if name in LEMMAS else names


def lemma(formula: Callable[..., Formula]) -> Lemma:
    """Register a function of integer terms as a lemma. Raises ValueError for a name taken."""
    return _registered(Lemma(formula.__name__, formula))


def lemma_by(
    steps: Callable[..., Steps],
) -> Callable[[Callable[..., Formula]], Lemma]:
    """As `lemma`, for one that follows from these instances of earlier ones."""
    return lambda formula: _registered(Lemma(formula.__name__, formula, steps))


def _registered(made: Lemma) -> Lemma:
    if made.name in LEMMAS:
        raise ValueError(f"lemma {made.name} is registered twice")
    LEMMAS[made.name] = made
    return made


def divides(n: Term, d: Term, quotient: Term, remainder: Term) -> list[Term]:
    """n = quotient * d + remainder, as integer division defines it for d >= 1."""
    return [d >= 1, n == quotient * d + remainder, remainder >= 0, remainder < d]

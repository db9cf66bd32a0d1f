"""Every path through the hypotheses and the goal of a theorem, in a symbolic domain."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from smt_proofs.decision.executed import by_name
from smt_proofs.decision.theorem import Hints, Theorem
from smt_proofs.lemmas.lemma import Lemma
from smt_proofs.lemmas.products import multiples_in_order, small_factors_make_small_products
from smt_proofs.solving.obligation import Assertion
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.evaluation import Terms
from smt_proofs.symbolic.paths import Script, explore
from smt_proofs.symbolic.terms import IntTerms

NO_PINS: Final[Mapping[str, int]] = {}


@dataclass(frozen=True, slots=True)
class Path:
    """One path through hypotheses and goal: what must follow, and the lemma instances for it."""

    domain: Terms
    inputs: Any
    goal: Term
    hints: tuple[Assertion, ...]


def paths_of(
    theorem: Theorem[Any], domain: type[Terms], pins: Mapping[str, int] = NO_PINS
) -> Iterator[Path]:
    """Evaluate hypotheses and goal of a theorem over every path in a symbolic domain.

    `pins` fixes inputs by name, which leaves fewer paths; only a search for examples may do that.
    """

    def run(script: Script) -> Path:
        d = domain(script)
        inputs = theorem.inputs(d)
        if pins:
            terms = by_name(inputs)
            d.given.extend(terms[name] == value for name, value in pins.items())
        for hypothesis in theorem.hypotheses:
            d.given.append(hypothesis.holds(d, inputs))
        goal = theorem.goal(d, inputs)
        hints = []
        if isinstance(d, IntTerms):
            with d.without_duties():
                hints = theorem.hints(d, inputs) if theorem.hints is not None else []
            hints += of_products(d)
        instances = (Assertion(f"lemma {lemma.name}", lemma.at(*terms)) for lemma, terms in hints)
        return Path(d, inputs, goal, tuple(instances))

    return explore(run)


def of_products(d: IntTerms) -> Hints:
    """What the products that a path met say by themselves, and those with a common factor of each
    other; a division is a product of its quotient."""
    products = [*d.multiplied, *((quotient, size) for _, size, quotient, _ in d.quotients)]
    found: dict[tuple[Term, ...], Lemma] = {
        factors: small_factors_make_small_products for factors in products
    }
    sides = [*products, *((b, a) for a, b in products)]
    for (a, size), (b, same) in itertools.combinations(sides, 2):
        if size.eq(same) and not a.eq(b):
            found[a, b, size] = multiples_in_order
    return [(lemma, terms) for terms, lemma in found.items()]

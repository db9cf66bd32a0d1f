"""The decision function bit by bit: a cross-check of the proofs over integers, within bounds.

Here a word is a vector of 64 bits and every operation is C's own, division included: nothing is
left open and nothing rests on a lemma or on conditions against wrapping. That is hard on a solver,
so block size and limit are given, and the region has a bound; within it, all inputs are covered.
The theorems are those of the book, hypotheses and goals as they stand there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import z3

from model.arithmetic import GIB, MIB, TIB
from smt_proofs.decision.executed import concrete, flat, goal_fails, meets
from smt_proofs.decision.inputs import Input, any_input
from smt_proofs.decision.paths import paths_of
from smt_proofs.decision.theorem import Hypothesis, Theorem
from smt_proofs.solving.obligation import GOAL, NEGATED, Assertion, Obligation
from smt_proofs.solving.smtlib import script
from smt_proofs.solving.solve import Answer, Term, Verdict, ask, conjuncts
from smt_proofs.solving.solvers import decide
from smt_proofs.symbolic.evaluation import Duty, Terms
from smt_proofs.symbolic.terms import BitTerms

SOLVER: Final = "bitwuzla"
"""The quickest by far on vectors of bits; any other that knows them will do."""
DEFAULT_TIMEOUT: Final = 20.0
"""Seconds a query."""


class ExactTerms(BitTerms):
    """Words as 64-bit vectors, exact to the bit in every operation."""

    def div(self, a: Term, b: Term) -> Term:
        self.require("divisor is not zero", b != 0)
        return z3.UDiv(a, b)

    def mod(self, a: Term, b: Term) -> Term:
        self.require("divisor is not zero", b != 0)
        return z3.URem(a, b)

    def _forced(self, condition: Term) -> bool | None:
        # Whether a branch is possible is the solver's business: asking here takes longer.
        return None


@dataclass(frozen=True, slots=True)
class Bounds:
    """A block size (bytes), a limit (memslots), and the largest region (bytes)."""

    block: int
    limit: int
    region: int


@dataclass(frozen=True, slots=True)
class BitCheck:
    """The outcome for one theorem within bounds.

    `queries` counts the obligations answered unsat; a `counterexample` is confirmed by execution.
    `seconds` is wall clock.
    """

    theorem: str
    bounds: Bounds
    solver: str
    verdict: Verdict
    queries: int
    counterexample: dict[str, int] | None
    seconds: float


LAYOUT: Final = (
    "count_never_exceeds_limit",
    "every_slot_aligned_to_block",
    "slots_no_smaller_than_minimum",
    "slots_as_fine_as_allowed",
)
TILING: Final = "slots_tile_region_last_smaller"
"""The one that multiplies most, and takes longest."""

CASES: Final[dict[Bounds, tuple[str, ...]]] = {
    Bounds(MIB, 2, TIB): (*LAYOUT, TILING),
    Bounds(2 * MIB, 3, TIB): LAYOUT,
    Bounds(2 * MIB, 3, 8 * GIB): (TILING,),
    Bounds(2 * MIB, 256, TIB): LAYOUT,
    Bounds(2 * MIB, 256, 512 * GIB): (TILING,),
    Bounds(128 * MIB, 256, TIB): (*LAYOUT, TILING),
    Bounds(GIB, 7, TIB): (*LAYOUT, TILING),
}
"""What is checked."""


def within(theorem: Theorem[Input], bounds: Bounds) -> Theorem[Input]:
    """The theorem about inputs within bounds; page and default block size, and both flags, free."""

    def inputs(d: Terms) -> Input:
        some = any_input(d)
        return replace(some, block=d.lit(bounds.block), limit=d.lit(bounds.limit))

    bound = Hypothesis(
        "region-in-bounds",
        f"region <= {bounds.region}",
        "what a solver decides bit by bit",
        lambda d, c: d.le(c.region, d.lit(bounds.region)),
    )
    return replace(theorem, inputs=inputs, hypotheses=(bound, *theorem.hypotheses))


def without(theorem: Theorem[Input], *hypotheses: str) -> Theorem[Input]:
    """The theorem, but for some of its hypotheses. Raises KeyError for one that it has not."""
    if unknown := set(hypotheses) - {h.name for h in theorem.hypotheses}:
        raise KeyError(f"{theorem.name} does not assume {', '.join(sorted(unknown))}")
    kept = tuple(h for h in theorem.hypotheses if h.name not in hypotheses)
    return replace(theorem, hypotheses=kept)


def obligations(theorem: Theorem[Any]) -> Iterator[tuple[Obligation, Any]]:
    """What the theorem owes bit by bit, with the inputs that each obligation speaks of."""
    # A duty met before a branch is shared by all paths beyond it; terms stay alive with their key.
    seen: dict[tuple[int, ...], Duty] = {}
    for path in paths_of(theorem, ExactTerms):
        d = path.domain
        goals = [Duty(GOAL, tuple(d.given), tuple(d.path), part) for part in conjuncts(path.goal)]
        for owed in [*d.duties, *goals]:
            parts = (*owed.given, *owed.path, owed.condition)
            key = (len(owed.given), *(part.get_id() for part in parts))
            if key not in seen:
                seen[key] = owed
                yield _obligation(theorem, d.facts, owed), path.inputs


def _obligation(theorem: Theorem[Any], facts: list[Term], owed: Duty) -> Obligation:
    names = (f"hypothesis {hypothesis.name}" for hypothesis in theorem.hypotheses)
    assertions = (
        *(Assertion("definition", fact) for fact in facts),
        *(Assertion(name, term) for name, term in zip(names, owed.given, strict=False)),
        *(Assertion("branch", term) for term in owed.path),
        Assertion(NEGATED, z3.Not(owed.condition)),
    )
    return Obligation(theorem.name, owed.what, assertions)


def check(
    theorem: Theorem[Input],
    bounds: Bounds,
    solver: str = SOLVER,
    timeout: float = DEFAULT_TIMEOUT,
) -> BitCheck:
    """Decide a theorem within bounds, up to the first obligation that is not met; VACUOUS where
    no input within the bounds is found that meets the hypotheses."""
    start = time.perf_counter()
    bounded = within(theorem, bounds)
    verdict, found, decided = Verdict.PROVEN, None, set[str]()
    for owed, inputs in obligations(bounded):
        text = script(owed)
        if text in decided:
            continue
        answer = decide(text, solver, timeout)
        if answer is not Answer.UNSAT:
            if answer is Answer.SAT:
                found = _counterexample(bounded, owed, inputs, timeout)
            verdict = Verdict.UNKNOWN if found is None else Verdict.REFUTED
            break
        decided.add(text)
    if verdict is Verdict.PROVEN and not _satisfiable(bounded, solver, timeout):
        verdict = Verdict.VACUOUS
    seconds = time.perf_counter() - start
    return BitCheck(theorem.name, bounds, solver, verdict, len(decided), found, seconds)


def _satisfiable(theorem: Theorem[Input], solver: str, timeout: float) -> bool:
    """Some path is open to inputs that meet the hypotheses."""
    for path in paths_of(theorem, ExactTerms):
        d = path.domain
        known = (Assertion("known", term) for term in (*d.facts, *d.given, *d.path))
        if (
            decide(script(Obligation(theorem.name, "some input", tuple(known))), solver, timeout)
            is Answer.SAT
        ):
            return True
    return False


def _counterexample(
    theorem: Theorem[Input], owed: Obligation, inputs: Any, timeout: float
) -> dict[str, int] | None:
    """Inputs at which the executed goal fails; None where none is found."""
    model = ask((assertion.term for assertion in owed.assertions), timeout)[1]
    if model is None:
        return None
    at = concrete(inputs, model)
    return flat(at) if meets(theorem, at) and goal_fails(theorem, at) else None

"""Proofs by induction on an index: base, step and ends, each one query without a quantifier.

What holds of every index is shown of one arbitrary index; what some index meets is shown of a named
witness. Products of two unknowns stay opaque: what is used of them are instances of lemmas.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import z3

from smt_proofs.solving.obligation import Assertion, Obligation
from smt_proofs.solving.opaque import opaque
from smt_proofs.solving.solve import NEGATION_VERDICT, Answer, Term, Verdict, ask
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.terms import IntTerms


@dataclass(frozen=True, slots=True)
class Query:
    """The claim follows from the premises."""

    what: str
    premises: tuple[Assertion, ...]
    claim: Term


Given: TypeAlias = dict[str, Term]
"""Premises by label."""


def query(what: str, claim: Term, premises: Given) -> Query:
    """A query, its premises by label."""
    given = tuple(Assertion(label, opaque(term)) for label, term in premises.items())
    return Query(what, given, opaque(claim))


@dataclass(frozen=True, slots=True)
class Wrong:
    """A negative control: `part` replaced by `value`, under which the query `breaks` fails."""

    name: str
    part: str
    value: Callable[..., Any]
    breaks: str


@dataclass(frozen=True, slots=True)
class Induction:
    """A claim by induction; `loop` is the C loop that it is about, empty if there is none.

    `queries` makes base, step and ends from the `parts`, so that a wrong part goes through the
    very same text. `lemmas` names those whose instances are used.
    """

    name: str
    claim: str
    loop: str
    source: str
    parts: Mapping[str, Callable[..., Any]]
    queries: Callable[..., tuple[Query, ...]]
    wrong: tuple[Wrong, ...]
    lemmas: tuple[str, ...] = ()

    def obligations(self) -> tuple[Obligation, ...]:
        """What must be unsatisfiable, a query each."""
        return tuple(
            Obligation(
                self.name,
                each.what,
                (*each.premises, Assertion("the claim fails", z3.Not(each.claim))),
            )
            for each in self.queries(**self.parts)
        )


INDUCTIONS: Final[dict[str, Induction]] = {}


def register(induction: Induction) -> Induction:
    """Add an induction. Raises ValueError for a name taken or a control left out."""
    if induction.name in INDUCTIONS:
        raise ValueError(f"induction {induction.name} is registered twice")
    if not induction.wrong:
        raise ValueError(f"induction {induction.name} has no negative control")
    INDUCTIONS[induction.name] = induction
    return induction


@dataclass(frozen=True, slots=True)
class InductionProof:
    """The outcome for one induction.

    `queries` counts those answered unsat, `controls` gives the verdict on the claim under each
    wrong part; `seconds` is wall clock.
    """

    induction: str
    verdict: Verdict
    reason: str
    queries: int
    controls: dict[str, Verdict]
    seconds: float

    @property
    def holds(self) -> bool:
        """Proven, and refuted under every wrong part."""
        refuted = all(verdict is Verdict.REFUTED for verdict in self.controls.values())
        return self.verdict is Verdict.PROVEN and refuted


def decide(each: Query, timeout: float) -> tuple[Verdict, str]:
    """Decide one query: its premises must be satisfiable, the claim's failure must not be."""
    premises = [premise.term for premise in each.premises]
    met = ask(premises, timeout)[0]
    if met is Answer.UNSAT:
        return Verdict.VACUOUS, f"{each.what}: the premises contradict each other"
    if met is Answer.UNKNOWN:
        return Verdict.UNKNOWN, f"{each.what}: no answer on the premises"
    answer = ask([*premises, z3.Not(each.claim)], timeout)[0]
    return NEGATION_VERDICT[answer], f"{each.what}: the negation is {answer.value}"


def control(induction: Induction, wrong: Wrong, timeout: float) -> Verdict:
    """The verdict on the query that a wrong part must break. Raises ValueError for a part or a
    query that is none."""
    if wrong.part not in induction.parts:
        raise ValueError(f"{induction.name}: {wrong.part!r} is no part of it")
    parts = {**induction.parts, wrong.part: wrong.value}
    for each in induction.queries(**parts):
        if each.what == wrong.breaks:
            return decide(each, timeout)[0]
    raise ValueError(f"{induction.name}: {wrong.breaks!r} is no query of it")


def prove_induction(induction: Induction, timeout: float) -> InductionProof:
    """Decide an induction and its negative controls; `timeout` is in seconds a query.

    The lemmas it names are decided elsewhere, once for all.
    """
    start = time.perf_counter()
    proven, verdict, reason = 0, Verdict.PROVEN, ""
    for each in induction.queries(**induction.parts):
        verdict, reason = decide(each, timeout)
        if verdict is not Verdict.PROVEN:
            break
        proven, reason = proven + 1, ""
    controls = {wrong.name: control(induction, wrong, timeout) for wrong in induction.wrong}
    seconds = time.perf_counter() - start
    return InductionProof(induction.name, verdict, reason, proven, controls, seconds)


class IndexTerms(IntTerms):
    """Integers for loop bodies, where a choice is a term and no path."""

    def select(self, condition: Term, then: Term, otherwise: Term) -> Term:
        return z3.If(condition, then, otherwise)


def index_terms() -> IndexTerms:
    """A domain for loop bodies."""
    return IndexTerms(Script([]))

"""Decide one theorem: its obligations, its hypotheses, its negative controls and its witnesses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import z3

from smt_proofs.decision.executed import concrete, flat, goal_fails, meets
from smt_proofs.decision.mutants import MUTANTS
from smt_proofs.decision.outcome import Control, Necessity, Proof
from smt_proofs.decision.paths import Path, paths_of
from smt_proofs.decision.theorem import Theorem
from smt_proofs.solving.obligation import GOAL, IMPOSSIBLE, NEGATED, Assertion, Obligation, Sought
from smt_proofs.solving.search import Search
from smt_proofs.solving.settle import Decide, settle, tally
from smt_proofs.solving.solve import (
    Answer,
    Term,
    Verdict,
    ask,
    conjuncts,
    contradict_linearly,
)
from smt_proofs.symbolic.evaluation import Duty
from smt_proofs.symbolic.terms import IntTerms


def find(
    theorem: Theorem[Any],
    wanted: Callable[[Path], Term],
    confirmed: Callable[[Any], bool],
    timeout: float,
) -> Any | None:
    """Inputs within the hypotheses that meet `wanted` on some path, `confirmed` by execution.

    The search fixes the theorem's `pins` and reasons without wrapping: what it finds counts only
    once it was executed on machine integers. Paths with more branches are tried first, since they
    lead past the early returns of a rule.
    """
    paths = paths_of(theorem, IntTerms, theorem.pins)
    for path in sorted(paths, key=lambda p: -len(p.domain.path)):
        conditions = [*path.domain.facts, *path.domain.given, wanted(path)]
        if contradict_linearly(conditions):
            continue
        model = ask(conditions, timeout)[1]
        if model is not None:
            inputs = concrete(path.inputs, model)
            if meets(theorem, inputs) and confirmed(inputs):
                return inputs
    return None


def counterexample(theorem: Theorem[Any], timeout: float) -> Any | None:
    """Inputs within the hypotheses on which the executed goal fails; None where none is found."""

    def wrong(path: Path) -> Term:
        d = path.domain
        duties = [z3.And(*duty.path, z3.Not(duty.condition)) for duty in d.duties]
        return z3.Or(z3.And(*d.path, z3.Not(path.goal)), *duties)

    return find(theorem, wrong, lambda inputs: goal_fails(theorem, inputs), timeout)


def example(theorem: Theorem[Any], timeout: float) -> Any | None:
    """Inputs that meet the hypotheses, executed; None where none is found."""
    return find(theorem, lambda path: z3.And(*path.domain.path), lambda _: True, timeout)


def contradictory(theorem: Theorem[Any], timeout: float) -> bool:
    """No input meets the hypotheses, whatever path it takes."""
    return all(
        ask([*path.domain.facts, *path.domain.given], timeout)[0] is Answer.UNSAT
        for path in paths_of(theorem, IntTerms)
    )


def control(theorem: Theorem[Any], mutant: str, timeout: float) -> Control:
    """The theorem under a wrong rule: it must be refuted, by inputs that execution confirms."""
    with MUTANTS[mutant].applied():
        found = counterexample(theorem, timeout)
    verdict = Verdict.UNKNOWN if found is None else Verdict.REFUTED
    return Control(mutant, verdict, None if found is None else flat(found))


def necessity(theorem: Theorem[Any]) -> tuple[Necessity, ...]:
    """Execute the witness outside each hypothesis."""
    hypotheses = {h.name: h for h in theorem.hypotheses}
    return tuple(
        Necessity(
            hypothesis=o.hypothesis,
            text=hypotheses[o.hypothesis].text,
            why=hypotheses[o.hypothesis].why,
            inputs=flat(o.inputs),
            shows=o.shows,
            confirmed=meets(theorem, o.inputs, without=o.hypothesis)
            and goal_fails(theorem, o.inputs),
        )
        for o in theorem.outside
    )


def seek(theorem: Theorem[Any]) -> Iterator[Sought]:
    """The obligations of a theorem, each with the few assertions that its proof needs.

    First the cases that cannot happen, then on every path the conditions that its operations rest
    on and the parts of the goal.
    """
    # A duty met before a branch is shared by all paths beyond it; terms stay alive with their key.
    settled: dict[tuple[int, ...], Duty] = {}
    for number, path in enumerate(paths_of(theorem, theorem.arithmetic.terms())):
        d = path.domain
        search = Search()
        search.know(Assertion(d.label(fact), fact) for fact in d.facts)
        search.know(path.hints)
        look = partial(_sought, theorem, search, number)
        whole = tuple(d.given), tuple(d.path)
        impossible = look(Duty(IMPOSSIBLE, *whole, z3.BoolVal(False)))
        owing = [*d.closed, *d.duties, *(Duty(GOAL, *whole, part) for part in conjuncts(path.goal))]
        if impossible.answer is Answer.UNSAT:
            yield impossible
            # That no input takes this path may be said by a hypothesis whose evaluation wraps here.
            owing = [*d.closed, *(duty for duty in d.duties if len(duty.given) < len(d.given))]
        for owed in owing:
            parts = (*owed.given, *owed.path, owed.condition)
            key = (len(owed.given), *(part.get_id() for part in parts))
            if key not in settled:
                settled[key] = owed
                yield look(owed)


def _sought(theorem: Theorem[Any], search: Search, path: int, owed: Duty) -> Sought:
    names = [hypothesis.name for hypothesis in theorem.hypotheses]
    hypotheses = [
        Assertion(f"hypothesis {name}", term) for name, term in zip(names, owed.given, strict=False)
    ]
    branches = [Assertion("branch", term) for term in owed.path]
    assertions = [*hypotheses, *branches, Assertion(NEGATED, z3.Not(owed.condition))]
    answer, core = search.refute(assertions)
    return Sought(answer, Obligation(theorem.name, owed.what, core), path)


def prove(theorem: Theorem[Any], decide: Decide, timeout: float) -> Proof:
    """Decide a theorem; `timeout` is in seconds a query of the search for examples.

    A refutation needs inputs that execution confirms, since a failed no-wrap condition alone shows
    only that the proof does not carry over to C words. The lemmas used are decided once for all
    theorems.
    """
    start = time.perf_counter()
    owed = tuple(settle(seek(theorem), decide))
    sums = tally(owed)
    verdict, reason, failing = sums.verdict, sums.reason, None
    meeting = example(theorem, timeout)
    if verdict is Verdict.PROVEN and meeting is None:
        if contradictory(theorem, timeout):
            verdict, reason = Verdict.VACUOUS, "the hypotheses contradict each other"
        else:
            verdict, reason = Verdict.UNKNOWN, "no input found in time that meets the hypotheses"
    if sums.verdict is not Verdict.PROVEN:
        failing = counterexample(theorem, timeout)
        verdict = Verdict.UNKNOWN if failing is None else Verdict.REFUTED
    return Proof(
        theorem=theorem.name,
        verdict=verdict,
        reason=reason,
        rests_on=sums.rests_on,
        cases=sums.cases,
        goals=sums.goals,
        conditions=sums.conditions,
        example=None if meeting is None else flat(meeting),
        counterexample=None if failing is None else flat(failing),
        controls=tuple(control(theorem, m, timeout) for m in theorem.mutants),
        necessity=necessity(theorem),
        seconds=time.perf_counter() - start,
        obligations=owed,
    )

"""Decide what theorems rest on: lemmas, and inductions over the index of a loop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import z3

from smt_proofs.lemmas.index_induction import Induction, prove_induction
from smt_proofs.lemmas.lemma import Lemma
from smt_proofs.solving.obligation import Assertion, Obligation
from smt_proofs.solving.opaque import opaque
from smt_proofs.solving.settle import Decide, Settled, settle_plain, tally
from smt_proofs.solving.solve import Answer, Verdict, ask


@dataclass(frozen=True, slots=True)
class LemmaProof:
    """The outcome for one lemma or induction.

    `kind` is "lemma" or "induction"; `queries` counts the obligations answered unsat by every
    solver, `controls` the wrong parts under which an induction is refuted, of `controlled`.
    `seconds` is wall clock, and `remembered` the day on which an earlier run decided it, empty for
    this one: neither is part of what was found.
    """

    lemma: str
    kind: str
    claim: str
    verdict: Verdict
    reason: str
    queries: int
    controls: int
    controlled: int
    seconds: float = field(compare=False)
    obligations: tuple[Settled, ...] = ()
    remembered: str = field(default="", compare=False)


def obligation_of(lemma: Lemma) -> Obligation:
    """A lemma over all integers as one query; its products are opaque where its steps suffice."""
    owed = lemma.obligation()
    if not lemma.linear:
        return owed
    return replace(
        owed, assertions=tuple(Assertion(a.label, opaque(a.term)) for a in owed.assertions)
    )


def prove_lemma(lemma: Lemma, decide: Decide, timeout: float) -> LemmaProof:
    """Decide a lemma; VACUOUS where its premises contradict each other."""
    start = time.perf_counter()
    owed = tuple(settle_plain([obligation_of(lemma)], decide))
    sums = tally(owed)
    verdict, reason = sums.verdict, sums.reason
    if not lemma.linear:
        # Where products are opaque, a solver that is not convinced refutes nothing.
        verdict, reason = _judged(owed, verdict, reason)
    variables = [z3.Int(name) for name in lemma.variables]
    premises, _ = lemma.formula(*variables)
    # Small numbers meet most of them, and are found at once.
    met = ask([*premises, *(z3.And(x >= 0, x <= 1) for x in variables)], timeout)[0]
    if met is not Answer.SAT:
        met = ask(premises, timeout)[0]
    if met is not Answer.SAT:
        verdict = Verdict.VACUOUS if met is Answer.UNSAT else Verdict.UNKNOWN
        reason = "no integers found that meet the premises"
    seconds = time.perf_counter() - start
    proven = sums.conditions
    return LemmaProof(
        lemma.name, "lemma", lemma.claim, verdict, reason, proven, 0, 0, seconds, owed
    )


def prove_by_induction(induction: Induction, decide: Decide, timeout: float) -> LemmaProof:
    """Decide an induction, its negative controls, and that its premises can be met."""
    start = time.perf_counter()
    owed = tuple(settle_plain(induction.obligations(), decide))
    sums = tally(owed)
    verdict, reason = _judged(owed, sums.verdict, sums.reason)
    shown = prove_induction(induction, timeout)
    if verdict is Verdict.PROVEN and shown.verdict is not Verdict.PROVEN:
        verdict, reason = shown.verdict, shown.reason
    refuted = sum(control is Verdict.REFUTED for control in shown.controls.values())
    seconds = time.perf_counter() - start
    proven, controlled = sums.conditions, len(shown.controls)
    return LemmaProof(
        induction.name,
        "induction",
        induction.claim,
        verdict,
        reason,
        proven,
        refuted,
        controlled,
        seconds,
        owed,
    )


def _judged(owed: tuple[Settled, ...], verdict: Verdict, reason: str) -> tuple[Verdict, str]:
    """What integers refute is refuted, since nothing wraps here."""
    refuted = any(settled.verdict is Verdict.REFUTED for settled in owed)
    return (Verdict.REFUTED, reason) if refuted else (verdict, reason)

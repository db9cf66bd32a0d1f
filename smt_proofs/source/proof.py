"""Whether a function equals its rule for all inputs: one query a path and condition."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import z3

from model.profiles import Mapping, Profile
from smt_proofs.solving.solve import Answer, Term, ask
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.domain import SourceTerms
from smt_proofs.source.evaluation import Lookup
from smt_proofs.source.inputs import any_inputs
from smt_proofs.source.ir import Function
from smt_proofs.source.rules import Rule
from smt_proofs.source.runs import ProofRun
from smt_proofs.symbolic.paths import Script, explore

TIMEOUT: Final = 5.0
"""Seconds a query; those that are proven take milliseconds."""


class Equality(Enum):
    """What the solver made of the claim that source and model are alike."""

    PROVEN = "proven"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a proof got: over how many paths and queries, and what was left open."""

    equality: Equality
    paths: int
    queries: int
    reason: str = ""


def prove(
    rule: Rule, function: Function, functions: Lookup, profile: Profile, mapping: Mapping
) -> Proof:
    """Prove that a function equals its rule. Raises UnsupportedError."""

    def run(script: Script) -> tuple[SourceTerms, list[Claim]]:
        d = SourceTerms(script)
        x = any_inputs(d)
        for _, condition in rule.hypotheses(d, x):
            d.given.append(condition)
        case = Case(d, x, profile, mapping, ProofRun, functions, function)
        return d, rule.claims(case)

    asked: set[tuple[int, ...]] = set()
    kept: list[Term] = []
    paths = queries = 0
    for d, claims in explore(run):
        paths += 1
        if paths == 1 and ask([*d.facts, *d.given], TIMEOUT)[0] is not Answer.SAT:
            return Proof(Equality.OPEN, paths, 1, "the hypotheses are not shown to be satisfiable")
        owed = [
            (f"not shown: {duty.what}", [*duty.given, *duty.path], duty.condition)
            for duty in (*d.closed, *d.duties)
        ]
        known = [*d.given, *d.path]
        owed += [
            (f"not shown alike: {claim.what}", known, claim.holds)
            for claim in claims
            if not z3.is_true(z3.simplify(claim.holds))
        ]
        # A path shares what it owes with those that begin alike.
        new = {_key(given, condition): (what, given, condition) for what, given, condition in owed}
        todo = [item for key, item in new.items() if key not in asked]
        asked.update(new)
        kept += [term for _, given, condition in todo for term in (*given, condition)]
        queries += len(todo)
        broken = [z3.And(*given, z3.Not(condition)) for _, given, condition in todo]
        if not broken or ask([*d.facts, z3.Or(*broken)], TIMEOUT)[0] is Answer.UNSAT:
            continue
        for (what, _, _), violated in zip(todo, broken, strict=True):
            if ask([*d.facts, violated], TIMEOUT)[0] is not Answer.UNSAT:
                return Proof(Equality.OPEN, paths, queries, what)
    return Proof(Equality.PROVEN, paths, queries)


def _key(given: list[Term], condition: Term) -> tuple[int, ...]:
    """What tells a condition with what is known from another one."""
    return (*sorted(term.get_id() for term in given), condition.get_id())

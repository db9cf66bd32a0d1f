"""Whether a function equals its rule for all inputs: one query a path and condition.

A query goes to a solver in a context of its own, with an end counted in the solver's resources: the
answer depends neither on what was asked before nor on how busy the machine is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

import z3

from model.profiles import Mapping, Profile
from smt_proofs.solving.solve import SEED, Answer, Term
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.domain import SourceTerms
from smt_proofs.source.evaluation import Lookup
from smt_proofs.source.guesses import guesses
from smt_proofs.source.inputs import Inputs, any_inputs
from smt_proofs.source.ir import Function
from smt_proofs.source.rules import Rule
from smt_proofs.source.runs import ProofRun
from smt_proofs.symbolic.paths import Script, explore

EFFORT: Final = 20_000_000
"""Resource units a query; those that are proven take a fortieth of it."""


class Equality(Enum):
    """What the solver made of the claim that source and model are alike."""

    PROVEN = "proven"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a proof got: over how many paths and queries, and what was left open.

    `tries` are inputs, each made when asked for, at which the solver would have that fail.
    """

    equality: Equality
    paths: int
    queries: int
    reason: str = ""
    tries: Iterable[Inputs] = ()


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

    return proven(run)


def proven(run: Callable[[Script], tuple[SourceTerms, list[Claim]]]) -> Proof:
    """Prove the claims of a run on all its paths. Raises UnsupportedError."""
    asked: set[tuple[int, ...]] = set()
    kept: list[Term] = []
    paths = queries = 0
    for d, claims in explore(run):
        paths += 1
        if paths == 1 and ask([*d.facts, *d.given]) is not Answer.SAT:
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
        if not broken or ask([*d.facts, z3.Or(*broken)]) is Answer.UNSAT:
            continue
        for (what, _, _), violated in zip(todo, broken, strict=True):
            if ask([*d.facts, violated]) is not Answer.UNSAT:
                tries = guesses(d.facts, violated)
                return Proof(Equality.OPEN, paths, queries, what, tries)
    return Proof(Equality.PROVEN, paths, queries)


def ask(conditions: list[Term]) -> Answer:
    """Are the conditions satisfiable together? UNKNOWN where the effort did not do."""
    context = z3.Context()
    solver = z3.Solver(ctx=context)
    solver.set("random_seed", SEED)
    solver.set("rlimit", EFFORT)
    solver.add(*(condition.translate(context) for condition in conditions))
    return Answer(str(solver.check()))


def _key(given: list[Term], condition: Term) -> tuple[int, ...]:
    """What tells a condition with what is known from another one."""
    return (*sorted(term.get_id() for term in given), condition.get_id())

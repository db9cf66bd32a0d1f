"""Whether a function equals its rule for all inputs: one query a path and condition.

The queries of a proof go to solvers in a context of its own, with an end counted in the solver's
resources: an answer depends neither on other proofs nor on how busy the machine is.
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
    queries = Queries()
    paths = 0
    for d, claims in explore(run):
        paths += 1
        if paths == 1 and queries.ask([*d.facts, *d.given]) is not Answer.SAT:
            return Proof(Equality.OPEN, paths, 1, "the hypotheses are not shown to be satisfiable")
        broken = queries.first_open(d, claims)
        if broken is not None:
            what, tries = broken
            return Proof(Equality.OPEN, paths, queries.count, what, tries)
    return Proof(Equality.PROVEN, paths, queries.count)


class Queries:
    """The queries of one proof; `count` is how many conditions were asked about."""

    def __init__(self) -> None:
        self.count = 0
        self._context = z3.Context()
        self._asked: set[tuple[int, ...]] = set()
        # z3 may give the id of a freed term to another one.
        self._kept: list[Term] = []

    def first_open(
        self, d: SourceTerms, claims: Iterable[Claim]
    ) -> tuple[str, Iterable[Inputs]] | None:
        """The first condition of a path that is not shown, with inputs at which it may fail."""
        owed = [
            (f"not shown: {duty.what}", [*duty.given, *duty.path], duty.condition)
            for duty in (*d.closed, *d.duties)
        ]
        known = [*d.given, *d.path]
        owed += [(f"not shown alike: {claim.what}", known, claim.holds) for claim in claims]
        owed = [item for item in owed if not z3.is_true(z3.simplify(item[2]))]
        # A path shares what it owes with those that begin alike.
        new = {_key(given, condition): (what, given, condition) for what, given, condition in owed}
        todo = [item for key, item in new.items() if key not in self._asked]
        self._asked.update(new)
        self._kept += [term for _, given, condition in todo for term in (*given, condition)]
        self.count += len(todo)
        broken = [z3.And(*given, z3.Not(condition)) for _, given, condition in todo]
        if not broken or self.ask([*d.facts, z3.Or(*broken)]) is Answer.UNSAT:
            return None
        for (what, _, _), violated in zip(todo, broken, strict=True):
            if self.ask([*d.facts, violated]) is not Answer.UNSAT:
                return what, guesses(d.facts, violated)
        return None

    def ask(self, conditions: list[Term]) -> Answer:
        """Are the conditions satisfiable together? UNKNOWN where the effort did not do."""
        solver = z3.Solver(ctx=self._context)
        solver.set("random_seed", SEED)
        solver.set("rlimit", EFFORT)
        solver.add(*(condition.translate(self._context) for condition in conditions))
        return Answer(str(solver.check()))


def _key(given: list[Term], condition: Term) -> tuple[int, ...]:
    """What tells a condition with what is known from another one."""
    return (*sorted(term.get_id() for term in given), condition.get_id())

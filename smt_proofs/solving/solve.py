"""One solver query, and the closed set of verdicts that follow from its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

import z3

from smt_proofs.solving.bindings import hasten
from smt_proofs.solving.memo import Memo
from smt_proofs.solving.terms import hasten_terms

hasten()
hasten_terms()

Term: TypeAlias = Any
"""A z3 expression; z3's Python interface carries no types."""

SEED: Final = 1
"""The solver's random seed: a version decides the same way on every machine."""


LINEAR_EFFORT: Final = 8_000
"""Resource units (not time, so that every machine stops at the same point) for a linear reading: it
answers within a few milliseconds or not at all."""


UNITS_A_SECOND: Final[Mapping[str, int]] = {"z3": 4_000_000, "cvc5": 300_000, "bitwuzla": 20_000}
"""What a solver counts in about a second of an ordinary core: z3 and cvc5 their own resource units,
bitwuzla how often it asks whether to go on. A limit is given in seconds and counted in these, so
that load decides nothing."""
LONGEST: Final = 1000.0
"""Seconds that a limit may be at the most: z3 counts its units in 32 bits."""


def units(solver: str, seconds: float) -> int:
    """The limit for a query that may take the work of so many seconds, at most LONGEST.

    It is one unit at least: z3 takes 0 for no limit.
    """
    return max(int(UNITS_A_SECOND[solver] * seconds), 1)


class Verdict(Enum):
    """What became of a claim; only PROVEN is a success."""

    PROVEN = "proven"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    VACUOUS = "vacuous"


class Answer(Enum):
    """What a solver says of a query."""

    SAT = "sat"
    UNSAT = "unsat"
    UNKNOWN = "unknown"


NEGATION_VERDICT: Final = {
    Answer.UNSAT: Verdict.PROVEN,
    Answer.SAT: Verdict.REFUTED,
    Answer.UNKNOWN: Verdict.UNKNOWN,
}
"""The verdict on a claim by the answer to its negation."""


def ask(conditions: Iterable[Term], timeout: float) -> tuple[Answer, z3.ModelRef | None]:
    """Are the conditions satisfiable together, and by what? `timeout` is work, in seconds
    as `units` counts them.

    Every query gets a solver of its own: z3 falls back to a weaker procedure for non-linear
    arithmetic once a solver is used incrementally.
    """
    solver = z3.Solver()
    solver.set("rlimit", units("z3", timeout))
    return _answer(solver, conditions)


def contradict_linearly(conditions: Iterable[Term]) -> bool:
    """Do the conditions contradict each other even with every product taken as an unknown?

    That reading is weaker, so a contradiction in it is one; anything else says nothing. Where lemma
    instances carry the non-linear argument it answers in milliseconds.
    """
    asked = tuple(conditions)
    key = tuple(condition.get_id() for condition in asked)
    if key not in _contradictory:
        linear = z3.SimpleSolver()
        linear.set("arith.nl", False)
        linear.set("rlimit", LINEAR_EFFORT)
        _contradictory[key] = (_answer(linear, asked)[0] is Answer.UNSAT, asked)
    return _contradictory[key][0]


# Paths come upon the same branches. The terms stay alive with the ids that are keys.
_contradictory: Final = Memo[tuple[int, ...], tuple[bool, tuple[Term, ...]]]()


def _answer(solver: z3.Solver, conditions: Iterable[Term]) -> tuple[Answer, z3.ModelRef | None]:
    solver.set("random_seed", SEED)
    solver.add(*conditions)
    answer = Answer(str(solver.check()))
    return answer, solver.model() if answer is Answer.SAT else None


def solver_version() -> str:
    """Name and version of the solver."""
    return f"z3 {z3.get_version_string()}"


def conjuncts(claim: Term) -> list[Term]:
    """The claims that a conjunction is made of, each to be decided by itself."""
    if z3.is_and(claim):
        return [part for child in claim.children() for part in conjuncts(child)]
    return [] if z3.is_true(claim) else [claim]

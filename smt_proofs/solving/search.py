"""The search for a proof: which few of all known assertions contradict a negated claim.

Products are opaque here, so every query is one that solvers decide. The search is not trusted: what
it finds is decided once more, as an obligation of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import z3

from smt_proofs.solving.memo import Memo
from smt_proofs.solving.obligation import Assertion
from smt_proofs.solving.opaque import opaque
from smt_proofs.solving.solve import SEED, Answer, Term

EFFORT: Final = 20_000_000
"""Resource units a query, not time: every machine stops at the same point."""


def _solver() -> z3.Solver:
    solver = z3.SimpleSolver()
    # A product is taken for what its factors plainly make it, and no further.
    solver.set("arith.nl", False)
    solver.set("rlimit", EFFORT)
    solver.set("random_seed", SEED)
    return solver


# Each search counts its own from 0: the terms are made once.
_made: list[Term] = []


def _literal(number: int) -> Term:
    """What an assertion of a search is tracked by."""
    while len(_made) <= number:
        _made.append(z3.Bool(f"@{len(_made)}"))
    return _made[number]


class Search:
    """A stack of known assertions and the queries on top of it."""

    def __init__(self) -> None:
        self._solver = _solver()
        self._known: dict[int, Assertion] = {}
        # The tracking literals, by id, stay alive with the assertions that they are keys of.
        self._literals: dict[int, Term] = {}
        self._number = 0

    def know(self, assertions: Iterable[Assertion]) -> None:
        """Add assertions, with their products opaque."""
        for assertion in assertions:
            literal = _literal(self._number)
            self._number += 1
            key = literal.get_id()
            self._literals[key] = literal
            known = Assertion(assertion.label, opaque(assertion.term))
            self._known[key] = known
            self._solver.assert_and_track(known.term, literal)

    def known(self) -> Iterator[Assertion]:
        """What is known now, products opaque."""
        return (self._known[key] for key in self._literals)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is added inside is forgotten afterwards."""
        self._solver.push()
        known = len(self._literals)
        yield
        for key in list(self._literals)[known:]:
            del self._literals[key]
        self._solver.pop()

    def refute(self, assertions: Iterable[Assertion]) -> tuple[Answer, tuple[Assertion, ...]]:
        """Do these contradict what is known, and which assertions suffice for that?"""
        with self.scope():
            self.know(assertions)
            answer = Answer(str(self._solver.check()))
            if answer is not Answer.UNSAT:
                return answer, ()
            core = self._within(self._solver.unsat_core())
            if _contradict(core):
                return answer, core
            # The incremental solver leaves an assertion out now and then: ask a new one.
            afresh = _solver()
            for key, literal in self._literals.items():
                afresh.assert_and_track(self._known[key].term, literal)
            if afresh.check() == z3.unsat and _contradict(
                core := self._within(afresh.unsat_core())
            ):
                return answer, core
            return answer, self._within(self._literals.values())

    def _within(self, literals: Iterable[Term]) -> tuple[Assertion, ...]:
        wanted = {literal.get_id() for literal in literals}
        return tuple(self._known[key] for key in self._literals if key in wanted)


# Paths and claims come upon the same few assertions, whose terms `opaque` keeps alive.
_contradictory: Final = Memo[tuple[int, ...], bool]()


def _contradict(assertions: Sequence[Assertion]) -> bool:
    key = tuple(assertion.term.get_id() for assertion in assertions)
    if key not in _contradictory:
        solver = _solver()
        solver.add(*(assertion.term for assertion in assertions))
        _contradictory[key] = bool(solver.check() == z3.unsat)
    return _contradictory[key]

"""The search for a proof: which few of all known assertions contradict a negated claim.

Products are opaque here, so every query is linear arithmetic with uninterpreted functions, which
solvers decide; what a proof needs to know of a product comes in as an instance of a lemma. The
search is not trusted: what it finds is decided once more, as an obligation of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import z3

from smt_proofs.obligation import Assertion
from smt_proofs.solve import SEED, Answer, Term

EFFORT: Final = 2_000_000
"""Resource units a query, not time: every machine stops at the same point."""
NEGATED: Final = "the negated claim"


class Search:
    """A stack of known assertions and the queries on top of it."""

    def __init__(self) -> None:
        self._solver = z3.SimpleSolver()
        self._solver.set("arith.nl", False)
        self._solver.set("rlimit", EFFORT)
        self._solver.set("random_seed", SEED)
        self._known: dict[int, Assertion] = {}
        # The tracking literals stay alive with the assertions that they are keys of.
        self._literals: list[Term] = []

    def know(self, assertions: Iterable[Assertion]) -> None:
        """Add assertions."""
        for assertion in assertions:
            literal = z3.Bool(f"@{len(self._literals)}")
            self._literals.append(literal)
            self._known[literal.get_id()] = assertion
            self._solver.assert_and_track(assertion.term, literal)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is added inside is forgotten afterwards."""
        self._solver.push()
        yield
        self._solver.pop()

    def refute(self, assertions: Iterable[Assertion]) -> tuple[Answer, tuple[Assertion, ...]]:
        """Do these contradict what is known, and which assertions suffice for that?"""
        with self.scope():
            self.know(assertions)
            answer = Answer(str(self._solver.check()))
            if answer is not Answer.UNSAT:
                return answer, ()
            core = {literal.get_id() for literal in self._solver.unsat_core()}
        return answer, tuple(known for key, known in self._known.items() if key in core)

"""Every solver answers the same scripts alike, from the text alone."""

from __future__ import annotations

import platform

import pytest
import z3

from smt_proofs.book.work import FOUNDATIONS
from smt_proofs.lemmas.foundations import obligation_of
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.obligation import Assertion, Obligation
from smt_proofs.solving.smtlib import script
from smt_proofs.solving.solve import Answer
from smt_proofs.solving.solvers import SOLVERS, available, decide, every, version

EVERY_SOLVER = (*available(), "bitwuzla")
A, B, C = z3.BitVecs("a b c", 64)
X, Y = z3.Ints("x y")
TIMEOUT = 10.0

assert FOUNDATIONS  # the modules that register lemmas


def text(*terms: object) -> str:
    return script(Obligation("t", "goal", tuple(Assertion("branch", term) for term in terms)))


HARD = text(A * A == B * B + 7, z3.ULT(B, A), z3.URem(A * C, B) == 5, z3.UDiv(C, A) * B == A + 1)


def test_all_solvers_are_installed() -> None:
    # Not every machine has a wheel of yices.
    wanted = SOLVERS if platform.machine() == "x86_64" else ("z3", "cvc5")
    assert available() == every() == wanted


@pytest.mark.parametrize("solver", EVERY_SOLVER)
def test_version_names_the_solver(solver: str) -> None:
    name, number = version(solver).split()
    assert name == solver
    assert number[0].isdigit()


@pytest.mark.parametrize("solver", EVERY_SOLVER)
def test_bit_vectors(solver: str) -> None:
    assert decide(text(z3.ULT(A, B), z3.ULT(B, A)), solver, TIMEOUT) is Answer.UNSAT
    assert decide(text(z3.ULT(A, B)), solver, TIMEOUT) is Answer.SAT


@pytest.mark.parametrize("solver", available())
def test_integers(solver: str) -> None:
    assert decide(text(X < Y, Y < X + 1), solver, TIMEOUT) is Answer.UNSAT
    # The script says that it expects unsat; a solver is to say what it finds.
    assert decide(text(X < Y, Y < X + 2), solver, TIMEOUT) is Answer.SAT
    assert decide(text(X * Y == 6, X * X == 4, Y * Y == 9), solver, TIMEOUT) is Answer.SAT


@pytest.mark.parametrize("solver", EVERY_SOLVER)
def test_timeout_is_unknown(solver: str) -> None:
    assert decide(HARD, solver, 0.05) is Answer.UNKNOWN


@pytest.mark.parametrize("solver", available())
@pytest.mark.parametrize("name", LEMMAS)
def test_every_lemma_is_proven_by_every_solver(name: str, solver: str) -> None:
    written = script(obligation_of(LEMMAS[name]))
    assert decide(written, solver, TIMEOUT) is Answer.UNSAT

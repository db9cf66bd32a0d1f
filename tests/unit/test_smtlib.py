"""Obligations as SMT-LIB text: what is written, that it means the same, and that it is stable."""

from __future__ import annotations

import subprocess
import sys

import pytest
import z3

from smt_proofs.solving.obligation import Assertion, Obligation
from smt_proofs.solving.opaque import opaque
from smt_proofs.solving.smtlib import LONG, script

X, Y, SIZE = z3.Ints("x y size!1")
P = z3.Bool("p")
F = z3.Function("f", z3.IntSort(), z3.BoolSort())
A, B = z3.BitVecs("a b", 64)


def owed(*terms: object) -> Obligation:
    return Obligation("a_theorem", "goal", tuple(Assertion("a branch", term) for term in terms))


def test_script_is_complete_and_says_what_it_is() -> None:
    assert script(Obligation("t", "goal", (Assertion("premise", X + 2 * Y <= -1),))) == (
        "; t\n; goal\n; expected: unsat\n(set-info :status unsat)\n(set-logic QF_LIA)\n"
        "(declare-const x Int)\n(declare-const y Int)\n"
        "; premise\n(assert (<= (+ x (* 2 y)) (- 1)))\n(check-sat)\n"
    )


@pytest.mark.parametrize(
    ("terms", "logic"),
    [
        ([P, z3.Not(P)], "QF_UF"),
        ([X < 2 * Y], "QF_LIA"),
        ([X * Y < 3], "QF_NIA"),
        ([F(X)], "QF_UFLIA"),
        ([F(X * Y)], "QF_UFNIA"),
        ([A + B == 3], "QF_BV"),
        ([z3.Function("q", A.sort(), A.sort())(A) == B], "QF_UFBV"),
    ],
)
def test_logic_is_the_narrowest_that_fits(terms: list[object], logic: str) -> None:
    assert f"(set-logic {logic})" in script(owed(*terms))


def test_opaque_products_leave_linear_arithmetic() -> None:
    text = script(owed(opaque(X * (Y + 1) < Y * X)))
    assert "(set-logic QF_UFLIA)" in text
    assert "; times stands for the product, of which nothing is assumed" in text
    # Multiplied out and sorted, both sides name the same product.
    assert "(assert (< (+ (times x y) x) (times x y)))" in text


OPERATIONS = [
    z3.And(P, X == Y, z3.Distinct(X, Y, SIZE)),
    z3.Or(P, z3.Xor(P, F(X)), z3.Implies(F(Y), P)),
    z3.If(P, X, -Y) - SIZE >= -3,
    z3.Not(X > Y),
    z3.And(X * Y * SIZE == 7, X <= 2, Y < 1),
    z3.And(z3.ULT(A, B), z3.ULE(A, 2), z3.UGT(A, B), z3.UGE(B, 1)),
    z3.UDiv(A, B) - z3.URem(A, B) == A * B + ~A,
    z3.ZeroExt(48, z3.Extract(15, 0, A)) == -B,
    z3.Concat(z3.Extract(31, 0, A), z3.Extract(63, 32, A)) == (A & B) | B,
]


@pytest.mark.parametrize("term", OPERATIONS, ids=str)
def test_text_means_the_term(term: z3.BoolRef) -> None:
    (read,) = z3.parse_smt2_string(script(owed(term)))
    solver = z3.Solver()
    solver.add(read != term)
    assert solver.check() == z3.unsat


def test_conjunctions_of_none_and_one_are_written_plainly() -> None:
    text = script(owed(z3.And([]), z3.Or([]), z3.And([P]), z3.Sum([X]) < 0))
    for line in ("(assert true)", "(assert false)", "(assert p)", "(assert (< x 0))"):
        assert line in text


def test_shared_subterms_are_named_where_a_term_is_long() -> None:
    term = X
    for number in range(60):
        term = z3.If(term < number, term + Y, term - Y)
    text = script(owed(term == 0))
    assert len(text) < 10 * LONG
    (read,) = z3.parse_smt2_string(text)
    assert read.eq(term == 0)


@pytest.mark.parametrize("name", ["and", "let", "?1", "a b", "a|b", "0x"])
def test_name_without_a_meaning_of_its_own_is_asked_for(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a variable"):
        script(owed(z3.Int(name) == 0))


def test_name_of_two_sorts_is_refused() -> None:
    with pytest.raises(ValueError, match="x is declared with two sorts"):
        script(owed(X == 0, z3.Bool("x")))


def test_what_no_rule_uses_is_refused() -> None:
    with pytest.raises(TypeError, match="without quantifiers"):
        script(owed(z3.ForAll([X], F(X))))
    with pytest.raises(TypeError, match="no SMT-LIB operator known for mod"):
        script(owed(X % 3 == 0))
    with pytest.raises(TypeError, match="no rule uses the sort Real"):
        script(owed(z3.Real("r") == 0))
    with pytest.raises(TypeError, match="integers and bit-vectors"):
        script(owed(X == 0, A == 0))
    with pytest.raises(ValueError, match="main context"):
        script(owed(z3.Bool("p", z3.Context())))


WRITE_ALL = """
import z3
noise = [z3.Int(f"noise{i}") + z3.Int("block") * i for i in range(%d)]
del noise[::2]
import smt_proofs.lemmas.division
from smt_proofs.lemmas.foundations import obligation_of
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.smtlib import script
for name in sorted(LEMMAS):
    print(script(obligation_of(LEMMAS[name])))
"""


def test_text_does_not_depend_on_what_was_made_before() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", WRITE_ALL % noise], check=True, capture_output=True, text=True
        ).stdout
        for noise in (0, 500)
    }
    assert len(texts) == 1
    assert "; multiples_in_order\n" in texts.pop()

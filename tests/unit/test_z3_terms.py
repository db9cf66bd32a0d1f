"""z3's terms made the quick way are those that z3's own functions make, and wrong ones are refused
as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import z3

from smt_proofs.solving.solve import Term, hasten_terms
from smt_proofs.symbolic.evaluation import Terms

assert Terms.__name__  # Importing the domains has terms refuse to be decided by Python.

x, y, p, q = z3.Int("x"), z3.Int("y"), z3.Bool("p"), z3.Bool("q")
real, bits = z3.Real("real"), z3.BitVec("bits", 8)
f = z3.Function("f", z3.IntSort(), z3.IntSort(), z3.BoolSort())

MADE: dict[str, tuple[Term, type]] = {
    "(+ x 1)": (x + 1, z3.ArithRef),
    "(+ 1 x)": (1 + x, z3.ArithRef),
    "(- x y)": (x - y, z3.ArithRef),
    "(- 7 y)": (7 - y, z3.ArithRef),
    "(* x y)": (x * y, z3.ArithRef),
    "(* 3 x)": (3 * x, z3.ArithRef),
    "(< x y)": (x < y, z3.BoolRef),
    "(<= x (- 2))": (x <= -2, z3.BoolRef),
    "(> x 5)": (x > 5, z3.BoolRef),
    "(>= x y)": (x >= y, z3.BoolRef),
    "(= x 4)": (x == 4, z3.BoolRef),
    "(= p q)": (p == q, z3.BoolRef),
    "(= p true)": (p == True, z3.BoolRef),  # noqa: E712
    "(and p q)": (z3.And(p, q), z3.BoolRef),
    "(and q p)": (z3.And([q, p]), z3.BoolRef),
    "(and p)": (z3.And(p), z3.BoolRef),
    "and": (z3.And(), z3.BoolRef),
    "(and p true)": (z3.And(p, True), z3.BoolRef),
    "(or p q)": (z3.Or((p, q)), z3.BoolRef),
    "(not p)": (z3.Not(p), z3.BoolRef),
    "(=> p q)": (z3.Implies(p, q), z3.BoolRef),
    "(ite p x 1)": (z3.If(p, x, 1), z3.ArithRef),
    "(ite p x y)": (z3.If(p, x, y), z3.ArithRef),
    "(ite p q p)": (z3.If(p, q, p), z3.BoolRef),
    "(f x y)": (f(x, y), z3.BoolRef),
    "(f x 2)": (f(x, 2), z3.BoolRef),
    "(+ (to_real x) real)": (x + real, z3.ArithRef),
    "(= real (to_real x))": (real == x, z3.BoolRef),
    "(+ x (ite p 1 0))": (x + p, z3.ArithRef),
    "(bvadd bits #x01)": (bits + 1, z3.BitVecRef),
    "8": (z3.simplify(z3.IntVal(3) + 5), z3.IntNumRef),
    "true": (z3.simplify(z3.IntVal(3) < 5), z3.BoolRef),
}

WRONG: dict[str, Callable[[], Any]] = {
    "a number joined": lambda: z3.And(p, x),
    "a number or": lambda: z3.Or(x, x),
    "a number negated": lambda: z3.Not(x),
    "a number implied": lambda: z3.Implies(p, x),
    "a number asked": lambda: z3.If(x, x, x),
    "no term joined": lambda: z3.And(p, "q"),
    "too few arguments": lambda: f(x),
    "too many arguments": lambda: f(x, x, x),
    "other widths": lambda: bits + z3.BitVec("wide", 9),
    "bits and a number": lambda: bits + x,
    "no such part": lambda: (x + 1).arg(2),
    "a number asserted": lambda: z3.Solver().add(x),
    "a number tracked": lambda: z3.Solver().assert_and_track(x, p),
    "tracked by no name": lambda: z3.Solver().assert_and_track(p, z3.Not(q)),
}


@pytest.mark.parametrize("text", MADE)
def test_a_term_is_what_z3_makes_of_it(text: str) -> None:
    term, kind = MADE[text]
    assert term.sexpr() == text
    assert type(term) is kind


@pytest.mark.parametrize("what", WRONG)
def test_what_z3_refuses_is_refused(what: str) -> None:
    with pytest.raises(z3.Z3Exception):
        WRONG[what]()


def test_terms_are_taken_apart() -> None:
    term = z3.And(p, x < 1)
    assert z3.is_and(term) and not z3.is_or(term)
    assert [part.sexpr() for part in term.children()] == ["p", "(< x 1)"]
    assert z3.is_true(z3.BoolVal(True)) and z3.is_false(z3.BoolVal(False))
    assert not z3.is_true(p) and not z3.is_true(1)
    assert z3.is_int_value(z3.IntVal(3)) and not z3.is_int_value(x)
    assert z3.Exists([x], x < y).children()


def test_terms_of_another_context_do_not_mix() -> None:
    elsewhere = z3.Context()
    other = z3.Bool("p", elsewhere)
    assert z3.And(other, other).ctx is elsewhere
    with pytest.raises(z3.Z3Exception):
        z3.And(p, other)


def test_a_term_freed_frees_its_id_and_a_kept_one_does_not() -> None:
    kept = x + 12345
    ids = {(x + number).get_id() for number in range(100)}
    assert kept.get_id() not in ids
    assert len(ids) < 100


def test_to_hasten_again_changes_nothing() -> None:
    before = z3.And, z3.ArithRef.__add__
    hasten_terms()
    assert (z3.And, z3.ArithRef.__add__) == before
    assert (x + 1).sexpr() == "(+ x 1)"

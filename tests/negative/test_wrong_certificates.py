"""A proof with one wrong word is not accepted."""

from __future__ import annotations

import re

import pytest

from smt_proofs.certificates.alethe import Rejected, check
from smt_proofs.certificates.makers import proof_of
from smt_proofs.lemmas.foundations import obligation_of
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.smtlib import script

TEXT = script(obligation_of(LEMMAS["multiples_differ_by_a_block"]))
PROOF = proof_of(TEXT)
HEAD = "(set-logic QF_LIA)(declare-const x Int)(declare-const y Int)(declare-const p Bool)"
BOOLS = "(declare-const q Bool)(declare-const r Bool)(declare-const s Bool)"


def proof(*commands: str) -> str:
    return "(" + "\n".join(commands) + ")"


def test_right_proof_is_accepted() -> None:
    assert check(TEXT, PROOF) > 100


@pytest.mark.parametrize("number", range(len(TEXT.split("(assert")) - 1))
def test_script_with_an_assertion_less_is_not_what_was_proven(number: int) -> None:
    parts = TEXT.split("(assert")
    weaker = "(assert".join(parts[: number + 1]) + "(assert true)\n(check-sat)\n"
    with pytest.raises(Rejected, match="assumes what the script does not assert"):
        check(weaker, PROOF)


def test_proof_without_its_end_is_refused() -> None:
    *lines, last, _ = PROOF.strip().split("\n")
    assert "(cl)" in last
    with pytest.raises(Rejected, match="does not end in the empty clause"):
        check(TEXT, "\n".join([*lines, ")"]))


STEPS = re.findall(r"\(step (\S+) ", PROOF)


@pytest.mark.parametrize("name", STEPS[:: len(STEPS) // 12])
def test_proof_without_a_step_is_refused(name: str) -> None:
    """Every step of this proof is used by another, or is the last one."""
    lines = [line for line in PROOF.split("\n") if not line.startswith(f"(step {name} ")]
    with pytest.raises(Rejected):
        check(TEXT, "\n".join(lines))


@pytest.mark.parametrize(
    ("claim", "rule"),
    [
        ("(cl (= x y))", "refl"),
        ("(cl (= x y))", "poly_simp"),
        ("(cl (= (+ x 1) (+ x 2)))", "evaluate"),
        ("(cl (= (< x y) (<= x y)))", "rare_rewrite"),
        ("(cl (or (= x y) (not (<= x y))))", "la_disequality"),
        ("(cl (not p))", "equiv_pos2"),
        ("(cl (= 0 1))", "hole"),
        ("(cl (= (and q r) (or q r)))", "aci_simp"),
        ("(cl (= (and q r) (and q r s)))", "aci_simp"),
        ("(cl (= (and q r) (and q (not r))))", "aci_simp"),
        ("(cl (= (or q false) (or q true)))", "aci_simp"),
        ("(cl)", "resolution"),
    ],
)
def test_wrong_step_does_not_follow_by_any_rule(claim: str, rule: str) -> None:
    script_text = f"{HEAD}{BOOLS}(assert p)"
    steps = ["(assume a0 p)", f"(step t0 {claim} :rule {rule} :premises (a0))"]
    with pytest.raises(Rejected, match=f"t0 does not follow by {rule}"):
        check(script_text, proof(*steps))


@pytest.mark.parametrize(
    "claim",
    [
        "(= (and q (and r q) true s) (and s r q))",
        "(= (or q (or r q) false) (or r q))",
        "(= (and q q) q)",
    ],
)
def test_reordered_parts_are_the_same(claim: str) -> None:
    with pytest.raises(Rejected, match="does not end in the empty clause"):
        check(HEAD + BOOLS, proof(f"(step t0 (cl {claim}) :rule aci_simp)"))


def test_many_choices_are_unknowns() -> None:
    """What follows whatever they come to is accepted, and nothing else."""
    total = "0"
    for number in range(10):
        total = f"(ite (< x {number}) {total} y)"
    told = f"(step t0 (cl (= (< {total} x) (not (>= {{}} x)))) :rule rare_rewrite)"
    with pytest.raises(Rejected, match="does not end in the empty clause"):
        check(HEAD, proof(told.format(total)))
    with pytest.raises(Rejected, match="t0 does not follow"):
        check(HEAD, proof(told.format("y")))


def test_factors_must_make_a_contradiction() -> None:
    step = "(step t0 (cl (not (< x y)) (not (< (* 2 y) (* 2 x)))) :rule la_generic :args ({}))"
    with pytest.raises(Rejected, match="does not end in the empty clause"):
        check(HEAD, proof(step.format("2 1")))
    wrong = step.replace("(* 2 x)", "(+ x y 2)")
    for factors in ("2 1", "1 1", "0 1", "1 1 1", "1 0"):
        with pytest.raises(Rejected, match="t0 does not follow by la_generic"):
            check(HEAD, proof(wrong.format(factors)))


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("(=> (and (> x 0) (> y 0)) (> (* y x) 0))", True),
        ("(=> (and (> x 0) (< y 0)) (< (* x y) 0))", True),
        ("(=> (and (> x 0) (< y 0)) (> (* x y) 0))", False),
        ("(=> (and (> x 0) (>= y 0)) (> (* x y) 0))", False),
        ("(=> (and (> x 0) (> y 1)) (> (* x y) 1))", False),
        ("(=> (and (> x 0) (<= y 3)) (<= (* x y) (* x 3)))", True),
        ("(=> (and (< x 0) (<= y 3)) (>= (* x y) (* 3 x)))", True),
        ("(=> (and (< x 0) (<= y 3)) (<= (* x y) (* 3 x)))", False),
        ("(=> (and (< x 0) (= y 3)) (= (* x y) (* 3 x)))", True),
        ("(=> (and (>= x 0) (< y 3)) (< (* x y) (* 3 x)))", False),
        ("(=> (and (> x 1) (< y 3)) (< (* x y) 3))", False),
    ],
)
@pytest.mark.parametrize("rule", ["la_mult_pos", "la_mult_neg", "la_mult_sign"])
def test_products_follow_by_the_signs_of_factors_alone(claim: str, holds: bool, rule: str) -> None:
    said = "does not end in the empty clause" if holds else f"t0 does not follow by {rule}"
    with pytest.raises(Rejected, match=said):
        check(HEAD, proof(f"(step t0 (cl {claim}) :rule {rule})"))


@pytest.mark.parametrize(
    ("discharge", "clause"),
    [("()", "(cl p)"), ("(t0.a)", "(cl p)"), ("(t0.a)", "(cl)"), ("(t0.b)", "(cl (not p) p)")],
)
def test_subproof_must_own_up_to_what_it_assumed(discharge: str, clause: str) -> None:
    steps = proof(
        "(anchor :step t0)",
        "(assume t0.a p)",
        f"(step t0 {clause} :rule subproof :discharge {discharge})",
    )
    with pytest.raises(Rejected, match="t0 does not follow by subproof"):
        check(HEAD, steps)


def test_step_of_a_subproof_is_not_known_outside() -> None:
    steps = proof(
        "(anchor :step t0)",
        "(assume t0.a (not p))",
        "(step t0.t (cl (not p)) :rule contraction :premises (t0.a))",
        "(step t0 (cl p (not p)) :rule subproof :discharge (t0.a))",
        "(step t1 (cl) :rule resolution :premises (t0.t a0))",
    )
    with pytest.raises(Rejected, match=r"t0\.t is not known here"):
        check(f"{HEAD}(assert p)", proof("(assume a0 p)")[:-1] + steps[1:])


HALF = "(ite p 1/2 1/2)"


@pytest.mark.parametrize(
    "half",
    [
        HALF,
        "(ite p (- 1/2) (* 3 -1/2))",
        "(ite p (to_real x) 1/2)",
        "(ite p x (* 1/2 y))",
        "(let ((?h (* 1/2 x))) (ite p ?h ?h))",
        "(ite p (ite p 1/2 1/2) 0)",
        "(f 1/2)",
        "(f (* 1/2 x))",
    ],
)
def test_what_need_not_be_whole_is_no_unknown(half: str) -> None:
    """Nothing lies between two integers that follow one another, but fractions do."""
    steps = proof(
        f"(step t1 (cl (>= {half} 1) (<= {half} 0)) :rule la_generic :args (1 1))",
        f"(step t2 (cl (not (>= {half} 1))) :rule trust)",
        f"(step t3 (cl (not (<= {half} 0))) :rule trust)",
        "(step t4 (cl) :rule resolution :premises (t1 t2 t3))",
    )
    with pytest.raises(Rejected, match="does not take what it is applied to"):
        check(f"{HEAD}(declare-fun f (Int) Int)", steps)


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("(or (>= (* 1/2 x) 1) (<= (* 1/2 x) 0))", False),
        ("(or (>= (+ x 1/2) 1) (<= (+ x 1/2) 0))", False),
        ("(or (> (* 2 x) 1) (<= (* 2 x) 0))", True),
        ("(or (> (* 1/2 x) 1/2) (<= (* 1/2 x) 0))", False),
        ("(not (= (* 1/2 x) 1/4))", True),
        ("(not (= (* 1/2 x) 3/2))", False),
        ("(=> (< (* 1/2 x) (* 1/2 y)) (<= (* 1/2 x) (+ (* 1/2 y) -1/2)))", True),
        ("(=> (< (* 1/2 x) (* 1/2 y)) (<= (* 1/2 x) (+ (* 1/2 y) -1)))", False),
    ],
)
def test_fractions_are_rounded_to_what_they_can_be(claim: str, holds: bool) -> None:
    said = "does not end in the empty clause" if holds else "t0 does not follow by trust"
    with pytest.raises(Rejected, match=said):
        check(HEAD, proof(f"(step t0 (cl {claim}) :rule trust)"))


@pytest.mark.parametrize(
    ("clause", "factors"),
    [
        ("(>= x 1) (< x 0)", "-1 1"),
        ("(>= (* 1/2 x) 1) (<= (* 1/2 x) 0)", "1 1"),
        ("(= x y) (= y x)", "1 1"),
        ("(not (= x y)) (not (>= x y))", "1 -1"),
        ("(not (= x y)) (not (>= x y))", "-1 1"),
        ("(>= x 0) (>= x 1)", "0 0"),
        ("(not (> x y)) (not (< x (+ y 2)))", "1 1"),
        ("(not (> (* 1/2 x) 0)) (not (< (* 1/2 x) 1))", "-1 1"),
    ],
)
def test_no_factors_show_a_clause_that_is_false_of_some_integers(clause: str, factors: str) -> None:
    with pytest.raises(Rejected, match="t0 does not follow by la_generic"):
        check(HEAD, proof(f"(step t0 (cl {clause}) :rule la_generic :args ({factors}))"))


@pytest.mark.parametrize(
    "term",
    [
        "(+ p 1)",
        "(< p x)",
        "(= p x)",
        "(= x p)",
        "(distinct x y p)",
        "(ite x p p)",
        "(ite p p x)",
        "(ite p x)",
        "(not p p)",
        "(not x)",
        "(and p x)",
        "(and)",
        "(= x)",
        "(< x)",
        "(-)",
        "+",
        "and",
        "(true p)",
        "(x y)",
        "(f x y)",
        "(f p)",
        "f",
    ],
)
def test_term_of_a_wrong_sort_is_refused(term: str) -> None:
    with pytest.raises(Rejected, match="does not take what it is applied to"):
        check(
            f"{HEAD}(declare-fun f (Int) Int)",
            proof(f"(step t0 (cl (= {term} {term})) :rule refl)"),
        )


@pytest.mark.parametrize(
    "term", ["(/ x 2)", "(div x 0)", "(mod x 0)", "(select x y)", "(to_int x)", "(to_real p)"]
)
def test_term_that_may_be_no_integer_is_not_read(term: str) -> None:
    with pytest.raises(Rejected, match="is not declared"):
        check(HEAD, proof(f"(step t0 (cl (= {term} {term})) :rule refl)"))


@pytest.mark.parametrize("factors", ["1/0 1", "nan 1", "1e9 1", "x 1", "(1) 1", "1 1 x"])
def test_factor_that_is_no_number_is_refused(factors: str) -> None:
    step = "(step t0 (cl (not (< x y)) (not (< y x))) :rule la_generic :args ({}))"
    with pytest.raises(Rejected):
        check(HEAD, proof(step.format(factors)))


@pytest.mark.parametrize(
    ("text", "steps", "said"),
    [
        (HEAD + "(assert (= x 1/0))", "", "1/0 is not declared"),
        (HEAD, "(step t0 (cl (= 1/0 1/0)) :rule refl)", "1/0 is not declared"),
        (HEAD + "(assert x)", "", "a truth value is expected"),
        (HEAD, "(step t0 (cl x) :rule trust)", "a truth value is expected"),
        (HEAD + "(check-sat)(assert false)", "", "a command that is not read"),
        (HEAD + "(assert (let (xp) x))", "", "let gives names to terms"),
        (HEAD + "(declare-const 1 Int)", "", "means something already"),
        (HEAD + "(declare-fun let (Int) Int)", "", "means something already"),
        (HEAD + "(declare-fun f (Real) Int)", "", "f has a sort that is not read"),
        (HEAD, "(step t0 (cl (! p :named x)) :rule trust)", "x means something already"),
        (HEAD, "(step t0 (cl (! p :named n) (not (! (= x y) :named n))) :rule trust)", "names two"),
        (HEAD + "(assert (! p :named n))(declare-const n Bool)", "", "n means something already"),
        (HEAD, "(step t0 (cl (! p :named 0)) :rule trust)", "0 means something already"),
        (HEAD, "(step t0 (cl)", "ends within an expression"),
        (HEAD, "(step t0 (cl (= z z)) :rule refl)", "z is not declared"),
        (HEAD, "(forget t0)", "no command of a proof"),
        (HEAD + "(declare-const r Real)", "", "r has a sort that is not read"),
        (HEAD + "(declare-const + Int)", "", "means something already"),
        (HEAD + "(push 1)", "", "a command that is not read"),
        (HEAD, "(step t0 (cl (= (div x 2) (div x 2))) :rule refl)", "div is not declared"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, steps: str, said: str) -> None:
    with pytest.raises(Rejected, match=re.escape(said)):
        check(text, f"({steps})" if steps.endswith(")") else steps)

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


@pytest.mark.parametrize(
    ("text", "steps", "said"),
    [
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

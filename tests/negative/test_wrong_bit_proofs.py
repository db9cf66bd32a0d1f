"""A refutation with something wrong, or of other clauses, is not accepted."""

from __future__ import annotations

import sys

import pytest

from smt_proofs.certificates.alethe import Rejected
from smt_proofs.certificates.drat import check
from smt_proofs.certificates.makers import certify

HEAD = "(declare-const p Bool)(declare-const q Bool)(declare-const a (_ BitVec 4))"
CLAIMS = ("(or p q)", "(or p (not q))", "(or (not p) q)", "(or (not p) (not q))")
P = 2
"""The variable of p; the first is that of truth."""
NEW = 12
"""One that the clauses do not have."""


def script(*claims: str) -> str:
    return HEAD + "".join(f"(assert {claim})" for claim in claims)


@pytest.mark.parametrize("proof", [f"{P} 0\n0\n", f"-{P} 0\n0\n", f"c told\n{P} 0 0\n"])
def test_right_proof_is_accepted(proof: str) -> None:
    assert check(script(*CLAIMS), proof) == 2


@pytest.mark.parametrize("missing", CLAIMS)
def test_proof_of_other_clauses_is_refused(missing: str) -> None:
    weaker = script(*(claim for claim in CLAIMS if claim != missing))
    with pytest.raises(Rejected):
        check(weaker, f"{P} 0\n0\n")


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        ("", "never derives the empty clause"),
        ("0\n", "clause is not RUP"),
        (f"{P} 0\n", "never derives the empty clause"),
        (f"d {P} 0\n0\n", "clause is not RUP"),
        (f"{P} p 0\n", "the proof cannot be read"),
        (f"{P}\n", "the proof cannot be read"),
        ("(step t0 (cl) :rule hole)", "the proof cannot be read"),
    ],
)
def test_broken_proof_is_refused(proof: str, said: str) -> None:
    with pytest.raises(Rejected, match=said):
        check(script(*CLAIMS), proof)


def test_clause_that_only_keeps_satisfiability_is_refused() -> None:
    """A new variable says nothing of the others, and yet does not follow."""
    with pytest.raises(Rejected, match="is not RUP"):
        check(script(*CLAIMS), f"{NEW} 0\n{P} 0\n0\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(assert (bvult a b))", "b is not declared"),
        ("(assert (bvslt a a))", "bvslt of 2 parts is not read"),
        ("(assert (bvult a (_ bv1 5)))", "bvult of words of different width"),
        ("(assert (bvult a p))", "bvult of 2 parts is not read"),
        ("(assert (= a p))", "things of different sorts are compared"),
        ("(assert (= a ((_ extract 4 0) a)))", "bits 4 to 0 of 4"),
        ("(assert (= a ((_ extract 0 1) a)))", "bits 0 to 1 of 4"),
        ("(assert (= a (_ bv16 4)))", "16 is no word of 4 bits"),
        ("(assert (= a ((_ zero_extend 1) p)))", "a truth value where a word should be"),
        ("(assert a)", "a word is asserted"),
        ("(assert (ite p a q))", "things of different sorts to choose from"),
        ("(assert (not p q))", "not of 2 truth values is not read"),
        ("(assert (let ((x p)) y))", "y is not declared"),
        ("(declare-const a Bool)", "a means something already"),
        ("(declare-const bvadd Bool)", "bvadd means something already"),
        ("(declare-const i Int)", "a sort that is not read: Int"),
        ("(declare-const i (_ BitVec 0))", "a sort that is not read"),
        ("(declare-fun f ((_ BitVec 4)) Bool)(assert (f a))", "applied to what it does not take"),
        (
            "(declare-fun f ((_ BitVec 4)) (_ BitVec 4))(assert (= a (f ((_ extract 1 0) a))))",
            "f is applied to what it does not take",
        ),
        ("(assert (forall ((x Bool)) x))", "no term"),
        ("(push 1)", "a command that is not read"),
        ("(check-sat)(assert false)", "a command that is not read"),
        ("(assert p", "ends within an expression"),
    ],
)
def test_script_that_is_not_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(Rejected, match="the script cannot be read") as refused:
        check(HEAD + text, "0\n")
    assert said in str(refused.value)


def test_let_names_are_not_known_outside() -> None:
    with pytest.raises(Rejected, match="x is not declared"):
        check(script("(let ((x p)) x)", "x"), "0\n")


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert certify(script(*CLAIMS)).trouble == "cadical is not installed: apt install cadical"
    monkeypatch.undo()


@pytest.mark.usefixtures("cadical")
def test_missing_checker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dratify", None)
    said = "dratify is not installed: pip install dratify"
    assert certify(script(*CLAIMS)).trouble == said
    assert certify(script(*CLAIMS), known="0\n").trouble == said

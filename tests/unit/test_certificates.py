"""Proofs written by cvc5 are checked step by step, without a solver."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from smt_proofs import alethe, linear, propositional, radix_lemmas, sexpr, slot_lemmas
from smt_proofs.alethe import check
from smt_proofs.certificates import certify, proof_of, write
from smt_proofs.foundations import obligation_of
from smt_proofs.lemmas import LEMMAS
from smt_proofs.smtlib import script

assert radix_lemmas and slot_lemmas  # imported for the lemmas they register

LINEAR = [name for name in LEMMAS if LEMMAS[name].linear]


@pytest.mark.parametrize("module", [alethe, linear, propositional, sexpr])
def test_checker_knows_no_solver(module: object) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text())  # type: ignore[attr-defined]
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [node.module]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    ours = {"smt_proofs.linear", "smt_proofs.propositional", "smt_proofs.sexpr"}
    python = {"__future__", "re", "itertools", "math", "fractions", "dataclasses"}
    assert imported <= ours | python | {"collections.abc", "typing"}


@pytest.mark.parametrize("name", LINEAR)
def test_lemmas_are_certified(name: str) -> None:
    text = script(obligation_of(LEMMAS[name]))
    certificate = certify(text)
    assert certificate.trouble == ""
    assert certificate.steps > 0
    assert check(text, certificate.proof) == certificate.steps


def text_of(*lines: str, logic: str = "QF_UFLIA") -> str:
    declared = "(declare-const x Int)(declare-const y Int)(declare-const p Bool)"
    body = "\n".join(f"(assert {line})" for line in lines)
    return f"(set-logic {logic})\n{declared}(declare-fun f (Int) Int)\n{body}\n(check-sat)\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("(< x y)", "(< y (+ x 1))"),
        ("(= x y)", "(not (= (f x) (f y)))"),
        ("(= (ite p x y) (+ x 1))", "p"),
        ("(or (< x 0) (> x 3))", "(>= x 0)", "(=> p (<= x 3))", "p"),
        ("(= p (not p))",),
        ("(let ((?1 (+ x y))) (< ?1 ?1))",),
        ("(distinct x y)", "(<= x y)", "(>= x y)"),
        ("(= (* 65536 x) (+ y 7))", "(< 0 y)", "(< y 60000)"),
    ],
)
def test_small_scripts_are_certified(lines: tuple[str, ...]) -> None:
    assert certify(text_of(*lines)).trouble == ""


def test_certificates_are_written_beside_their_scripts(tmp_path: Path) -> None:
    text = text_of("(< x x)")
    write(tmp_path / "deep", "one", text, certify(text))
    assert (tmp_path / "deep" / "one.smt2").read_text() == text
    proof = (tmp_path / "deep" / "one.alethe").read_text()
    assert proof.startswith("; by cvc5 ")
    assert check(text, proof) > 0


def test_what_is_satisfiable_has_no_certificate(tmp_path: Path) -> None:
    certificate = certify(text_of("(< x y)"))
    assert not certificate.checked
    assert certificate.trouble == "cvc5 finds no proof: it says sat"
    write(tmp_path, "none", text_of("(< x y)"), certificate)
    assert not (tmp_path / "none.alethe").exists()


def test_proof_beyond_the_checker_is_not_accepted() -> None:
    """cvc5 argues about divisibility with a rounding that the checker does not know."""
    certificate = certify(text_of("(= (* 2 x) (+ (* 2 y) 1))"))
    assert certificate.trouble == "the proof cannot be read: to_int is not declared"
    assert certificate.steps == 0


def test_proof_is_cvc5s() -> None:
    assert ":rule" in proof_of(text_of("(< x x)"))

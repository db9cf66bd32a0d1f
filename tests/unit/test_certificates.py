"""Proofs written by cvc5 are checked step by step, without a solver."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from smt_proofs.book.work import FOUNDATIONS
from smt_proofs.certificates import alethe, linear, propositional, sexpr
from smt_proofs.certificates.alethe import check
from smt_proofs.certificates.files import certify, certify_folder, proof_of
from smt_proofs.lemmas.foundations import obligation_of
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.smtlib import script

assert FOUNDATIONS  # the modules that register lemmas


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
    ours = {
        "smt_proofs.certificates.linear",
        "smt_proofs.certificates.propositional",
        "smt_proofs.certificates.sexpr",
    }
    python = {"__future__", "re", "itertools", "math", "fractions", "dataclasses"}
    assert imported <= ours | python | {"collections.abc", "typing"}


@pytest.mark.parametrize("name", LEMMAS)
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
        ("(= (* 2 x) (+ (* 2 y) 1))",),
    ],
)
def test_small_scripts_are_certified(lines: tuple[str, ...]) -> None:
    assert certify(text_of(*lines)).trouble == ""


def test_folder_is_certified(tmp_path: Path) -> None:
    scripts = {
        "a/one": text_of("(< x x)"),
        "b/again": "; another comment\n" + text_of("(< x x)"),
        "b/two": text_of("(< x y)", "(< y x)"),
        "b/open": text_of("(< x y)"),
        "b/beyond": text_of("(= (abs x) (- 1))"),
        "b/bits": "(set-logic QF_BV)(declare-const b (_ BitVec 8))(assert (bvult b b))(check-sat)",
    }
    for name, text in scripts.items():
        path = tmp_path / f"{name}.smt2"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    summary = certify_folder(tmp_path)
    assert summary.certified == 3
    assert summary.unproven == {
        "cvc5 finds no proof: it says sat": 1,
        "it speaks of bit-vectors": 1,
    }
    assert list(summary.refused) == [tmp_path / "b/beyond.smt2"]
    for name in ("a/one", "b/again", "b/two"):
        proof = (tmp_path / f"{name}.alethe").read_text()
        assert proof.startswith("; by cvc5 ")
        assert f"each of {check(scripts[name], proof)} steps checked" in proof
    assert "not accepted" in (tmp_path / "b/beyond.alethe").read_text()
    assert not (tmp_path / "b/open.alethe").exists()


def test_proof_beyond_the_checker_is_not_accepted() -> None:
    certificate = certify(text_of("(= (abs x) (- 1))"))
    assert certificate.proof
    assert certificate.trouble == "the script cannot be read: abs is not declared"
    assert certificate.steps == 0


def test_proof_is_cvc5s() -> None:
    assert ":rule" in proof_of(text_of("(< x x)"))

"""Proofs written by cvc5 are checked step by step, without a solver."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from smt_proofs.book.work import FOUNDATIONS
from smt_proofs.certificates import alethe, bits, circuits, drat, linear, propositional, sexpr
from smt_proofs.certificates.alethe import check
from smt_proofs.certificates.bits import clauses_of
from smt_proofs.certificates.files import beside, certify_folder, keep
from smt_proofs.certificates.makers import certify, proof_of
from smt_proofs.lemmas.foundations import obligation_of
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.means import export
from smt_proofs.solving.settle import Settled
from smt_proofs.solving.smtlib import script

assert FOUNDATIONS  # the modules that register lemmas


@pytest.mark.parametrize("module", [alethe, bits, circuits, drat, linear, propositional, sexpr])
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
        "smt_proofs.certificates.alethe",
        "smt_proofs.certificates.bits",
        "smt_proofs.certificates.circuits",
        "smt_proofs.certificates.linear",
        "smt_proofs.certificates.propositional",
        "smt_proofs.certificates.sexpr",
    }
    python = {"__future__", "re", "itertools", "math", "fractions", "dataclasses"}
    assert imported <= ours | python | {"collections.abc", "typing", "dratify"}


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


def test_folder_is_certified(tmp_path: Path, cadical: None) -> None:
    scripts = {
        "a/one": text_of("(< x x)"),
        "b/again": "; another comment\n" + text_of("(< x x)"),
        "b/two": text_of("(< x y)", "(< y x)"),
        "b/open": text_of("(< x y)"),
        "b/beyond": text_of("(= (abs x) (- 1))"),
        "b/bits": "(declare-const b (_ BitVec 8))(assert (bvult b b))(check-sat)",
    }
    for name, text in scripts.items():
        path = tmp_path / f"{name}.smt2"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    summary = certify_folder(tmp_path)
    assert summary.certified == {"cvc5": 3, "cadical": 1}
    assert summary.kept == 0
    assert summary.unproven == {"cvc5 finds no proof: it says sat": 1}
    assert list(summary.refused) == [tmp_path / "b/beyond.smt2"]
    for name in ("a/one", "b/again", "b/two"):
        proof = (tmp_path / f"{name}.alethe").read_text()
        assert proof.startswith("; by cvc5 ")
        assert f"each of {check(scripts[name], proof)} steps checked" in proof
    bits = (tmp_path / "b/bits.drat").read_text()
    assert bits.startswith("c by cadical ")
    assert f"each of {drat.check(scripts['b/bits'], bits)} steps checked by dratify " in bits
    assert (tmp_path / "b/bits.cnf").read_text() == clauses_of(scripts["b/bits"]).dimacs()
    assert "not accepted" in (tmp_path / "b/beyond.alethe").read_text()
    assert not (tmp_path / "b/open.alethe").exists()

    # What is there is checked, and only what is no proof of its script is made again.
    wrong = tmp_path / "b/two.alethe"
    wrong.write_text((tmp_path / "a/one.alethe").read_text())
    kept = (tmp_path / "a/one.alethe").stat().st_mtime_ns
    again = certify_folder(tmp_path)
    assert again == replace(summary, kept=2)
    assert (tmp_path / "a/one.alethe").stat().st_mtime_ns == kept
    assert check(scripts["b/two"], wrong.read_text()) > 0


def test_proof_that_is_there_is_checked_first() -> None:
    text = text_of("(< x y)", "(< y x)")
    made = certify(text)
    assert not made.kept
    assert certify(text, known=f"; a comment\n{made.proof}") == replace(
        made, proof=f"; a comment\n{made.proof}", kept=True
    )
    assert certify(text, known=made.proof.replace("(cl)", "(cl (< x y))")) == made
    assert certify(text, known="no proof") == made


def test_proof_shared_by_scripts_does_not_change_with_one_of_them(tmp_path: Path) -> None:
    one, other = tmp_path / "one.smt2", tmp_path / "other.smt2"
    first = certify(text_of("(< x x)"))
    (proof,) = keep(one, text_of("(< x x)"), first)
    beside(other, "").hardlink_to(proof)
    before = proof.read_text()
    keep(one, text_of("(< y y)"), certify(text_of("(< y y)")))
    assert beside(other, "").read_text() == before != proof.read_text()


def test_proof_beyond_the_checker_is_not_accepted() -> None:
    certificate = certify(text_of("(= (abs x) (- 1))"))
    assert certificate.proof
    assert certificate.trouble == "the script cannot be read: abs is not declared"
    assert certificate.steps == 0


def test_proof_is_cvc5s() -> None:
    assert ":rule" in proof_of(text_of("(< x x)"))


def test_scripts_of_an_earlier_run_do_not_stay_among_those_of_this_one(tmp_path: Path) -> None:
    def owed(claim: str) -> Settled:
        text = f"; theorem\n; goal\n{text_of(claim)}"
        return Settled("theorem", "goal", 0, (), frozenset(), text, {})

    export(tmp_path, "a way", map(owed, ("(< x x)", "(< y y)", "(< x y)")))
    export(tmp_path, "a way-2", [owed("(> x x)")])
    export(tmp_path, "a way", [owed("(< y y)"), owed("(< y y)")])
    left = sorted(path.name for path in (tmp_path / "theorem").iterdir())
    assert left == ["a-way-001.smt2", "a-way-2-001.smt2"]

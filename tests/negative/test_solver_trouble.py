"""Solvers that contradict each other, are missing or cannot read a script; lemmas that prove
themselves or too much."""

from __future__ import annotations

import pytest

from smt_proofs.lemmas.foundations import obligation_of
from smt_proofs.lemmas.lemma import LEMMAS, Lemma
from smt_proofs.lemmas.products import product_of_naturals_is_natural
from smt_proofs.solving import solvers
from smt_proofs.solving.smtlib import script
from smt_proofs.solving.solve import Answer
from smt_proofs.solving.solvers import Disagreement, available, compare, decide, every

EVERY_SOLVER = (*available(), "bitwuzla")


def test_disagreement_is_no_verdict() -> None:
    with pytest.raises(Disagreement, match=r"solvers disagree: z3 says unsat, cvc5 says sat") as it:
        compare({"z3": Answer.UNSAT, "cvc5": Answer.SAT})
    assert it.value.answers["cvc5"] is Answer.SAT


@pytest.mark.parametrize("other", [Answer.UNSAT, Answer.UNKNOWN])
def test_silence_is_no_disagreement(other: Answer) -> None:
    compare({"z3": Answer.UNSAT, "cvc5": other})


def test_unknown_solver_is_named_with_those_known() -> None:
    with pytest.raises(ValueError, match="unknown solver 'minisat': known are z3, cvc5, bitwuzla"):
        decide("", "minisat", 1.0)


def test_missing_solver_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solvers, "_installed", lambda name: name == "z3")
    assert available() == ("z3",)
    # What `--solver all` asks: yices, an extra, where it is installed; the others are needed.
    assert every() == ("z3", "cvc5")
    with pytest.raises(ValueError, match="cvc5 is not installed: pip install cvc5"):
        decide("", "cvc5", 1.0)


@pytest.mark.parametrize("solver", EVERY_SOLVER)
@pytest.mark.parametrize(
    "text",
    [
        "(set-logic QF_BV)\n(assert",
        "(set-logic QF_BV)\n(assert (bvult a a))\n(check-sat)\n",
    ],
)
def test_unreadable_script_is_one_clear_error(solver: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{solver} cannot read the script"):
        decide(text, solver, 1.0)


@pytest.mark.parametrize("solver", available())
def test_false_lemma_is_refuted(solver: str) -> None:
    wrong = Lemma("wrong", lambda a, b: ([a >= 0], a * b >= 0))
    assert decide(script(obligation_of(wrong)), solver, 10.0) is Answer.SAT


@pytest.mark.parametrize("solver", available())
def test_steps_that_do_not_suffice_leave_the_lemma_unproven(solver: str) -> None:
    few = Lemma("few", LEMMAS["quotient_grows"].formula, lambda *_: [])
    assert decide(script(obligation_of(few)), solver, 10.0) is Answer.SAT


def test_lemma_does_not_rest_on_itself_or_a_later_one() -> None:
    base = product_of_naturals_is_natural
    circular = Lemma(base.name, base.formula, lambda a, b: [(LEMMAS["quotient_grows"], (a,) * 7)])
    with pytest.raises(ValueError, match="rests on quotient_grows, which is not before it"):
        circular.obligation()

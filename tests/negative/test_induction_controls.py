"""An induction can fail: wrong parts, contradicting premises and timeouts are told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
import z3

from smt_proofs.lemmas import summaries
from smt_proofs.lemmas.index_induction import (
    INDUCTIONS,
    Induction,
    Query,
    Wrong,
    control,
    prove_induction,
    query,
    register,
)
from smt_proofs.solving.solve import Verdict

X = z3.Int("x")
assert summaries, "registers the inductions"
FILLED = INDUCTIONS["memslots_are_activated_as_filled"]


def claim(each: Query, *wrong: Wrong) -> Induction:
    """An induction of one query, outside the registry."""
    return Induction("claim", "", "", "", {}, lambda: (each,), wrong)


def test_false_step_is_refuted() -> None:
    proof = prove_induction(claim(query("step", X + 1 > 0, {"any": X >= -1})), 5)
    assert (proof.verdict, proof.queries, proof.holds) == (Verdict.REFUTED, 0, False)
    assert proof.reason.startswith("step")


def test_contradicting_premises_are_vacuous() -> None:
    proof = prove_induction(claim(query("step", X == 7, {"low": X < 0, "high": X > 0})), 5)
    assert proof.verdict is Verdict.VACUOUS


def test_undecided_is_unknown_not_proven() -> None:
    cube = z3.Int("y") * z3.Int("y") * z3.Int("y")
    hard = Query("step", (), X * X * X + cube != 33)
    proof = prove_induction(claim(hard), 0.3)
    assert proof.verdict is Verdict.UNKNOWN
    assert not proof.holds


def test_control_that_breaks_nothing_is_noticed() -> None:
    tame = Wrong("tame", "body", FILLED.parts["body"], "step")
    proof = prove_induction(replace(FILLED, wrong=(tame,)), 5)
    assert proof.verdict is Verdict.PROVEN
    assert not proof.holds


def test_control_must_name_a_part_and_a_query() -> None:
    right = FILLED.wrong[0]
    with pytest.raises(ValueError, match="no part"):
        control(FILLED, replace(right, part="nowhere"), 5)
    with pytest.raises(ValueError, match="no query"):
        control(FILLED, replace(right, breaks="nowhere"), 5)


def test_registry_refuses_a_name_taken_and_a_missing_control() -> None:
    with pytest.raises(ValueError, match="twice"):
        register(FILLED)
    with pytest.raises(ValueError, match="negative control"):
        register(replace(FILLED, name="other", wrong=()))

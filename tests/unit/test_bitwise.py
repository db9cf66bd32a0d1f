"""The decision function in exact 64-bit vectors, within bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from conformance.traces.sizes import format_size
from model.arithmetic import MIB, TIB, ceil_div
from model.geometry import decide_memslots, memslot_size
from model.invariants import INVARIANTS
from model.machine_ints import INTS
from smt_proofs.decision.bitwise import (
    CASES,
    LAYOUT,
    TILING,
    Bounds,
    ExactTerms,
    check,
    without,
)
from smt_proofs.decision.inputs import case
from smt_proofs.decision.mutants import MUTANTS
from smt_proofs.decision.theorem import THEOREMS, Hypothesis
from smt_proofs.solving.solve import Verdict
from smt_proofs.symbolic.paths import Script

pytestmark = pytest.mark.slow

WITNESS = case(4611684918917857280, MIB, 4194303)
"""The count is 4194304: one more than the limit."""
COUNT = THEOREMS["count_never_exceeds_limit"]


def verdict(name: str, bounds: Bounds, solver: str = "bitwuzla") -> Verdict:
    return check(THEOREMS[name], bounds, solver, 60.0).verdict


def test_every_layout_invariant_is_checked() -> None:
    checked = {THEOREMS[name].invariant for names in CASES.values() for name in names}
    assert checked == {i.name for i in INVARIANTS if i.of_layout}


@pytest.mark.parametrize(
    ("bounds", "name"), [(bounds, name) for bounds, names in CASES.items() for name in names]
)
def test_theorem_holds_bit_by_bit(bounds: Bounds, name: str) -> None:
    found = check(THEOREMS[name], bounds, timeout=60.0)
    assert found.verdict is Verdict.PROVEN
    assert found.queries >= 10


def test_documentation_says_what_is_covered() -> None:
    """Five theorems for each block size and limit, tiling up to a bound of its own in two cases."""
    page = (Path(__file__).parents[2] / "docs" / "proofs.md").read_text()
    wide = {(b.block, b.limit): b for b, names in CASES.items() if LAYOUT[0] in names}
    tiled = {(b.block, b.limit): b for b, names in CASES.items() if TILING in names}
    assert wide.keys() == tiled.keys()
    for at, bounds in wide.items():
        narrower = tiled[at].region != bounds.region
        note = f" (tiling: {format_size(tiled[at].region)})" if narrower else ""
        covered = f"{format_size(bounds.region)}{note}"
        assert f"| {format_size(at[0])} | {at[1]} | {covered} | all five |" in page


@pytest.mark.parametrize("solver", ["z3", "cvc5"])
def test_other_solvers_agree(solver: str) -> None:
    name = "slots_no_smaller_than_minimum"
    assert verdict(name, Bounds(2 * MIB, 3, TIB), solver) is Verdict.PROVEN


@pytest.mark.parametrize(
    ("mutant", "theorem"),
    [
        ("limit-plus-one", "count_never_exceeds_limit"),
        ("share-rounded-down", "count_never_exceeds_limit"),
        ("share-not-rounded", "every_slot_aligned_to_block"),
        ("no-minimum", "slots_no_smaller_than_minimum"),
        ("one-block-too-coarse", "slots_as_fine_as_allowed"),
        ("count-one-more", TILING),
    ],
)
def test_wrong_rule_is_refuted_by_executed_inputs(mutant: str, theorem: str) -> None:
    with MUTANTS[mutant].applied():
        found = check(THEOREMS[theorem], Bounds(2 * MIB, 3, TIB))
    assert found.verdict is Verdict.REFUTED
    assert found.counterexample is not None
    assert found.counterexample["region"] <= TIB
    assert found.counterexample["limit"] == 3


REGION_OF_WITNESS = Hypothesis(
    "region-of-the-witness", "", "", lambda d, c: d.eq(c.region, d.lit(WITNESS.region))
)
OUTSIDE = without(COUNT, "limit-in-block", "limit-in-uint16")
ANY_REGION = Bounds(WITNESS.block, WITNESS.limit, 1 << 63)


def test_known_witness_is_found_where_the_hypotheses_are_left_out() -> None:
    size = memslot_size(INTS, WITNESS, WITNESS.block)
    assert ceil_div(INTS, WITNESS.region, size) == WITNESS.limit + 1 == 4194304
    there = replace(OUTSIDE, hypotheses=(*OUTSIDE.hypotheses, REGION_OF_WITNESS))
    found = check(there, ANY_REGION)
    assert found.verdict is Verdict.REFUTED
    assert found.counterexample is not None
    assert found.counterexample["region"] == WITNESS.region


def test_some_witness_is_found_where_the_hypotheses_are_left_out() -> None:
    found = check(OUTSIDE, ANY_REGION)
    assert found.verdict is Verdict.REFUTED
    assert found.counterexample is not None
    at = replace(WITNESS, region=found.counterexample["region"])
    assert not 1 <= decide_memslots(INTS, at).count <= WITNESS.limit


def test_bounds_outside_the_hypotheses_are_vacuous() -> None:
    assert check(without(COUNT, "limit-in-block"), ANY_REGION).verdict is Verdict.VACUOUS


def test_timeout_is_unknown() -> None:
    assert (
        check(THEOREMS[TILING], Bounds(2 * MIB, 3, TIB), timeout=0.001).verdict is Verdict.UNKNOWN
    )


def test_hypothesis_that_is_none_is_refused() -> None:
    with pytest.raises(KeyError, match="does not assume no-such"):
        without(COUNT, "no-such")


@given(st.integers(0, (1 << 64) - 1), st.integers(1, (1 << 64) - 1))
def test_division_is_that_of_machine_words(a: int, b: int) -> None:
    d = ExactTerms(Script([]))
    for term, value in (
        (d.div(d.lit(a), d.lit(b)), INTS.div(a, b)),
        (d.mod(d.lit(a), d.lit(b)), INTS.mod(a, b)),
        (d.mul(d.lit(a), d.lit(b)), INTS.mul(a, b)),
        (d.wrapping_add(d.lit(a), d.lit(b)), INTS.wrapping_add(a, b)),
    ):
        assert z3.simplify(term).as_long() == value

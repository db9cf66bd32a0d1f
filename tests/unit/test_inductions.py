"""Every loop summary and every fact about numbers is proven by induction."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import z3

from smt_proofs.lemmas import cardinality, devices, groups, searches, summaries
from smt_proofs.lemmas.foundations import prove_lemma
from smt_proofs.lemmas.index_induction import INDUCTIONS, Induction, prove_induction
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.means import Decider, Means
from smt_proofs.solving.opaque import TIMES, opaque
from smt_proofs.solving.solve import Answer, Verdict, ask
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.radix import Count
from smt_proofs.transitions import sets
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.statements import Kind

TIMEOUT = 10.0
REGISTERING = (summaries, searches, groups, cardinality, devices)
QUERIES = {
    "bits_are_set_as_filled": 3,
    "bits_are_cleared_as_cleared": 3,
    "memslots_are_activated_as_filled": 3,
    "memslots_are_deactivated_as_dropped": 3,
    "memslots_follow_as_chosen": 3,
    "memslots_are_prepared_by_index": 3,
    "search_for_a_member_decides_none_in": 4,
    "search_for_a_gap_decides_all_in": 4,
    "range_touches_its_groups": 2,
    "plugged_ranges_are_mapped_as_groups": 6,
    "filling_adds_a_range": 3,
    "clearing_takes_a_range": 3,
    "empty_set_has_no_member": 2,
    "a_member_counts": 2,
    "members_below_a_bound_are_no_more": 2,
    "count_stops_at_the_bound": 2,
    "equal_sets_count_alike": 2,
    "reserve_covers_every_device": 2,
}
"""Inductions by the number of queries: base, step and ends."""


def test_the_registry_is_complete() -> None:
    imported = {str(module.__file__) for module in REGISTERING}
    folder = Path(str(summaries.__file__)).parent
    registers = re.compile(r"\bregister\(\s*Induction\(")
    registering = {str(f) for f in folder.glob("*.py") if registers.search(f.read_text())}
    assert registering == imported
    assert set(INDUCTIONS) == set(QUERIES)


@pytest.mark.parametrize("induction", INDUCTIONS.values(), ids=lambda i: i.name)
def test_induction_is_proven_and_every_wrong_part_refuted(induction: Induction) -> None:
    proof = prove_induction(induction, TIMEOUT)
    assert proof.verdict is Verdict.PROVEN, proof.reason
    assert proof.queries == QUERIES[induction.name]
    assert set(proof.controls.values()) == {Verdict.REFUTED}, proof.controls
    assert proof.holds


@pytest.mark.parametrize("induction", INDUCTIONS.values(), ids=lambda i: i.name)
def test_obligations_are_unsat_without_quantifiers_or_products(induction: Induction) -> None:
    for owed in induction.obligations():
        assert owed.theorem == induction.name
        labels = [assertion.label for assertion in owed.assertions]
        assert len(set(labels)) == len(labels)
        terms = [assertion.term for assertion in owed.assertions]
        assert ask(terms, TIMEOUT)[0] is Answer.UNSAT
        assert ask(terms[:-1], TIMEOUT)[0] is Answer.SAT
        for term in terms:
            assert not quantified_or_not_linear(term), (owed.what, term)


def quantified_or_not_linear(term: z3.ExprRef) -> bool:
    if z3.is_quantifier(term):
        return True
    unknown = [child for child in term.children() if not z3.is_int_value(child)]
    if (z3.is_mul(term) and len(unknown) > 1) or z3.is_div(term) or z3.is_mod(term):
        return True
    return any(map(quantified_or_not_linear, term.children()))


@pytest.mark.parametrize("change", ["filled", "cleared", "dropped", "chosen"])
def test_symbolic_sets_are_the_summaries(change: str) -> None:
    """The membership tests that transitions are evaluated with are those proven here."""
    d = SetTerms(Script([]))
    items = d.members("items", Kind.SLOT)
    holds = z3.Function("holds", z3.IntSort(), z3.BoolSort())
    start, end, i = z3.Ints("start end i")
    reads = change in ("dropped", "chosen")
    changed = getattr(d, change)(
        items, Count(start), Count(end), *([lambda word: holds(word.term)] if reads else [])
    )
    summary = getattr(summaries, change)(items.holds, start, end, *([holds] if reads else []))
    assert ask([changed.holds(i) != summary(i)], TIMEOUT)[0] is Answer.UNSAT
    assert ask([changed.holds(i) != items.holds(i)], TIMEOUT)[0] is Answer.SAT


def test_facts_about_numbers_of_members_are_proven_under_the_names_they_are_used_by() -> None:
    """What the sets are told of the numbers of their members is named as an induction here."""
    text = inspect.getsource(sets)
    used = set(re.findall(r'"lemma (\w+)"', text))
    assert len(used) >= 5
    assert used <= INDUCTIONS.keys() | LEMMAS.keys()


def test_the_page_names_every_loop_and_its_inductions() -> None:
    page = Path(str(summaries.__file__)).parents[2].joinpath("docs", "proofs.md").read_text()
    loops = {name for name, induction in INDUCTIONS.items() if induction.loop}
    assert len(loops) == 10
    assert {name for name in loops if f"`{name}`" not in page} == set()


def test_lemmas_named_by_inductions_are_proven() -> None:
    used = {name for induction in INDUCTIONS.values() for name in induction.lemmas}
    assert used == {"groups_start_in_order", "group_of_a_member"}
    decide = Decider(Means())
    proofs = [prove_lemma(LEMMAS[name], decide, TIMEOUT) for name in used]
    assert {proof.verdict for proof in proofs} == {Verdict.PROVEN}


def test_only_products_of_two_unknowns_become_opaque() -> None:
    a, b = z3.Ints("a b")
    assert opaque(a * b + 2 * a).eq(TIMES(a, b) + 2 * a)

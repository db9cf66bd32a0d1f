"""The book of proofs: complete, every theorem proven, every control and witness confirmed."""

from __future__ import annotations

import pkgutil

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

import smt_proofs
from model.arithmetic import INTS, align_down, align_up, ceil_div, is_aligned, maximum, minimum
from model.invariants import INVARIANTS
from model.profiles import PROFILES
from smt_proofs.book import FAMILIES, THEOREMS, Book, prove_book, theorem_names
from smt_proofs.lemmas import LEMMAS
from smt_proofs.paths import Branch, Script, explore
from smt_proofs.solve import Verdict
from smt_proofs.terms import IntTerms

LIMIT = (1 << 64) - 1


@pytest.fixture(scope="module")
def book() -> Book:
    """One run over the whole book."""
    return prove_book(theorem_names())


def test_every_theorem_and_lemma_is_proven(book: Book) -> None:
    assert {p.theorem: p.verdict for p in book.proofs} == dict.fromkeys(THEOREMS, Verdict.PROVEN)
    assert {x.lemma: x.verdict for x in book.lemmas} == dict.fromkeys(LEMMAS, Verdict.PROVEN)
    assert book.exit_code() == 0


def test_every_proof_has_controls_examples_and_witnesses(book: Book) -> None:
    for proof in book.proofs:
        assert proof.holds, proof.theorem
        assert proof.example is not None
        assert proof.goals >= proof.cases >= 1
        assert {n.hypothesis for n in proof.necessity} == {
            h.name for h in THEOREMS[proof.theorem].hypotheses
        }


def test_every_lemma_is_used(book: Book) -> None:
    assert {name for proof in book.proofs for name in proof.lemmas} == set(LEMMAS)


def test_every_layout_invariant_has_a_theorem() -> None:
    claimed = {theorem.invariant for theorem in THEOREMS.values()}
    layout = {invariant.name for invariant in INVARIANTS if invariant.of_layout}
    assert layout | {"plugged-in-mapped"} <= claimed


def test_every_theorem_names_a_known_invariant_and_known_profiles() -> None:
    names = {invariant.name for invariant in INVARIANTS} | {""}
    for theorem in THEOREMS.values():
        assert theorem.invariant in names
        assert set(theorem.profiles) <= set(PROFILES)


def test_every_module_that_registers_theorems_is_in_the_book() -> None:
    families = {module.__name__ for module in FAMILIES}
    for module in pkgutil.iter_modules(smt_proofs.__path__):
        source = pkgutil.resolve_name(f"smt_proofs.{module.name}")
        text = open(source.__file__, encoding="utf-8").read()  # noqa: SIM115, PTH123
        if "\nregister(" in text:
            assert f"smt_proofs.{module.name}" in families


words = st.one_of(
    st.integers(0, LIMIT),
    st.integers(0, 70),
    st.integers(LIMIT - 70, LIMIT),
    st.sampled_from([1 << k for k in range(64)]),
)


@settings(deadline=None, max_examples=60)
@given(words, words.filter(bool))
def test_integer_terms_agree_with_machine_integers(n: int, m: int) -> None:
    """Wherever no duty fails, a symbolic evaluation at literals has the machine's value."""
    for function in (align_down, align_up, ceil_div, minimum, maximum):
        d = IntTerms(Script([]))
        term = function(d, d.lit(n), d.lit(m))
        solver = z3.Solver()
        solver.add(*d.facts, *d.path)
        duties = z3.And([duty.condition for duty in d.duties])
        solver.add(duties, term != function(INTS, n, m))
        assert solver.check() == z3.unsat, function.__name__


@settings(deadline=None, max_examples=60)
@given(words, words.filter(bool))
def test_alignment_test_agrees_with_machine_integers(n: int, m: int) -> None:
    d = IntTerms(Script([]))
    condition = is_aligned(d, d.lit(n), d.lit(m))
    solver = z3.Solver()
    solver.add(*d.facts, condition != is_aligned(INTS, n, m))
    assert solver.check() == z3.unsat


def test_explore_visits_every_path_once() -> None:
    def run(script: Script) -> tuple[bool, ...]:
        first = script.branch(lambda: None)
        return (first, script.branch(lambda: None)) if first else (first,)

    assert list(explore(run)) == [(True, True), (True, False), (False,)]


def test_explore_skips_what_is_impossible() -> None:
    def run(script: Script) -> tuple[bool, ...]:
        return (script.branch(lambda: False), script.branch(lambda: None))

    assert list(explore(run)) == [(False, True), (False, False)]


def test_explore_gives_up_on_endless_branching() -> None:
    def run(script: Script) -> None:
        script.branches.append(Branch(outcome=True, forced=False))

    with pytest.raises(RuntimeError, match="paths"):
        list(explore(run))

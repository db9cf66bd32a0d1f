"""The book of proofs: complete, every theorem proven, every control and witness confirmed."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

import smt_proofs
from model.arithmetic import align_down, align_up, ceil_div, is_aligned, maximum, minimum
from model.contracts import CONTRACTS, START_CONTRACTS
from model.invariants import INVARIANTS
from model.machine_ints import INTS
from model.profiles import PROFILES, QEMU, Mapping
from smt_proofs.book.book import Book, dependencies, prove_book
from smt_proofs.book.plan import theorem_names
from smt_proofs.book.work import FAMILIES, FOUNDATIONS, unshown
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.cache import VARIABLE
from smt_proofs.solving.solve import Verdict
from smt_proofs.symbolic.paths import Branch, Script, explore
from smt_proofs.symbolic.terms import IntTerms
from smt_proofs.transitions.claims import mappings_of
from smt_proofs.transitions.proofs import TransitionProof

LIMIT = (1 << 64) - 1


IDLE = {
    "wake_up_obeys_reset_unplugs": "a wake-up keeps the blocks: it unplugs none",
    "wake_up_obeys_reset_fits_usable": "a wake-up keeps the usable region",
    "wake_up_obeys_busy_reset_keeps_usable": "a wake-up keeps the usable region",
    "migration_in_obeys_migration_in_maps": "it is about what the usable region covers",
}
"""Contracts that say nothing of QEMU 9.2 and later, with the reason."""


def test_every_theorem_lemma_and_transition_is_proven(qemu_book: Book) -> None:
    stated = {p.theorem: p.verdict for p in qemu_book.proofs}
    assert stated == dict.fromkeys(THEOREMS, Verdict.PROVEN)
    below = {x.lemma: x.verdict for x in qemu_book.lemmas}
    assert below == dict.fromkeys([*LEMMAS, *INDUCTIONS], Verdict.PROVEN)
    assert {t.verdict for t in qemu_book.transitions} == {Verdict.PROVEN}
    assert qemu_book.exit_code() == 0


def test_no_theorem_about_a_transition_is_lost(qemu_book: Book) -> None:
    """What is claimed is proven in every way of mapping, but for what is plainly true."""
    found = {t.theorem for t in qemu_book.transitions} | set(THEOREMS)
    assert set(theorem_names("qemu")) - found == set(IDLE)
    assert {t.mapping for t in qemu_book.transitions} == set(mappings_of(QEMU))


def test_every_proof_has_controls_examples_and_witnesses(qemu_book: Book) -> None:
    for proof in qemu_book.proofs:
        assert proof.holds, proof.theorem
        assert proof.example is not None
        assert proof.goals >= proof.cases >= 1
        assert {n.hypothesis for n in proof.necessity} == {
            h.name for h in THEOREMS[proof.theorem].hypotheses
        }


def exact(proof: TransitionProof) -> bool:
    """The theorem is about the arithmetic of a rule, or of the invariants."""
    return proof.theorem.endswith("_never_wraps") or proof.theorem == "invariants_never_wrap"


def test_every_case_of_a_transition_is_reached_and_every_claim_can_fail(qemu_book: Book) -> None:
    for proof in qemu_book.transitions:
        assert not unshown(proof), proof.theorem
        assert proof.reached == proof.cases
        if not exact(proof):
            assert proof.goals >= proof.cases >= 1, proof.theorem
            assert proof.control, proof.theorem


def test_every_lemma_is_used(qemu_book: Book) -> None:
    """By a theorem, a transition, or a lemma or an induction that is; one by a peer alone."""
    of_peer = "unplug_all_obeys_effects_show_state_exactly_if_nothing_to_unplug"
    peer = prove_book([of_peer], profile="cloud-hypervisor")
    assert any("lemma equal_sets_count_alike" in proof.rests_on for proof in peer.transitions)
    graph = dependencies([*qemu_book.outcomes, *peer.transitions])
    used = {below for above, below in graph.edges if above != below}
    assert {(name,) for name in (*LEMMAS, *INDUCTIONS)} <= used


def test_what_proofs_rest_on_has_a_name_in_the_book(qemu_book: Book) -> None:
    assumed = {h.name for t in THEOREMS.values() for h in t.hypotheses}
    known = {
        "lemma": {*LEMMAS, *INDUCTIONS},
        "theorem": {*THEOREMS, *(t.theorem for t in qemu_book.transitions)},
        "hypothesis": assumed | {i.name for i in (*INVARIANTS, *CONTRACTS, *START_CONTRACTS)},
    }
    labels = {
        label
        for outcome in (*qemu_book.proofs, *qemu_book.transitions)
        for label in outcome.rests_on
    }
    assert labels
    for label in labels:
        kind, name = label.split(" ")
        assert name in known[kind], label


def test_a_warm_run_decides_nothing_anew_and_says_the_same(
    qemu_book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: object, tasks: list[object], *__: object) -> list[object]:
        assert tasks == [], "carried out again"
        return []

    monkeypatch.setattr("smt_proofs.book.book.carried_out", nothing)
    again = prove_book(theorem_names("qemu"), profile="qemu")
    assert again.outcomes == qemu_book.outcomes


def test_without_a_cache_everything_is_decided_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    tasks: list[object] = []

    def none(_: object, waiting: list[object], *__: object) -> list[object]:
        tasks.extend(waiting)
        return []

    monkeypatch.setattr("smt_proofs.book.book.carried_out", none)
    prove_book(["negotiate_keeps_plugged_in_mapped"], profile="qemu")
    # The lemmas, the decision's theorem, and in two ways of mapping the invariants and the
    # transition.
    assert len(tasks) == 2 + 2 * len(mappings_of(QEMU))
    assert Mapping.STATIC in mappings_of(QEMU)


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
    families = {module.__name__ for module in (*FAMILIES, *FOUNDATIONS)}
    for module in pkgutil.walk_packages(smt_proofs.__path__, "smt_proofs."):
        source = pkgutil.resolve_name(module.name)
        text = open(source.__file__, encoding="utf-8").read()  # noqa: SIM115, PTH123
        if "\nregister(" in text:
            assert module.name in families


def test_every_module_that_registers_lemmas_is_in_the_book() -> None:
    """What is not imported is not decided: a theorem that rests on it would be withdrawn."""
    for name, each in LEMMAS.items():
        home = each.formula.__module__
        assert home in {m.__name__ for m in FOUNDATIONS}, name


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
        first = script.branch(lambda: None).outcome
        return (first, script.branch(lambda: None).outcome) if first else (first,)

    assert list(explore(run)) == [(True, True), (True, False), (False,)]


def test_explore_skips_what_is_impossible() -> None:
    def run(script: Script) -> tuple[bool, ...]:
        return (script.branch(lambda: False).outcome, script.branch(lambda: None).outcome)

    assert list(explore(run)) == [(False, True), (False, False)]


def test_explore_gives_up_on_endless_branching() -> None:
    def run(script: Script) -> None:
        script.branches.append(Branch(outcome=True, forced=False))

    with pytest.raises(RuntimeError, match="paths"):
        list(explore(run))


def test_what_another_task_of_a_run_decided_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ways of mapping share obligations, and the cache."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    book = prove_book(["device_reset_keeps_size_matches_bitmap"], profile="qemu")
    assert book.outcomes and book.remembered == []
    again = prove_book(["device_reset_keeps_size_matches_bitmap"], profile="qemu")
    assert len(again.remembered) == len(again.outcomes)

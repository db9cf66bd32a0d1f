"""Outcomes are remembered by what they depend on, and nothing undecided is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model import events, mapping, requests
from model.profiles import PROFILES, QEMU, QEMU_8_2, Mapping, Profile
from smt_proofs.book.book import Book
from smt_proofs.book.memory import keep, key_of, of_profile, recall
from smt_proofs.book.work import Stated, Transition
from smt_proofs.decision.mutants import MUTANTS, Mutant
from smt_proofs.solving.cache import Cache
from smt_proofs.solving.means import Means
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import transitions


def keys(profile: Profile = QEMU, means: Means | None = None) -> dict[str, str]:
    """The fingerprint of each transition."""
    return {
        transition: key_of(Transition(profile.name, Mapping.PLUGGED, transition), means or Means())
        for transition in transitions()
    }


CHANGES = {
    "plug": (Mutant("", requests.plug, "Answer.NACK", "Answer.ERROR"), {"plug"}),
    "wake-up": (
        Mutant("", events.wake_up, "if f.profile.wake_up_keeps", "if not f.profile.wake_up_keeps"),
        {"wake-up"},
    ),
    "nothing": (MUTANTS["huge-page-for-any-backend"], set()),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.slow
def test_a_changed_rule_changes_what_reaches_it(name: str) -> None:
    mutant, reach = CHANGES[name]
    before = keys()
    with mutant.applied():
        after = keys()
    assert {t for t in before if before[t] != after[t]} == reach
    assert keys() == before


@pytest.mark.slow
def test_a_rule_of_many_transitions_changes_all_of_them() -> None:
    """Which those are is listed from the rules; a transition more costs time and no truth."""
    fitting = {"realize", "resize", "unplug-all", "system-reset", "wake-up", "migration-in"}
    before = keys()
    with Mutant("", mapping.resize_usable_region, "d.lt(usable, s.usable)", "True").applied():
        after = keys()
    assert fitting | {"unrealize"} <= {t for t in before if before[t] != after[t]}


@pytest.mark.slow
def test_a_profile_counts_by_what_its_rules_read(monkeypatch: pytest.MonkeyPatch) -> None:
    same = replace(QEMU, name="same", summary="another")
    monkeypatch.setitem(PROFILES, "same", same)
    assert keys(same) == keys(QEMU)
    assert keys(QEMU_8_2)["wake-up"] != keys(QEMU)["wake-up"]


@pytest.mark.slow
def test_other_solvers_are_another_question_and_more_time_is_not() -> None:
    assert keys(means=Means(solvers=("z3", "cvc5"))) != keys()
    assert keys(means=Means(timeout=1.0)) == keys()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_outcomes_come_back_as_they_were(cache: Cache, qemu_book: Book) -> None:
    for kind in (qemu_book.lemmas, qemu_book.proofs, qemu_book.transitions):
        keep(cache, "key", kind)
        assert recall(cache, "key") == list(kind)
    assert recall(cache, "another") is None


def test_what_is_undecided_is_not_kept(cache: Cache, qemu_book: Book) -> None:
    proven = qemu_book.proofs[0]
    keep(cache, "key", [proven, replace(proven, verdict=Verdict.UNKNOWN)])
    assert recall(cache, "key") is None


def test_what_is_refuted_is_kept(cache: Cache, qemu_book: Book) -> None:
    refuted = replace(qemu_book.proofs[0], verdict=Verdict.REFUTED)
    keep(cache, "key", [refuted])
    assert recall(cache, "key") == [refuted]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"outcomes": 1},
        {"outcomes": [{}]},
        {"outcomes": [{"kind": "Theorem", "of": {}}]},
        {"outcomes": [{"kind": "Proof", "of": {"theorem": 1}}]},
        {"outcomes": [{"kind": "Proof", "of": None}]},
    ],
)
def test_a_record_of_another_shape_is_as_if_there_were_none(
    cache: Cache, record: dict[str, object]
) -> None:
    cache.keep_record("key", record)
    assert recall(cache, "key") is None


def test_an_outcome_of_one_profile_is_told_of_the_one_asked_for(qemu_book: Book) -> None:
    proofs = qemu_book.transitions[:3]
    told = of_profile(proofs, Transition("qemu-8.2", Mapping.PLUGGED, "plug"))
    assert {proof.profile for proof in told if hasattr(proof, "profile")} == {"qemu-8.2"}
    assert of_profile(qemu_book.proofs, Stated("x")) == list(qemu_book.proofs)

"""The small scope: all invariants met, every boundary reached, and just the known claims broken."""

from __future__ import annotations

import pytest

from model.machine_ints import INTS
from model.profiles import QEMU, SEED_V2, Mapping, Profile
from model.state import Answer, Op
from smt_proofs.book.book import THEOREMS
from smt_proofs.decision.executed import goal_fails
from smt_proofs.decision.small_inputs import boundary_inputs
from smt_proofs.transitions.claims import claims_of, mappings_of, transitions
from smt_proofs.transitions.inputs import state_invariants
from smt_proofs.transitions.refuted import refuted_of
from smt_proofs.transitions.small import BLOCK, broken, describe, outcome, situations

pytestmark = pytest.mark.slow

SETTINGS = [(p, mapping) for p in (QEMU, SEED_V2) for mapping in mappings_of(p)]
BROKEN = {
    ("unplug-all", "empty_unplug_all_acknowledged"),
    ("system-reset", "reset_fits_usable"),
    ("wake-up", "reset_fits_usable"),
    ("migration-in", "plugged_in_mapped"),
    ("migration-in", "plugged_seen_mapped"),
    ("migration-in", "legacy_usable_mapped"),
    ("resize", "busy_keeps_mapped"),
}
"""What the patch does not keep, in one way of mapping or in both."""


@pytest.mark.parametrize(("profile", "mapping"), SETTINGS, ids=str)
def test_every_state_meets_the_invariants_and_no_two_situations_are_the_same(
    profile: Profile, mapping: Mapping
) -> None:
    for transition in ("unplug", "unplug-all", "migration-in"):
        seen = set()
        for situation in situations(profile, mapping, transition):
            key = (situation.fixed, situation.state)
            assert (*key, situation.action) not in seen
            seen.add((*key, situation.action))
            if key in seen:
                continue
            seen.add(key)  # type: ignore[arg-type]
            for invariant in state_invariants(mapping):
                assert invariant.holds(INTS, *key), describe(situation)


def test_devices_come_in_order_of_size() -> None:
    sizes = [s.fixed.region // BLOCK for s in situations(QEMU, Mapping.PLUGGED, "plug")]
    assert sizes == sorted(sizes)
    assert set(sizes) == {1, 2, 3, 4}


def test_every_answer_is_reached() -> None:
    def answers(transition: str, mapping: Mapping = Mapping.PLUGGED) -> set[Answer]:
        found = situations(QEMU, mapping, transition)
        return {outcome(transition, situation).answer for situation in found}

    refused = {Answer.DONE, Answer.REFUSED}
    given = {Answer.ACK, Answer.ERROR, Answer.SILENT}
    assert answers("plug") == given | {Answer.NACK, Answer.BUSY}
    assert answers("unplug") == given | {Answer.BUSY}
    assert answers("unplug-all") == {Answer.ACK, Answer.BUSY, Answer.SILENT}
    assert answers("state") == given
    assert answers("short") == {Answer.VIOLATION, Answer.SILENT}
    for op in (Op.NEGOTIATE, Op.RESIZE, Op.SYSTEM_RESET, Op.UNREALIZE, Op.MIGRATION_IN):
        assert answers(op.value) == refused
    assert answers("negotiate", Mapping.STATIC) == refused


@pytest.mark.parametrize("mapping", mappings_of(QEMU), ids=str)
def test_qemu_breaks_no_claim(mapping: Mapping) -> None:
    assert {t: broken(QEMU, mapping, t) for t in transitions()} == dict.fromkeys(transitions(), ())


def test_the_patch_breaks_just_these_claims() -> None:
    found = set()
    for mapping in mappings_of(SEED_V2):
        for transition in transitions():
            if transition in {"plug", "unplug", "state"}:
                continue
            told = refuted_of(SEED_V2, mapping, transition)
            serving = {c.theorem: c.serves for c in claims_of(mapping, transition)}
            here = [theorem for theorem, _ in broken(SEED_V2, mapping, transition)]
            assert {serving[theorem] for theorem in here} == told
            for theorem in here:
                verb = "_keeps_" if "_keeps_" in theorem and "_obeys_" not in theorem else "_obeys_"
                found.add((transition, theorem.partition(verb)[2]))
    assert found == BROKEN


def test_the_first_counterexample_is_a_smallest_one() -> None:
    ((_, first),) = broken(SEED_V2, Mapping.PLUGGED, "unplug-all")
    assert describe(first) == (
        "region 1 memslot 1 plugged none requested 0 usable 0 busy: unplug-all"
    )
    (_, first), _ = broken(SEED_V2, Mapping.PLUGGED, "migration-in")
    assert describe(first).startswith("region 1 memslot 1 plugged 0..0 requested 0 usable 1")


def test_theorems_are_named_once_for_a_transition() -> None:
    for transition in transitions():
        names = [claim.theorem for claim in claims_of(Mapping.PLUGGED, transition)]
        assert len(set(names)) == len(names)
        assert all(name.startswith(transition.replace("-", "_")) for name in names)


@pytest.mark.parametrize("name", THEOREMS)
def test_every_theorem_has_boundary_inputs_at_which_it_holds(name: str) -> None:
    inputs = list(boundary_inputs(THEOREMS[name]))
    assert inputs
    assert not any(goal_fails(THEOREMS[name], each) for each in inputs)

"""Wrong rules and wrong outcomes: the proofs of transitions fail, and just where they should."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

from model import answers, events, geometry, mapping, requests
from model.profiles import QEMU, SEED_V2, Mapping, Profile
from smt_proofs.decision.mutants import Mutant
from smt_proofs.solving.obligation import Sought
from smt_proofs.solving.solve import Answer
from smt_proofs.transitions.claims import carry_out, claims_of
from smt_proofs.transitions.induction import seek
from smt_proofs.transitions.small import situations
from smt_proofs.transitions.spoils import SPOIL_NAMED, Spoil, controls

pytestmark = pytest.mark.slow

PLUGGED, USABLE, STATIC = Mapping.PLUGGED, Mapping.USABLE, Mapping.STATIC


def failing(found: Iterable[Sought]) -> set[str]:
    return {x.obligation.theorem for x in found if x.answer is not Answer.UNSAT}


def spoilt(spoil: Spoil, d: Any, transition: str, f: Any, s: Any, a: Any) -> Any:
    """The wrong outcome that a spoil makes of a transition."""
    return spoil.apply(d, f, carry_out(d, transition, f, s, a))


WRONG_RULES = {
    "refused-plug-unmaps-too-much": (
        Mutant(
            "",
            requests.plug,
            "mapped = mapped_after_unplug(d, f, mapped, s.plugged, offset, size)",
            "mapped = d.no_slots()",
        ),
        ("plug", PLUGGED),
        {"keeps_plugged_in_mapped", "obeys_plugged_seen_mapped", "obeys_refusal_changes_nothing"},
    ),
    "plug-forgets-the-size": (
        Mutant("", requests.plug, "mapped=mapped, size=d.add(s.size, size)", "mapped=mapped"),
        ("plug", STATIC),
        {"keeps_size_matches_bitmap", "obeys_plug_marks_blocks"},
    ),
    "unplug-clears-one-block": (
        Mutant(
            "",
            requests.unplug,
            "d.cleared(s.plugged, first, d.add(first, d.div(size, f.block)))",
            "d.cleared(s.plugged, first, d.add(first, d.lit(1)))",
        ),
        ("unplug", STATIC),
        # That the size is enough to shrink follows from the blocks that are cleared.
        {
            "never_wraps",
            "keeps_size_matches_bitmap",
            "obeys_unplug_clears_blocks",
            "obeys_discards_no_plugged",
        },
    ),
    "unplug-drops-a-cut-memslot": (
        Mutant("", mapping.mapped_after_unplug, "d.lt(start, offset)", "d.truth(False)"),
        ("unplug", PLUGGED),
        {"keeps_plugged_in_mapped", "obeys_plugged_seen_mapped"},
    ),
    "range-may-leave-the-usable-region": (
        Mutant("", answers.valid_range, "d.test(d.lt(usable_end, end))", "False"),
        ("state", STATIC),
        {"obeys_state_error", "obeys_state_payload"},
    ),
    "usable-region-of-half-a-block": (
        Mutant("", mapping.usable_size, "align_up(d, reach, f.block)", "reach"),
        ("resize", STATIC),
        {"keeps_multiples_of_block", "obeys_resize_grows_usable"},
    ),
    "unplug-all-leaves-memslots-mapped": (
        Mutant(
            "",
            requests.unplug_everything,
            "mapped = mapped_after_unplug(d, f, s.mapped, plugged, d.lit(0), f.region)",
            "mapped = s.mapped",
        ),
        ("unplug-all", PLUGGED),
        {"keeps_mapped_needs_plugged"},
    ),
    "resize-shrinks": (
        Mutant("", events.resize, "can_shrink=False", "can_shrink=True"),
        ("resize", PLUGGED),
        {"keeps_plugged_in_usable", "obeys_usable_never_shrinks", "obeys_resize_grows_usable"},
    ),
    "reset-keeps-the-feature": (
        Mutant("", events.device_reset, "accepted=no, broken=no", "broken=no"),
        ("device-reset", STATIC),
        {"obeys_reset_forgets_driver"},
    ),
    "migration-keeps-the-source-busy": (
        Mutant("", events.migration_in, "busy=d.truth(False)", "busy=s.busy"),
        ("migration-in", STATIC),
        {"obeys_migration_sets_busy"},
    ),
    "end-memslot-rounded-down": (
        Mutant(
            "",
            geometry.end_slot,
            "ceil_div(d, d.add(offset, size), slots.size)",
            "d.div(d.add(offset, size), slots.size)",
        ),
        ("plug", PLUGGED),
        {"keeps_plugged_in_mapped", "obeys_map_adds_touched", "obeys_populate_in_mapped"},
    ),
    "covered-memslot-stays-unmapped": (
        Mutant(
            "",
            mapping.resize_usable_region,
            "d.lt(slot_start(d, f.slots, index), usable)",
            "d.le(slot_start(d, f.slots, index), usable)",
        ),
        ("resize", USABLE),
        # The patch does not keep the latter as it is.
        {"keeps_legacy_usable_mapped", "obeys_busy_keeps_mapped"},
    ),
}
"""Wrong rules by name: where they apply, and the theorems of that transition that must fail."""


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_rule_fails_just_the_theorems_about_it(name: str) -> None:
    mutant, (transition, way), expected = WRONG_RULES[name]
    profile = SEED_V2 if way is USABLE else QEMU
    with mutant.applied():
        wrong = failing(seek(profile, way, transition))
    start = transition.replace("-", "_")
    assert {theorem.removeprefix(f"{start}_") for theorem in wrong} == expected


FEW = [
    (QEMU, PLUGGED, "unplug"),
    (QEMU, PLUGGED, "migration-in"),
    (QEMU, STATIC, "plug"),
    (SEED_V2, USABLE, "realize"),
    (SEED_V2, USABLE, "unrealize"),
]
"""Transitions whose every claim is tried on a wrong outcome."""


def spoils_of(profile: Profile, way: Mapping, transition: str) -> dict[str, set[str]]:
    """For each wrong outcome that breaks a claim when it is executed, the theorems it breaks."""
    found = controls(transition, claims_of(way, transition), situations(profile, way, transition))
    broken: dict[str, set[str]] = {}
    for theorem, (spoil, _) in found.items():
        broken.setdefault(spoil.name, set()).add(theorem)
    return broken


@pytest.mark.parametrize(
    ("profile", "way", "transition"), FEW, ids=lambda value: getattr(value, "name", value)
)
def test_what_breaks_a_claim_in_execution_breaks_its_proof(
    profile: Profile, way: Mapping, transition: str
) -> None:
    missed = {}
    for spoil, noticed in spoils_of(profile, way, transition).items():
        claims = [claim for claim in claims_of(way, transition) if claim.theorem in noticed]
        wrong = failing(seek(profile, way, transition, claims, partial(spoilt, SPOIL_NAMED[spoil])))
        if not noticed <= wrong:
            missed[spoil] = noticed - wrong
    assert missed == {}

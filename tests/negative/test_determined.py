"""Contracts that leave a choice: the theorems on determined transitions fail, and say what is open.

Each contract dropped in turn is `python -m conformance.commands.contracts`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import islice

import pytest

from model.contracts import CONTRACTS, START_CONTRACTS
from model.effects import Did
from model.profiles import QEMU, SEED_V2, Mapping, Profile
from model.state import Answer
from smt_proofs.solving.means import Decider, Means
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import Claim, transitions
from smt_proofs.transitions.determined_proofs import leaving_one, prove_determined
from smt_proofs.transitions.needed import contract_names
from smt_proofs.transitions.needed_names import NEEDED
from smt_proofs.transitions.proofs import TransitionProof
from smt_proofs.transitions.shapes import OtherKinds, Shape, WithOtherKinds
from smt_proofs.transitions.small import fails, situations
from smt_proofs.transitions.spoils import outcomes

PLUGGED, STATIC, USABLE = Mapping.PLUGGED, Mapping.STATIC, Mapping.USABLE


def proof(
    claims: list[Claim], transition: str, mapping: Mapping, profile: Profile = QEMU
) -> TransitionProof:
    return prove_determined(profile, mapping, transition, Decider(Means()), claims)


@pytest.mark.parametrize(
    ("transition", "mapping", "dropped", "open_word"),
    [
        ("negotiate", STATIC, "negotiate-records", "accepted"),
        ("resize", PLUGGED, "resize-sets-requested", "requested"),
        ("device-reset", STATIC, "event-done", "refused"),
        ("migration-start", PLUGGED, "migration-sets-busy", "busy"),
        ("realize", PLUGGED, "starts-idle", "busy"),
    ],
)
def test_a_dropped_contract_lets_a_second_outcome_in(
    transition: str, mapping: Mapping, dropped: str, open_word: str
) -> None:
    claims = leaving_one(QEMU, mapping, transition)
    left = [claim for claim in claims if claim.serves != dropped]
    assert len(left) == len(claims) - 1
    found = proof(left, transition, mapping)
    assert found.verdict is Verdict.REFUTED
    right, other = found.counterexample.split("; or else ")
    assert open_word in right.split(": ", 1)[1] or open_word in other


def test_a_weakened_contract_lets_a_second_outcome_in() -> None:
    """The requested size is claimed only where it is not 0."""

    def weaker(claim: Claim) -> Claim:
        if claim.serves != "resize-sets-requested":
            return claim

        def holds(d, f, s, a, r):  # type: ignore[no-untyped-def]
            return d.either(d.eq(a.value, d.lit(0)), claim.holds(d, f, s, a, r))

        return replace(claim, holds=holds)

    claims = [weaker(claim) for claim in leaving_one(QEMU, STATIC, "resize")]
    found = proof(claims, "resize", STATIC)
    assert found.verdict is Verdict.REFUTED
    assert "value=0" in found.counterexample


def test_effects_that_no_contract_names_are_not_passed_over() -> None:
    """Without a word on what is done to the host, anything may be."""
    claims = [c for c in leaving_one(QEMU, STATIC, "negotiate") if c.serves != "nothing-done"]
    assert proof(claims, "negotiate", STATIC).verdict is not Verdict.PROVEN


def test_every_contract_is_needed_or_follows() -> None:
    everything = [c.name for c in (*START_CONTRACTS, *CONTRACTS)]
    names = [*contract_names(follows=False), *contract_names(follows=True)]
    assert sorted(names) == sorted(everything)
    assert frozenset(contract_names(follows=False)) == NEEDED


@cache
def some(profile: Profile, mapping: Mapping, transition: str) -> list[object]:
    return list(islice(situations(profile, mapping, transition), 0, 400, 20))


@pytest.mark.parametrize("transition", transitions())
@pytest.mark.parametrize(("profile", "mapping"), [(QEMU, PLUGGED), (SEED_V2, USABLE)])
def test_what_is_left_holds_of_the_rule_and_of_no_wrong_outcome(
    profile: Profile, mapping: Mapping, transition: str
) -> None:
    """The theorems' claims without those that follow, executed."""
    claims = leaving_one(profile, mapping, transition)
    for situation in some(profile, mapping, transition):
        right, wrongs = outcomes(transition, situation)
        assert [c.theorem for c in claims if fails(c, situation, right)] == []  # type: ignore[arg-type]
        if transition == "realize":
            # It leaves a state, and nothing else is looked at.
            wrongs = [(spoil, wrong) for spoil, wrong in wrongs if wrong.state != right.state]
        for spoil, wrong in wrongs:
            held = not any(fails(c, situation, wrong) for c in claims)  # type: ignore[arg-type]
            assert wrong == right or not held, (spoil.name, situation)


def test_other_kinds_are_equal_to_no_sequence_and_remember_it() -> None:
    others = OtherKinds()
    assert others != (Did.MAP,)
    assert others != (Did.MAP, Did.UNMAP)
    assert list(others.compared) == [(Did.MAP,), (Did.MAP, Did.UNMAP)]
    shape = Shape(Answer.ACK, None, notified=False, kinds=others)
    with pytest.raises(AttributeError):
        _ = WithOtherKinds(None, shape.answer, None, notified=False, kinds=others).effects  # type: ignore[attr-defined]

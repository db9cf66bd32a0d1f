"""Wrong rules by hand: what the contracts say that is not implied by others notices each of them,
in every situation in which it does anything else than the right rule."""

from __future__ import annotations

from functools import cache
from itertools import islice

import pytest

from model.profiles import Mapping, Profile
from smt_proofs.transitions.determined_proofs import leaving_one
from smt_proofs.transitions.small import SmallSituation, fails, outcome, situations
from tests.negative.wrong_outcomes import WRONG_RULES, WrongRule

LOOKED_AT = 12
"""Situations in which a wrong rule goes wrong that are judged."""


@cache
def spread(profile: Profile, mapping: Mapping, transition: str) -> tuple[SmallSituation, ...]:
    """Situations of all devices of the small scope, so many that the whole takes a moment."""
    found = situations(profile, mapping, transition)
    return tuple(islice(found, 0, 24_000, 7))


def test_there_are_as_many_as_asked_for_under_names_of_their_own() -> None:
    assert len({rule.name for rule in WRONG_RULES}) == len(WRONG_RULES) >= 60


@pytest.mark.parametrize("rule", WRONG_RULES, ids=lambda rule: rule.name)
def test_a_wrong_rule_is_noticed_wherever_it_goes_wrong(rule: WrongRule) -> None:
    transition = rule.op.value
    claims = leaving_one(rule.profile, rule.mapping, transition)
    judged = 0
    for at in spread(rule.profile, rule.mapping, transition):
        right = outcome(transition, at)
        wrong = rule.wrong(at.fixed, at.state, at.action, right)
        if wrong == right:
            continue
        assert any(fails(claim, at, wrong) for claim in claims), at
        judged += 1
        if judged == LOOKED_AT:
            break
    assert judged

"""Wrong rules by hand: what the contracts say that is not implied by others notices each of them,
in every situation in which it does anything else than the right rule."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice

import pytest
from wrong_outcomes import WRONG_RULES, WrongRule

from model.profiles import Mapping, Profile
from model.state import ConcreteResult
from smt_proofs.transitions.determined_proofs import leaving_one
from smt_proofs.transitions.inputs import Situation
from smt_proofs.transitions.small import (
    BUSY,
    IDLE,
    Scope,
    SmallSituation,
    actions,
    devices,
    fails,
    outcome,
    states,
)

BROKEN = (False, True, True, True)
LOOKED_AT = Scope(3, (IDLE, BUSY, BROKEN), every_size=True, at_end=False, odd=True)
EVERY = 23
"""One in so many situations is looked at; a prime, so that all kinds of them come up."""
JUDGED = 12
"""Situations in which a wrong rule goes wrong that are judged."""


@cache
def spread(
    profile: Profile, mapping: Mapping, transition: str
) -> tuple[tuple[SmallSituation, ConcreteResult], ...]:
    """Situations of devices of three blocks, with what the right rule makes of them."""

    def all_of_them() -> Iterator[SmallSituation]:
        for f in devices(profile, mapping, transition, LOOKED_AT):
            done = tuple(actions(f, transition, LOOKED_AT))
            yield from (Situation(f, s, a) for s in states(f, LOOKED_AT) for a in done)

    looked_at = islice(all_of_them(), 0, 200_000, EVERY)
    return tuple((at, outcome(transition, at)) for at in looked_at)


def test_there_are_as_many_as_asked_for_under_names_of_their_own() -> None:
    assert len({rule.name for rule in WRONG_RULES}) == len(WRONG_RULES) >= 60


@pytest.mark.parametrize("rule", WRONG_RULES, ids=lambda rule: rule.name)
def test_a_wrong_rule_is_noticed_wherever_it_goes_wrong(rule: WrongRule) -> None:
    transition = rule.op.value
    claims = leaving_one(rule.profile, rule.mapping, transition)
    judged = 0
    for at, right in spread(rule.profile, rule.mapping, transition):
        wrong = rule.wrong(at.fixed, at.state, at.action, right)
        if wrong == right:
            continue
        assert any(fails(claim, at, wrong) for claim in claims), at
        judged += 1
        if judged == JUDGED:
            break
    assert judged

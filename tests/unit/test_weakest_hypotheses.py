"""A refuted claim holds exactly where its weakest hypothesis does, on all small situations.

Every state that meets the invariants is tried, whether a device gets there or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product

import pytest

from conformance.generate.alphabet import SHORT_LAST, TWO_SLOTS, actions
from conformance.judge.claims import claims_of
from conformance.judge.oracle import broken_by_state
from model.device import fix
from model.extents import Extents
from model.machine_ints import INTS
from model.profiles import PROFILES, Mapping
from model.rules import step
from model.state import ConcreteState, Config, Fixed, State
from smt_proofs.transitions.refuted import REFUTED, RefutedClaim


def sets(count: int) -> list[Extents]:
    return [
        Extents.of_ranges([(member, member + 1) for member in members])
        for size in range(count + 1)
        for members in combinations(range(count), size)
    ]


def states(fixed: Fixed[int, bool]) -> Iterator[ConcreteState]:
    """Every state in which all invariants hold."""
    sizes = range(0, fixed.region + 1, fixed.block)
    fields = (sets(fixed.region // fixed.block), sets(fixed.slots.count), sizes, sizes, sizes)
    for values in product(*fields, *[(False, True)] * 4):
        state = State(*values)
        if broken_by_state(fixed, state)[0] is None:
            yield state


@pytest.mark.parametrize("size", [TWO_SLOTS, SHORT_LAST], ids=["two-slots", "short-last"])
@pytest.mark.parametrize(
    "refuted", REFUTED, ids=lambda r: f"{r.mapping.value}-{r.claim}-{r.op.value}"
)
def test_claim_holds_exactly_if_the_hypothesis_does(refuted: RefutedClaim, size: Config) -> None:
    seen = Counter[bool]()
    for blocks in (0, 1):
        inaccessible = refuted.mapping is Mapping.PLUGGED
        several = refuted.mapping is not Mapping.STATIC
        config = replace(
            size, option=several, inaccessible=inaccessible, requested=blocks * size.block
        )
        fixed = fix(PROFILES[refuted.profile], config)
        assert fixed.mapping is refuted.mapping
        claims = claims_of(refuted.op.value, fixed.mapping)
        (claim,) = (claim for claim in claims if claim.name == refuted.claim)
        alphabet = [action for action in actions(config) if action.op is refuted.op]
        for state in states(fixed):
            for action in alphabet:
                result = step(INTS, fixed, state, action)
                holds = claim.judge(fixed, state, action, result)
                assert holds == refuted.holds(INTS, fixed, state, action), (state, action)
                seen[holds] += 1
    assert seen[True]
    assert seen[False]


def test_rows_are_named_once() -> None:
    rows = [(r.profile, r.mapping, r.claim, r.op) for r in REFUTED]
    assert len(set(rows)) == len(rows)

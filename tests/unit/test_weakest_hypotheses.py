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
from model.state import ConcreteState, Fixed, Op, State
from smt_proofs.transitions.refuted import REFUTED
from smt_proofs.transitions.refuted_row import RefutedClaim


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


Step = tuple[str, Mapping, Op]
"""A profile, a way of mapping and an operation."""
STEPS: dict[Step, list[RefutedClaim]] = {}
for refuted in REFUTED:
    STEPS.setdefault((refuted.profile, refuted.mapping, refuted.op), []).append(refuted)
ALLOCATING = replace(TWO_SLOTS, prealloc=True)
DEVICES = {"two-slots": TWO_SLOTS, "short-last": SHORT_LAST, "allocating": ALLOCATING}


def devices(of: Step) -> list[str]:
    """Memory is allocated ahead by PLUG alone, of what is refuted, and its ranges are many."""
    return ["two-slots", "allocating" if of[2] is Op.PLUG else "short-last"]


@pytest.mark.parametrize(
    ("of", "size"),
    [(of, size) for of in STEPS for size in devices(of)],
    ids=lambda of: of if isinstance(of, str) else f"{of[0]}-{of[1].value}-{of[2].value}",
)
def test_claims_hold_exactly_if_their_hypotheses_do(of: Step, size: str) -> None:
    name, mapping, op = of
    seen = Counter[tuple[str, bool]]()
    # What is requested at start matters to a device that starts.
    for blocks in (0, 1) if op is Op.MIGRATION_IN else (0,):
        config = replace(
            DEVICES[size],
            option=mapping is not Mapping.STATIC,
            inaccessible=mapping is Mapping.PLUGGED,
            requested=blocks * DEVICES[size].block,
        )
        fixed = fix(PROFILES[name], config)
        assert fixed.mapping is mapping
        claims = {claim.name: claim for claim in claims_of(op.value, fixed.mapping)}
        alphabet = [action for action in actions(config) if action.op is op]
        for state in states(fixed):
            for action in alphabet:
                result = step(INTS, fixed, state, action)
                for row in STEPS[of]:
                    holds = claims[row.claim].judge(fixed, state, action, result)
                    due = row.holds(INTS, fixed, state, action)
                    assert holds == due, (row.claim, state, action)
                    seen[row.claim, holds] += 1
    for row in STEPS[of]:
        assert seen[row.claim, True], row.claim
        assert seen[row.claim, False], row.claim


def test_rows_are_named_once() -> None:
    rows = [(r.profile, r.mapping, r.claim, r.op) for r in REFUTED]
    assert len(set(rows)) == len(rows)

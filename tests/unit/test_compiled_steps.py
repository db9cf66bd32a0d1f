"""Compiled steps and invariants say what the rules say, of wrong rules too."""

from dataclasses import fields

import pytest

from conformance.explore.graph import StateGraph, explore
from conformance.explore.masks import Masks, TooFar
from conformance.explore.rows import row_of, state_of
from conformance.explore.scale import scaled_config
from model import mapping, requests
from model.extents import Extents
from model.profiles import PROFILES, QEMU
from smt_proofs.decision.mutants import Mutant


def alike(one: StateGraph, other: StateGraph) -> bool:
    return all(
        list(map(list, getattr(one, field.name))) == list(map(list, getattr(other, field.name)))
        if field.name in ("targets", "labels")
        else getattr(one, field.name) == getattr(other, field.name)
        for field in fields(StateGraph)
    )


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("merge", [True, False])
def test_the_graph_is_the_one_of_the_rules(name: str, merge: bool) -> None:
    profile = PROFILES[name]
    slots = 2 if profile.option_name else 1
    config = scaled_config(profile, 2, slots)
    compiled = explore(profile, config, merge=merge)
    assert compiled.merged is merge
    assert alike(compiled, explore(profile, config, merge=merge, interpreted=True))


def test_a_wrong_rule_is_wrong_in_both() -> None:
    right = explore(QEMU, scaled_config(QEMU, 3, 2))
    mutant = Mutant("late", requests.plug, "if d.test(s.busy):", "if d.test(d.truth(False)):")
    with mutant.applied():
        compiled, ruled = (
            explore(QEMU, scaled_config(QEMU, 3, 2), interpreted=by_rules)
            for by_rules in (False, True)
        )
    assert compiled.broken != () and alike(compiled, ruled) and not alike(compiled, right)


@pytest.mark.parametrize("wrong", ["d.add(d.div(offset, f.block), d.lit(9))", "offset"])
def test_a_block_too_far_for_a_mask_is_left_to_the_rules(wrong: str) -> None:
    """Blocks counted in bytes are among them: a mask of those would fill the machine's memory."""
    mutant = Mutant("far", mapping.block_index, "d.div(offset, f.block)", wrong)
    config = scaled_config(QEMU, 2, 2)
    with mutant.applied():
        graph = explore(QEMU, config)
    claims = {broken.claim for broken in graph.broken}
    assert claims & {"indices-in-bounds", "plugged-in-mapped"}
    with pytest.raises(TooFar):
        Masks(4).filled(0, 3, 6)


def test_a_row_is_the_state() -> None:
    state = explore(QEMU, scaled_config(QEMU, 2, 2)).states[-1]
    for plugged in (Extents(), Extents((0, 1, 3, 5)), Extents((2, 4))):
        state = state_of(row_of(state))
        mask = sum(1 << index for index in plugged.members(0, 9))
        assert state_of((mask, *row_of(state)[1:])).plugged == plugged

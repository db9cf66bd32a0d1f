"""Differences told of devices that somebody could have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from model.arithmetic import GIB, MIB
from smt_proofs.source.inputs import Inputs
from smt_proofs.source.realistic import ADDR, believable, numbers, realistic, scaled
from smt_proofs.source.search import device


@dataclass(frozen=True)
class Seen:
    inputs: Inputs
    what: str


def small(seed: int) -> Inputs:
    """A device of a few bytes a block, as is tried first."""
    random = Random(seed)
    return next(x for x in (device(random) for _ in range(1000)) if x.block == 4)


def test_a_device_grows_with_its_state() -> None:
    for seed in range(20):
        x = small(seed)
        grown = next(scaled(x))
        assert realistic(grown) and not realistic(x)
        assert grown.slot_size >= GIB and grown.addr == ADDR
        assert (grown.plugged, grown.mapped, grown.count) == (x.plugged, x.mapped, x.count)
        for name in ("region", "slot_size", "usable", "requested", "size"):
            assert getattr(grown, name) * x.block == getattr(x, name) * grown.block, name


def test_the_same_difference_is_taken_and_no_other() -> None:
    found = Seen(small(1), "answer")
    other = believable(found, lambda x: Seen(x, "answer"))
    assert realistic(other.inputs)
    assert believable(found, lambda x: Seen(x, "the plugged size")) is found
    assert believable(found, lambda x: None) is found
    there = Seen(other.inputs, "answer")
    assert believable(there, lambda x: Seen(replace(x, node=1), "answer")) is there


def test_numbers_reach_beside_every_bound() -> None:
    tried = [x for x in numbers() if realistic(x)]
    assert len(tried) > 500 and tried[0].block == 2 * MIB
    ends = {x.gpa + x.length - x.addr - x.usable for x in tried}
    assert {-1, 0, 1} <= ends
    assert any(x.gpa == x.addr - 1 for x in tried) and any(x.gpa % x.block for x in tried)

"""Rules by worked example: small inputs, and outcomes that a person can check."""

from dataclasses import replace
from typing import Any

import pytest

from model.answers import request_size, valid_range
from model.arithmetic import GIB, MIB
from model.caller import demand_for, device_limit, memslot_proportion, reserved_memslots
from model.device import ConfigError, check_config, fix
from model.effects import Did
from model.events import migration_end, migration_start, realize, wake_up
from model.extents import Extents
from model.geometry import (
    Memslots,
    default_block_size,
    end_slot,
    first_slot,
    realized_memslots,
    slot_length,
    slot_start,
)
from model.invariants import INVARIANTS, Invariant, Layout
from model.machine_ints import INTS
from model.mapping import (
    mapped_after_unplug,
    mapped_for_blocks,
    mapped_for_plug,
    range_plugged,
    range_unplugged,
    remapped,
    resize_usable_region,
    usable_size,
)
from model.profiles import QEMU, QEMU_8_2, SEED_V2, Mapping, Profile
from model.requests import unplug_everything
from model.state import NO_FAULTS, Answer, ConcreteState, Config, Op, action

CONFIG = Config(region=5 * GIB, block=GIB, limit=3, requested=2 * GIB, addr=8 * GIB)
FIXED = fix(QEMU, CONFIG)
"""Memslots of 2, 2 and 1 GiB; blocks 0 and 1, 2 and 3, 4."""
READABLE = fix(SEED_V2, replace(CONFIG, inaccessible=False))
STATIC = fix(QEMU, replace(CONFIG, option=False, inaccessible=False))
START = realize(INTS, FIXED)


def indices(*members: int) -> Extents:
    return Extents.of_ranges([(member, member + 1) for member in members])


def state(**fields: Any) -> ConcreteState:
    return replace(START, **fields)


def test_a_default_block_is_the_larger_of_page_and_huge_page() -> None:
    assert default_block_size(INTS, 4096, 4096, 2 * MIB) == 2 * MIB
    assert default_block_size(INTS, GIB, 4096, 2 * MIB) == GIB
    assert default_block_size(INTS, 64 << 10, 4096, 2 * MIB) == MIB


def test_a_single_memslot_spans_the_region() -> None:
    assert realized_memslots(INTS, 5 * GIB, Memslots(1, 0)) == Memslots(1, 5 * GIB)
    assert realized_memslots(INTS, 5 * GIB, Memslots(3, 2 * GIB)) == Memslots(3, 2 * GIB)


def test_the_memslots_of_a_range() -> None:
    slots = FIXED.slots
    assert [slot_start(INTS, slots, i) for i in range(3)] == [0, 2 * GIB, 4 * GIB]
    assert [slot_length(INTS, slots, 5 * GIB, i) for i in range(3)] == [2 * GIB, 2 * GIB, GIB]
    assert [first_slot(INTS, slots, n * GIB) for n in range(5)] == [0, 0, 1, 1, 2]
    assert [end_slot(INTS, slots, GIB, n * GIB) for n in range(1, 5)] == [1, 2, 2, 3]


def test_a_range_of_blocks() -> None:
    plugged = indices(1, 2)
    assert range_plugged(INTS, FIXED, plugged, GIB, 2 * GIB)
    assert not range_plugged(INTS, FIXED, plugged, GIB, 3 * GIB)
    assert range_unplugged(INTS, FIXED, plugged, 3 * GIB, 2 * GIB)
    assert not range_unplugged(INTS, FIXED, plugged, 2 * GIB, 2 * GIB)


def test_mapping_follows_plugged_blocks() -> None:
    assert mapped_for_plug(INTS, FIXED, indices(), GIB, 2 * GIB) == indices(0, 1)
    assert mapped_for_blocks(INTS, FIXED, indices(), indices(1, 4)) == indices(0, 2)
    # The range takes block 1 and 2; block 3 keeps its memslot.
    left = mapped_after_unplug(INTS, FIXED, indices(0, 1, 2), indices(3), GIB, 2 * GIB)
    assert left == indices(1, 2)


def test_mapping_follows_nothing_where_memory_is_always_mapped() -> None:
    assert mapped_for_plug(INTS, READABLE, indices(), 0, GIB) == indices()
    assert mapped_after_unplug(INTS, STATIC, indices(0), indices(), 0, GIB) == indices(0)


def test_the_usable_region_reaches_beyond_what_is_requested() -> None:
    assert [usable_size(INTS, FIXED, n * GIB) for n in (0, 1, 5)] == [0, 2 * GIB, 5 * GIB]
    grown = resize_usable_region(INTS, FIXED, START, 3 * GIB, can_shrink=False)
    assert grown.usable == 4 * GIB
    assert resize_usable_region(INTS, FIXED, grown, 0, can_shrink=False) == grown
    assert resize_usable_region(INTS, FIXED, grown, 0, can_shrink=True).usable == 0
    mapped = resize_usable_region(INTS, READABLE, START, 3 * GIB, can_shrink=True).mapped
    assert mapped == indices(0, 1)


def test_a_range_is_whole_usable_blocks() -> None:
    base, usable = CONFIG.addr, START.usable
    assert usable == 3 * GIB
    assert request_size(INTS, FIXED, action(Op.PLUG, blocks=3)) == 3 * GIB
    right = [(base, GIB), (base + 2 * GIB, GIB), (base, usable)]
    wrong = [(base + MIB, GIB), (base, 0), (base - GIB, GIB), (base, usable + GIB)]
    wrong += [(base + usable, GIB), ((1 << 64) - GIB, 2 * GIB)]
    assert all(valid_range(INTS, FIXED, START, *where) for where in right)
    assert not any(valid_range(INTS, FIXED, START, *where) for where in wrong)


def test_unplugging_everything() -> None:
    full = state(plugged=indices(0, 2), mapped=indices(0, 1), size=2 * GIB, usable=5 * GIB)
    done = unplug_everything(INTS, FIXED, full, NO_FAULTS)
    assert done.answer is Answer.ACK
    assert done.state == state(usable=3 * GIB)
    stuck = unplug_everything(INTS, FIXED, replace(full, busy=True), NO_FAULTS)
    assert (stuck.answer, stuck.state) == (Answer.BUSY, replace(full, busy=True))


@pytest.mark.parametrize(("profile", "kept"), [(QEMU, True), (QEMU_8_2, False), (SEED_V2, False)])
def test_what_wakes_up_keeps_its_blocks_since_qemu_9_2(profile: Profile, kept: bool) -> None:
    fixed = fix(profile, CONFIG)
    full = state(plugged=indices(0), mapped=indices(0), size=GIB, broken=True)
    woken = wake_up(INTS, fixed, full, action(Op.WAKE_UP)).state
    assert (woken.size, woken.broken) == (GIB if kept else 0, False)


def test_a_migration_makes_busy_until_it_ends() -> None:
    busy = migration_start(INTS, FIXED, START, action(Op.MIGRATION_START)).state
    assert busy == state(busy=True)
    assert migration_end(INTS, FIXED, busy, action(Op.MIGRATION_END)).state == START


def test_the_limit_that_the_core_hands_out() -> None:
    assert device_limit(demand_for(size=16 * GIB, device_space=16 * GIB)) == 256
    assert device_limit(demand_for(size=4 * GIB, device_space=16 * GIB)) == 64
    assert device_limit(demand_for(size=GIB, device_space=1024 * GIB)) == 1
    assert device_limit(demand_for(size=GIB, device_space=GIB, maximum=508)) == 1


def test_memslots_are_reserved_until_they_are_mapped() -> None:
    assert [reserved_memslots(INTS, 5, used) for used in (0, 3, 5, 6)] == [5, 2, 0, 0]


def test_a_proportion_drops_its_fraction() -> None:
    assert memslot_proportion(INTS, 256, 3 * GIB, 257 * GIB) == 2
    assert memslot_proportion(INTS, 255, 1 << 63, 1 << 63) == 255


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"block": 3 * GIB}, "not a power of two"),
        ({"block": MIB // 2}, "not a power of two of at least"),
        ({"page": 2 * GIB}, "below the page size"),
        ({"limit": 0}, "limit 0 is not within"),
        ({"region": 0}, "at least one block"),
        ({"region": 5 * GIB + MIB}, "not a multiple"),
        ({"requested": 6 * GIB}, "exceeds the region"),
        ({"addr": (1 << 64) - GIB}, "ends above 2"),
        ({"extent": -1}, "not an unsigned 64-bit number"),
    ],
)
def test_a_configuration_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    check_config(CONFIG)
    with pytest.raises(ConfigError, match=message):
        check_config(replace(CONFIG, **fields))


BROKEN = {
    "plugged-in-mapped": (FIXED, state(plugged=indices(4), size=GIB, usable=5 * GIB)),
    "indices-in-bounds": (FIXED, state(mapped=indices(3))),
    "mapped-needs-plugged": (FIXED, state(mapped=indices(1))),
    "legacy-usable-mapped": (READABLE, state(mapped=indices(0, 1, 2), usable=3 * GIB)),
    "static-always-mapped": (STATIC, state(mapped=indices())),
    "size-matches-bitmap": (FIXED, state(size=GIB)),
    "plugged-in-usable": (FIXED, state(plugged=indices(3), mapped=indices(1), size=GIB)),
    "usable-covers-requested": (FIXED, state(usable=GIB)),
    "multiples-of-block": (FIXED, state(requested=MIB)),
}
"""For each invariant of the state, one in which it does not hold."""
LAID = Layout(region=5 * GIB, block=GIB, limit=3, several=True, slots=Memslots(3, 2 * GIB))
MISLAID = {
    "slot-aligned": replace(LAID, slots=Memslots(4, GIB + MIB)),
    "count-in-limit": replace(LAID, limit=2),
    "last-slot-smaller": replace(LAID, slots=Memslots(2, 2 * GIB)),
    "slot-minimum": replace(LAID, block=MIB, slots=Memslots(10, GIB // 2)),
    "slots-as-fine-as-allowed": replace(LAID, limit=5),
}
"""For each invariant of the layout, memslots that break it."""


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda i: i.name)
def test_every_invariant_can_fail(invariant: Invariant) -> None:
    name, holds = invariant.name, invariant.holds
    if name in MISLAID:
        assert holds(INTS, LAID)
        assert not holds(INTS, MISLAID[name])
        return
    fixed, broken = BROKEN[name]
    assert holds(INTS, fixed, realize(INTS, fixed))
    assert not holds(INTS, fixed, broken)


def test_memslots_follow_a_usable_region_in_one_transaction() -> None:
    """Only where they follow it at all."""
    assert remapped(INTS, FIXED, START) == ()
    follows = replace(FIXED, mapping=Mapping.USABLE)
    (effect,) = remapped(INTS, follows, START)
    assert (effect.did, effect.offset, effect.size, effect.done) == (
        Did.REMAP,
        0,
        FIXED.region,
        True,
    )
    assert (effect.plugged, effect.mapped) == (START.plugged, START.mapped)

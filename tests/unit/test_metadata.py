"""The patch's cost table, to the byte, and the memslots that a plugged size maps."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.metadata.cost import Cost, curve, dynamic_cost, static_cost
from conformance.metadata.device import VARIANTS, check_plugged, of_config, totals
from conformance.metadata.kernel import kernel_named
from model.arithmetic import GIB, MIB, TIB
from model.device import ConfigError, ReferenceDevice, fix
from model.kernels import Vm
from model.metadata import (
    NOTHING,
    Metadata,
    mapped_at_most,
    mapped_if_packed,
    memslot_metadata,
    pages_touched,
)
from model.profiles import QEMU, SEED_V2, Profile
from model.state import Config, Op, action

PATCH_PAGE = """
(1) RMAP       2147483648 + 4194304 + 8192
(2) gfn_track  536870912
(3) lpage_info 2097152 + 4096
(4) dirty      536870912
"""
"""The items of the patch's first page for a memslot of 1 TiB, as printed there."""


def printed(item: str) -> list[int]:
    """The numbers of one item."""
    line = next(line for line in PATCH_PAGE.splitlines() if item in line)
    return [int(number) for number in re.findall(r"\d{3,}", line)]


def test_the_items_of_one_tebibyte_are_those_of_the_patch() -> None:
    seen = memslot_metadata(TIB, TIB)
    assert [seen.rmap_4k, seen.rmap_2m, seen.rmap_1g] == printed("RMAP")
    assert [seen.gfn_track] == printed("gfn_track")
    assert [seen.lpage_info_2m, seen.lpage_info_1g] == printed("lpage_info")


def test_the_dirty_bitmaps_are_printed_in_bits_and_rounded_in_bytes() -> None:
    """The patch has `536870912 = 64 MiB`: that many bits, which are 64 MiB."""
    seen = memslot_metadata(TIB, TIB)
    assert [8 * seen.dirty_bitmaps] == printed("dirty")
    assert seen.dirty_bitmaps == 64 * MIB


@pytest.mark.parametrize(
    ("variant", "printed_total"),
    [("no_smm", 2.5), ("smm", 5.0), ("no_smm_tdp_mmu", 0.5), ("smm_tdp_mmu", 1.0)],
)
def test_the_totals_of_the_patch_are_what_it_cares_about_rounded(
    variant: str, printed_total: float
) -> None:
    """The patch adds up (1) and (2), to "around" so many GiB; the exact totals hold all items."""
    seen = memslot_metadata(TIB, TIB)
    smm, tdp_mmu = VARIANTS[variant]
    main = replace(seen, lpage_info_2m=0, lpage_info_1g=0, dirty_bitmaps=0)
    assert round(main.total(smm=smm, tdp_mmu=tdp_mmu) / GIB, 1) == printed_total
    once = sum(
        [2147483648 + 4194304 + 8192] * (not tdp_mmu) + [536870912, 2097152 + 4096, 64 * MIB]
    )
    assert totals(seen)[variant] == once * (1 + smm)


@given(
    st.integers(0, 1 << 20),
    st.integers(1, 1 << 20),
    st.sampled_from([1, 2, 512]),
)
def test_pages_touched_are_counted(addr: int, size: int, page: int) -> None:
    assert pages_touched(addr, size, page) == addr // page * -1 + -(-(addr + size) // page)


def test_a_memslot_at_an_odd_place_touches_more_large_pages() -> None:
    even, odd = memslot_metadata(GIB, GIB), memslot_metadata(GIB + 4096, GIB)
    assert (even.rmap_2m, odd.rmap_2m) == (8 * 512, 8 * 513)
    assert (even.lpage_info_1g, odd.lpage_info_1g) == (4, 8)
    assert even.rmap_4k == odd.rmap_4k


def test_a_dirty_bitmap_is_whole_longs() -> None:
    assert memslot_metadata(0, 4096).dirty_bitmaps == 2 * 8
    assert memslot_metadata(0, 65 * 4096).dirty_bitmaps == 2 * 16


def test_metadata_adds_up_item_by_item() -> None:
    once = memslot_metadata(0, 3 * MIB)
    assert once + NOTHING == once
    assert once + once == Metadata(*(2 * value for value in vars_of(once)))


def vars_of(metadata: Metadata) -> list[int]:
    return [getattr(metadata, name) for name in Metadata.__dataclass_fields__]


@pytest.mark.parametrize("profile", [QEMU, SEED_V2], ids=lambda p: p.name)
@pytest.mark.parametrize("blocks", [0, 1, 511, 512, 513, 2500])
def test_packed_is_what_the_device_maps(profile: Profile, blocks: int) -> None:
    """The memslots of a plugged size are those of a device that was asked to plug it."""
    config = Config(region=5 * GIB + 200 * MIB, block=2 * MIB, limit=256, requested=5 * GIB)
    for inaccessible in {True, not profile.accessible_slots}:
        plugged = blocks * config.block
        given = replace(config, inaccessible=inaccessible, requested=plugged)
        device = ReferenceDevice(profile, given)
        device.apply(action(Op.PLUG, addr=given.addr, blocks=blocks))
        assert device.state.size == plugged
        assert mapped_if_packed(device.fixed, plugged) == device.state.mapped


def test_scattered_blocks_map_a_memslot_each() -> None:
    fixed = fix(QEMU, Config(region=8 * GIB, block=2 * MIB, limit=256))
    assert [len(mapped_at_most(fixed, n * 2 * MIB)) for n in (0, 1, 3, 8, 9)] == [0, 1, 3, 8, 8]
    assert len(mapped_if_packed(fixed, 9 * 2 * MIB)) == 1


VM = Vm(kernel_named("6.1"))


def test_the_curve_ends_every_memslot_and_at_the_static_cost() -> None:
    config = Config(region=5 * GIB + 2 * MIB, block=2 * MIB, limit=3)
    device = of_config("d", QEMU, config, 0)
    points = list(curve(VM, device.fixed))
    size = device.fixed.slots.size
    assert [plugged for plugged, _ in points] == [0, size, 2 * size, config.region]
    assert points[0][1] == Cost()
    for plugged, cost in points:
        assert cost == dynamic_cost(VM, of_config("d", QEMU, config, plugged))
    last, static = points[-1][1], static_cost(VM, device)
    assert (last.memslots, static.memslots) == (3, 1)
    assert static.logging < last.logging < static.logging + 3 * 5 * 4096


def test_the_curve_has_few_points() -> None:
    device = of_config("d", QEMU, Config(region=4 * TIB, block=2 * MIB, limit=4096), 0)
    assert device.fixed.slots.count == 4096
    points = list(curve(VM, device.fixed))
    assert len(points) == 257
    assert points[-1][0] == 4 * TIB


@pytest.mark.parametrize(
    ("plugged", "message"),
    [(6 * GIB, "exceeds the region"), (3 * MIB, "the nearest above is 4194304")],
)
def test_a_plugged_size_that_cannot_be(plugged: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_plugged(plugged, Config(region=5 * GIB, block=2 * MIB, limit=1))

"""What is made of /proc/vmallocinfo: each item by its caller, and a difference by its name."""

from __future__ import annotations

from collections import Counter

import pytest

from conformance.metadata import measure, vmalloc
from conformance.metadata.kvm import KvmError
from conformance.metadata.measure import Case, DisturbedError, check_memory, compared, undisturbed
from model.arithmetic import GIB, TIB
from model.kernels import Kernel, Vm

LINES = """\
0x1-0x2  8392704 memslot_rmap_alloc+0x68/0xb0 [kvm] pages=2048 vmalloc vpages N0=2048
0x2-0x3    20480 memslot_rmap_alloc+0x68/0xb0 [kvm] pages=4 vmalloc N0=4
0x3-0x4    20480 memslot_rmap_alloc+0x68/0xb0 [kvm] pages=4 vmalloc N0=4
0x4-0x5  2101248 kvm_page_track_create_memslot+0x4c/0x80 pages=512 vmalloc vpages N0=512
0x5-0x6    12288 kvm_arch_prepare_memory_region.part.0+0x105/0x330 pages=2 vmalloc N0=2
0x6-0x7   266240 kvm_set_memslot+0x4cf/0x680 pages=64 vmalloc N0=64
0x7-0x8    20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=4
0x8-0x9     8192 acpi_os_map_iomem+0x1bc/0x1e0 phys=0x9f000 ioremap
0x9-0xa     8192 kvm_something_new+0x1/0x2 pages=1 vmalloc N0=1
0xa-0xb     8192 tdx_something+0x1/0x2 [kvm] pages=3 vmalloc N0=3
"""
AREAS = Counter(
    {
        ("rmap", 2048): 1,
        ("rmap", 4): 2,
        ("write_track", 512): 1,
        ("lpage_info", 2): 1,
        ("dirty_bitmaps", 64): 1,
        ("other", 1): 1,
        ("other", 3): 1,
    }
)


def test_areas_are_told_apart_by_their_callers() -> None:
    assert vmalloc.parsed(LINES) == AREAS


def case() -> Case:
    return Case("d", 1, static=True, logging=True, rows=(), differs=(), seconds=0.5)


def test_what_is_as_predicted_holds() -> None:
    done = compared(case(), AREAS, AREAS)
    assert done.differs == ()
    assert ("rmap", 2056, 2056) in done.rows


@pytest.mark.parametrize("item", ["rmap", "write_track", "lpage_info", "dirty_bitmaps", "other"])
def test_a_page_more_or_less_is_a_difference_by_name(item: str) -> None:
    more = AREAS + Counter({(item, 1): 1})
    assert compared(case(), AREAS, more).differs == (item,)
    assert compared(case(), more, AREAS).differs == (item,)


def test_as_many_pages_in_other_areas_differ() -> None:
    other = AREAS - Counter({("rmap", 4): 2}) + Counter({("rmap", 8): 1})
    done = compared(case(), AREAS, other)
    assert done.differs == ("rmap",)
    assert ("rmap", 2056, 2056) in done.rows


def test_what_others_disturb_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another virtual machine comes up during the first attempt."""
    now = [AREAS, AREAS + Counter({("rmap", 7): 1})]
    seen = iter([now[0], now[1], now[1], now[1]])
    last = now[1]
    monkeypatch.setattr(vmalloc, "read", lambda: next(seen, last))
    monkeypatch.setattr(measure, "_PATIENCE", -1.0)
    attempts: list[int] = []

    def measured() -> list[Case]:
        attempts.append(len(attempts))
        return [case()]

    assert undisturbed(measured) == [case()]
    assert attempts == [0, 1]


def test_what_is_always_disturbed_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter(range(10**6))
    monkeypatch.setattr(vmalloc, "read", lambda: Counter({("rmap", 1): next(counts)}))
    monkeypatch.setattr(measure, "_PATIENCE", -1.0)
    with pytest.raises(DisturbedError, match="in each of 20 attempts"):
        undisturbed(lambda: [case()])


def test_too_little_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    vm = Vm(Kernel("6.18", (6, 18)), tdp=False, tdp_mmu=False)
    monkeypatch.setattr(measure, "available_memory", lambda: 5 * GIB)
    with pytest.raises(KvmError, match="measure a smaller --region"):
        check_memory(vm, TIB, [(0, TIB)])
    check_memory(vm, TIB, [(0, TIB // 2)])

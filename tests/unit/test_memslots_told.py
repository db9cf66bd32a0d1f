"""What a tracer writes of KVM's memslots, read; memory behind them, of this very process."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from conformance.targets.driver.bus import DriverError
from conformance.targets.tracing import threads_of
from conformance.targets.vmm.host import HostSide, _mappings, pages_there, spent
from conformance.targets.vmm.watch import Memslot, Memslots, Watch
from model.extents import Extents
from model.observation import HostMemory
from model.state import Config

MIB = 1 << 20
CALL = (
    "ioctl(4, KVM_SET_USER_MEMORY_REGION, {{slot={slot}, flags=0, guest_phys_addr={addr:#x}, "
    "memory_size={size}, userspace_addr={host:#x}}})"
)


def call(slot: int, addr: int, size: int, host: int = 0x7F00_0000_0000) -> str:
    return CALL.format(slot=slot, addr=addr, size=size, host=host)


def test_memslots_come_and_go() -> None:
    told = Memslots()
    told.read(f"{call(0, 0, MIB)} = 0\n{call(1, 4 * MIB, MIB)} = 0\n")
    assert [slot.addr for slot in told.now] == [0, 4 * MIB]
    told.read(f"{call(1, 4 * MIB, 0)} = 0\n")
    assert [slot.addr for slot in told.now] == [0]
    assert {slot.addr for slot in told.ever} == {0, 4 * MIB} and told.changes == 3


def test_a_call_that_fails_changes_nothing() -> None:
    told = Memslots()
    told.read(f"{call(0, 0, MIB)} = -1 EINVAL (Invalid argument)\n")
    told.read(f"{call(0, 0, MIB)} = -1 ENOMEM (Cannot allocate memory) (INJECTED)\n")
    assert not told.now and not told.ever


def test_calls_of_several_threads_are_put_together() -> None:
    told = Memslots()
    told.read(f"11 {call(0, 0, MIB)} <unfinished ...>\n")
    told.read(f"[pid 12] {call(1, MIB, MIB)} <unfinished ...>\n")
    assert not told.now
    told.read("12 <... ioctl resumed>) = -1 EEXIST (File exists)\n11 <... ioctl resumed>) = 0\n")
    assert [slot.addr for slot in told.now] == [0]


def test_other_address_spaces_and_calls_do_not_count() -> None:
    told = Memslots()
    told.read(f"{call(1 << 16, 0, MIB)} = 0\nioctl(9, KVM_RUN, 0) = 0\n")
    assert not told.now


def test_a_log_is_read_on_from_the_last_whole_line(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    assert not watch.memslots().now
    newer = call(2, 2 * MIB, MIB).replace("REGION", "REGION2").replace("}", ", guest_memfd=7}")
    lines = (call(0, 0, MIB), call(1, MIB, MIB), call(1, MIB, 0), newer)
    text = "".join(f"{line} = 0\n" for line in lines)
    cuts = [0, text.index("KVM"), *(text.index("= 0\n", text.index(a)) for a in lines[1:3])]
    seen = []
    for start, end in pairwise([*cuts, len(text)]):
        with (tmp_path / "start").open("a") as log:
            log.write(text[start:end])
        told = watch.memslots()
        seen.append(([slot.addr for slot in told.now], told.changes))
    one, two = [0], [0, MIB]
    assert seen == [([], 0), (one, 1), (two, 2), ([0, 2 * MIB], 4)]


def test_memslots_of_the_region_are_counted_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(region=10 * MIB, block=MIB, limit=4, addr=64 * MIB)
    side = HostSide(config, 4 * MIB)
    told = Memslots()
    monkeypatch.setattr(side._watch, "memslots", lambda: told)
    told.read(f"{call(0, 0, 64 * MIB)} = 0\n{call(1, 72 * MIB, 2 * MIB)} = 0\n")
    assert side.mapped() == Extents.of_ranges([(2, 3)])
    assert (side.layout().count, side.layout().last) == (3, 2 * MIB)
    told.read(f"{call(2, 64 * MIB, 3 * MIB)} = 0\n")
    with pytest.raises(DriverError, match="no whole number of memslots"):
        side.mapped()
    side.close()


def memory_of(size: int, file: int | None = None) -> tuple[mmap.mmap, int]:
    """Memory in single pages, of the process alone or of a file, and where it lies."""
    if file is None:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    else:
        os.ftruncate(file, size)
        memory = mmap.mmap(file, size)
    return memory, ctypes.addressof(ctypes.c_char.from_buffer(memory))


@pytest.mark.parametrize("shared", [False, True])
def test_all_mappings_of_a_memslot_are_counted_and_nothing_around(shared: bool) -> None:
    page, half, size = mmap.PAGESIZE, 4 * MIB, 8 * MIB
    file = os.memfd_create("test") if shared else None
    memory, start = memory_of(size + 2 * MIB, file)
    # The one mapping becomes two.
    memory.madvise(mmap.MADV_DONTDUMP, half, size + 2 * MIB - half)
    slot = Memslot(0, size - page, start + page)
    assert len(list(_mappings(os.getpid(), slot.host, slot.host + slot.size))) == 2
    for touched in (0, page, half - page, half, size - page):
        memory[touched] = 1
    assert spent(os.getpid(), slot) == 4 * page
    # What goes on behind the memslot is none of it.
    memory[size] = memory[size + page] = 1
    assert spent(os.getpid(), slot) == 4 * page
    if file is not None:
        os.close(file)


def test_a_page_is_there_that_is_present_or_swapped_out() -> None:
    """Bits 63 and 62 of its entry; others, such as 61 (of a file) and 55 (dirty), do not count."""
    bits = (63, 62, 61, 55, 0)
    entries = b"".join(struct.pack("<Q", 1 << bit) for bit in bits) + bytes(8)
    assert pages_there(entries) == 2
    assert [pages_there(struct.pack("<Q", 1 << bit)) for bit in bits] == [1, 1, 0, 0, 0]


def test_memory_behind_a_memslot_that_went_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a VMM unmaps from KVM and keeps is not given back."""
    config = Config(region=4 * MIB, block=MIB, limit=4, addr=64 * MIB)
    memory, start = memory_of(config.region)
    side, told = HostSide(config, config.region), Memslots()
    monkeypatch.setattr(side._watch, "memslots", lambda: told)
    side._pid = os.getpid()
    told.read(f"{call(1, config.addr, config.region, start)} = 0\n")
    told.read(f"{call(1, config.addr, 0)} = 0\n")
    memory[MIB] = 1
    held = [HostMemory(config.addr + at, MIB, mmap.PAGESIZE * (at > 0)) for at in (0, MIB)]
    assert side.held([config.addr + MIB, config.addr]) == tuple(held) and not told.now
    side.close()


@pytest.mark.parametrize("shared", [False, True])
def test_memory_is_counted_until_it_is_given_back(shared: bool) -> None:
    size = 2 * MIB
    file = os.memfd_create("test") if shared else None
    memory, start = memory_of(size, file)
    slot = Memslot(0, size, start)
    assert spent(os.getpid(), slot) == 0
    memory[0] = memory[size - 1] = 1
    assert spent(os.getpid(), slot) == 2 * mmap.PAGESIZE
    # On a shared mapping this drops the process's view alone: the file still holds the pages.
    memory.madvise(mmap.MADV_DONTNEED)
    assert spent(os.getpid(), slot) == (2 * mmap.PAGESIZE if shared else 0)
    if file is not None:
        memory.madvise(mmap.MADV_REMOVE)
        assert spent(os.getpid(), slot) == 0
        os.close(file)


def test_threads_that_run_the_guest_are_left_alone() -> None:
    named, ended, found = threading.Event(), threading.Event(), []

    def guest() -> None:
        found.append(threading.get_native_id())
        Path(f"/proc/self/task/{found[0]}/comm").write_text("fc_vCPU 0")
        named.set()
        ended.wait()

    thread = threading.Thread(target=guest)
    thread.start()
    named.wait()
    try:
        own = threads_of(os.getpid(), "vcpu")
        assert threading.get_native_id() in own and found[0] not in own
        assert found[0] in threads_of(os.getpid(), "no such name")
    finally:
        ended.set()
        thread.join()

"""What a tracer writes of KVM's memslots, read; memory behind them, of this very process."""

from __future__ import annotations

import ctypes
import mmap
import os

import pytest

from conformance.targets.driver.bus import DriverError
from conformance.targets.vmm.host import HostSide, spent
from conformance.targets.vmm.watch import Memslot, Memslots
from model.extents import Extents
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


@pytest.mark.parametrize("shared", [False, True])
def test_memory_is_counted_until_it_is_given_back(shared: bool) -> None:
    size = 2 * MIB
    if shared:
        file = os.memfd_create("test")
        os.ftruncate(file, size)
        memory = mmap.mmap(file, size)
    else:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    slot = Memslot(0, size, start)
    assert spent(os.getpid(), slot) == 0
    memory[0] = memory[size - 1] = 1
    assert spent(os.getpid(), slot) == 2 * mmap.PAGESIZE
    # On a shared mapping this drops the process's view alone: the file still holds the pages.
    memory.madvise(mmap.MADV_DONTNEED)
    assert spent(os.getpid(), slot) == (2 * mmap.PAGESIZE if shared else 0)
    if shared:
        memory.madvise(mmap.MADV_REMOVE)
        assert spent(os.getpid(), slot) == 0
        os.close(file)

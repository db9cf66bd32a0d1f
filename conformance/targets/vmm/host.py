"""What the host sees of a VMM's device: the memslots in KVM, and the memory that is spent.

Sources: Linux, Documentation/virt/kvm/api.rst (KVM_SET_USER_MEMORY_REGION) and
Documentation/admin-guide/mm/pagemap.rst. Sizes and addresses are bytes.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from conformance.targets.driver.bus import DriverError
from conformance.targets.vmm.watch import Memslot, Watch
from model.extents import Extents
from model.observation import HostMemory, SlotLayout
from model.state import Config, Faults

_LINE: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) [0-9a-f:]+ (\d+)")
_ENTRY: Final = 8
"""Bytes of an entry of pagemap; its last one has the bits for present and swapped."""
_THERE: Final = bytes(1 if byte & 0xC0 else 0 for byte in range(256))


def sees_memory() -> bool:
    """Whether this process may look at what is behind a shared mapping, which takes CAP_SYS_ADMIN
    or CAP_CHECKPOINT_RESTORE."""
    own = Path("/proc/self/map_files")
    try:
        os.close(os.open(next(own.iterdir()), os.O_RDONLY))
    except (OSError, StopIteration):
        return False
    return True


class HostSide:
    """Watches the VMM of one machine whose device has `config` and memslots of `slot` bytes."""

    def __init__(self, config: Config, slot: int) -> None:
        self._config = config
        self._slot = slot
        self._directory = TemporaryDirectory(prefix="slotproof-watch-")
        self._watch = Watch(Path(self._directory.name))
        self._pid = 0

    @property
    def prefix(self) -> list[str]:
        """A program that starts the VMM in its own place."""
        return self._watch.prefix

    def settle(self, pid: int, vcpu: str) -> None:
        """The VMM runs; threads with `vcpu` in their names run the guest. Raises DriverError."""
        self._pid = pid
        self._watch.settle(pid, vcpu)

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()
        self._directory.cleanup()

    def failing(self, vcpu: str, faults: Faults[bool]) -> AbstractContextManager[None]:
        """Host operations fail meanwhile. Raises DriverError."""
        return self._watch.failing(self._pid, vcpu, faults)

    @property
    def changes(self) -> int:
        """How often KVM was told of a memslot, of any memory."""
        return self._watch.memslots().changes

    def layout(self) -> SlotLayout:
        """How the VMM cuts the region."""
        region = self._config.region
        count = -(-region // self._slot)
        return SlotLayout(count, min(self._slot, region), region - (count - 1) * self._slot)

    def mapped(self) -> Extents:
        """The device's memslots that KVM has. Raises DriverError if it has a part of one."""
        start, end = self._config.addr, self._config.addr + self._config.region
        covered = Extents.EMPTY
        for slot in self._watch.memslots().now:
            first, last = max(slot.addr, start), min(slot.addr + slot.size, end)
            covered = covered.with_range(first - start, max(last - start, first - start))
        runs = []
        for first, last in covered.ranges():
            whole = last == self._config.region or not last % self._slot
            if first % self._slot or not whole:
                raise DriverError(
                    f"KVM has [{first:#x}, {last:#x}) of the region, which is no whole number of "
                    f"memslots of {self._slot:#x} bytes"
                )
            runs.append((first // self._slot, -(-last // self._slot)))
        return Extents.of_ranges(runs)

    def held(self, blocks: Iterable[int]) -> tuple[HostMemory, ...]:
        """The memory behind blocks of the region, given by their addresses, that KVM ever had."""
        size = self._config.block
        ever = self._watch.memslots().ever
        found = []
        for block in sorted(blocks):
            for slot in ever:
                if slot.addr <= block and block + size <= slot.addr + slot.size:
                    part = Memslot(block, size, slot.host + block - slot.addr)
                    found.append(HostMemory(addr=block, size=size, held=spent(self._pid, part)))
                    break
        return tuple(found)


def spent(pid: int, slot: Memslot) -> int:
    """The bytes of memory behind a memslot: pages of its file, or else of the process."""
    first, last = slot.host, slot.host + slot.size
    found = 0
    for begin, stop, offset, of_file, name in _mappings(pid, first, last):
        low, high = max(begin, first), min(stop, last)
        if of_file:
            found += _in_file(pid, name, offset + low - begin, offset + high - begin)
        else:
            found += _in_process(pid, low, high)
    return found


def _mappings(pid: int, first: int, last: int) -> Iterator[tuple[int, int, int, bool, str]]:
    """Start, end and file offset of the mappings that reach into [first, last), whether they share
    a file, and their name in map_files."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if (match := _LINE.match(line)) is None:
                continue
            begin, stop, offset = (int(match[number], 16) for number in (1, 2, 4))
            if begin < last and first < stop:
                shared = match[3][3] == "s" and match[5] != "0"
                yield begin, stop, offset, shared, f"{match[1]}-{match[2]}"


def _in_file(pid: int, name: str, low: int, high: int) -> int:
    """Bytes with data in [low, high) of a mapped file."""
    found = 0
    with suppress(OSError):
        file = os.open(f"/proc/{pid}/map_files/{name}", os.O_RDONLY)
        try:
            while low < high:
                data = os.lseek(file, low, os.SEEK_DATA)
                hole = min(os.lseek(file, data, os.SEEK_HOLE), high)
                found += max(hole - data, 0)
                low = hole
        finally:
            os.close(file)
    return found


def _in_process(pid: int, low: int, high: int) -> int:
    """Bytes of [low, high) that are in memory or swapped out."""
    pages = 0
    with suppress(OSError), Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pagemap:
        pagemap.seek(low // mmap.PAGESIZE * _ENTRY)
        pages = pages_there(pagemap.read((high - low) // mmap.PAGESIZE * _ENTRY))
    return pages * mmap.PAGESIZE


def pages_there(entries: bytes) -> int:
    """How many pages are in memory or swapped out, by their entries of pagemap."""
    return entries[_ENTRY - 1 :: _ENTRY].translate(_THERE).count(1)

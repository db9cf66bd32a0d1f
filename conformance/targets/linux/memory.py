"""The device's memory as the host sees it: which pages of unplugged blocks a guest accessed.

QEMU discards the memory of a block when it is unplugged, and a first access to a page of a shared
file, be it a read, brings it there. So what is there in an unplugged block was accessed since.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.judge.driver.ledger import Ledger
from conformance.judge.driver.seen import Touch
from conformance.targets.qemu.process import QemuError
from model.extents import Extents

_PAGE: Final = 4096
_GARBAGE: Final = bytes(range(0xA0, 0xB0)) * (_PAGE // 16)
"""What a page is scribbled with."""
_ZEROS: Final = bytes(_PAGE)


class GuestFile:
    """The file behind the device's memory, in a QEMU that runs."""

    def __init__(self, pid: int) -> None:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if "memfd:" in str(entry.readlink()):
                self._file = os.open(entry, os.O_RDWR)
                break
        else:
            raise QemuError("QEMU has no file behind the device's memory")
        self._scribbled: set[int] = set()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def scribble(self, ledger: Ledger) -> None:
        """Fill the first and the last page of every unplugged block with garbage."""
        for start, end in unplugged(ledger):
            for block in range(start, end, ledger.region.block):
                for at in (block, block + ledger.region.block - _PAGE):
                    os.pwrite(self._file, _GARBAGE, at)
                    self._scribbled.add(at)

    def touched(self, ledger: Ledger) -> tuple[Touch, ...]:
        """Every run of pages in unplugged blocks that was accessed."""
        found: list[Touch] = []
        for start, end in unplugged(ledger):
            for at, written in self._pages(start, end):
                addr = ledger.region.addr + at
                last = found[-1] if found else None
                if last and (last.addr + last.size, last.written) == (addr, written):
                    found[-1] = Touch(last.addr, last.size + _PAGE, written)
                else:
                    found.append(Touch(addr, _PAGE, written))
        return tuple(found)

    def _pages(self, start: int, end: int) -> Iterator[tuple[int, bool]]:
        """The pages accessed in [start, end), and whether they hold something new."""
        for first, behind in self._there(start, end):
            for at in range(first, behind, _PAGE):
                content = os.pread(self._file, _PAGE, at)
                if at in self._scribbled and content == _GARBAGE:
                    continue
                yield at, content != _ZEROS

    def _there(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The runs of pages in [start, end) that there are."""
        at = start
        while at < end:
            try:
                at = os.lseek(self._file, at, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return
                raise
            if at >= end:
                return
            behind = min(os.lseek(self._file, at, os.SEEK_HOLE), end)
            yield at, behind
            at = behind


def unplugged(ledger: Ledger) -> Iterator[tuple[int, int]]:
    """The runs of unplugged blocks, as offsets into the region."""
    block = ledger.region.block
    rest = Extents.EMPTY.with_range(0, ledger.region.size // block)
    for start, end in ledger.plugged.ranges():
        rest = rest.without_range(start, end)
    return ((start * block, end * block) for start, end in rest.ranges())

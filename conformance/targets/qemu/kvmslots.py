"""The memslots that KVM holds, as QEMU tells them with `-trace kvm_set_user_memory`.

Source: accel/kvm/trace-events and kvm_set_user_memory_region, accel/kvm/kvm-all.c, of QEMU 7.2 to
10.0: a line for each ioctl, with what it returned. All sizes in bytes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from conformance.targets.qemu.process import QemuError

_LINE: Final = re.compile(
    r".*kvm_set_user_memory (?:AddrSpace#(\d+) )?Slot#(\d+) flags=0x[0-9a-f]+ "
    r"gpa=0x([0-9a-f]+) size=0x([0-9a-f]+) .*ret=(-?\d+)"
)
_SPACE: Final = 16
"""A slot number's bits from here on name the address space, where the line does not."""

Spans = dict[int, int]
"""Offset in the device region to size."""


class KvmSlots:
    """What KVM holds after all that QEMU wrote to `log` until now."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._slots: dict[tuple[int, int], tuple[int, int]] = {}

    def spans(self, addr: int, region: int) -> Spans:
        """The memslots that reach into [addr, addr + region).

        Raises QemuError where KVM's address spaces disagree, and where QEMU tells nothing.
        """
        self._update()
        seen: dict[int, Spans] = {space: {} for space, _ in self._slots}
        if not seen:
            raise QemuError("QEMU tells no memslot of KVM: -trace needs its backend `log`")
        for (space, _), (start, size) in self._slots.items():
            if start < addr + region and addr < start + size:
                seen[space][start - addr] = size
        first, *others = seen.values()
        if any(other != first for other in others):
            raise QemuError(f"KVM's address spaces disagree on the memslots: {list(seen.values())}")
        return first

    def _update(self) -> None:
        try:
            with self._log.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except OSError as error:
            raise QemuError(f"QEMU writes no {self._log}: {error.strerror}") from error
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self._take(line)

    def _take(self, line: str) -> None:
        if (match := _LINE.fullmatch(line)) is None:
            return
        if (result := int(match[5])) != 0:
            raise QemuError(f"KVM refuses a memslot with {result}: {line}")
        number = int(match[2])
        space = number >> _SPACE if match[1] is None else int(match[1])
        key = space, number & (1 << _SPACE) - 1
        if (size := int(match[4], 16)) != 0:
            self._slots[key] = int(match[3], 16), size
        else:
            self._slots.pop(key, None)


def differing(kvm: Spans, qemu: Spans) -> str | None:
    """How KVM's memslots differ from those of QEMU's memory tree, in one line; None if not."""
    for offset in sorted(kvm.keys() | qemu.keys()):
        if kvm.get(offset) != qemu.get(offset):
            return (
                f"KVM has {len(kvm)} memslots in the device's region, QEMU's memory tree "
                f"{len(qemu)}: at offset {offset:#x} {_shown(kvm, offset)} in KVM, "
                f"{_shown(qemu, offset)} in QEMU"
            )
    return None


def _shown(spans: Spans, offset: int) -> str:
    return f"{spans[offset]:#x} bytes" if offset in spans else "none"

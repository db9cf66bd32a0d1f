"""How the bare guest comes back from suspend to RAM: by the waking vector of the firmware.

Sources: ACPI 6.4, sections 5.2.5 (RSDP), 5.2.6 (table header), 5.2.7 (RSDT), 5.2.9 (FADT), 5.2.10
(FACS); Xen docs/misc/pvh.pandoc (the entry) and xen/include/public/arch-x86/hvm/start_info.h.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from conformance.targets.driver.bus import (
    Bus,
    DriverError,
    as_int,
    load,
    read_bytes,
    store,
    write_bytes,
)

_PLACES: Final = range(0xF_0000, 0x10_0000, 0x1000)
"""Where the firmware of a PC has the RSDP, a page at a time."""
_RSDP, _FADT, _FACS = b"RSD PTR ", b"FACP", b"FACS"
_RSDT_OF_RSDP, _FACS_OF_FADT, _VECTOR_OF_FACS = 16, 36, 12
_HEADER: Final = 36
_CODE: Final = 0x8000
"""Conventional memory that neither the firmware nor the guest uses."""
_GDT, _POINTER, _INFO, _WORDS = 0x40, 0x58, 0x80, 0xC0
"""Offsets of what the code needs beside it."""
_MAGIC: Final = 0x336E_C578
_PVH_ENTRY: Final = 18


def prepare(bus: Bus, facs: int, elf: Path, command_line: str) -> None:
    """Have the firmware start the guest anew where it wakes the machine. Raises DriverError."""
    code = resuming(pvh_entry(elf.read_bytes()), command_line)
    bus.exchange(write_bytes(_CODE, code), store(facs + _VECTOR_OF_FACS, _CODE, 4))


def resuming(entry: int, command_line: str) -> bytes:
    """What is put at _CODE: real mode at its start, protected mode and the PVH entry at its end."""
    real = b"".join(
        (
            b"\xfa",  # cli
            b"\x2e\x66\x0f\x01\x16" + struct.pack("<H", _POINTER),  # lgdt cs:[_POINTER]
            b"\x0f\x20\xc0\x66\x83\xc8\x01\x0f\x22\xc0",  # cr0 |= 1, by eax
        )
    )
    far = _CODE + len(real) + 8
    code = b"".join(
        (
            real,
            b"\x66\xea" + struct.pack("<IH", far, 0x08),  # jmp 0x08:far
            b"\x66\xb8\x10\x00\x8e\xd8\x8e\xc0\x8e\xd0",  # ds, es, ss = 0x10, by ax
            b"\xbb" + struct.pack("<I", _CODE + _INFO),  # ebx = hvm_start_info
            b"\xb8" + struct.pack("<I", entry) + b"\xff\xe0",  # jmp entry, by eax
        )
    )
    gdt = struct.pack("<QQQ", 0, 0x00CF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF)
    info = struct.pack("<IIIIQQ", _MAGIC, 0, 0, 0, 0, _CODE + _WORDS)
    pointer = struct.pack("<HI", len(gdt) - 1, _CODE + _GDT)
    image = bytearray(_WORDS)
    for at, part in ((0, code), (_GDT, gdt), (_POINTER, pointer), (_INFO, info)):
        image[at : at + len(part)] = part
    return bytes(image) + command_line.encode() + b"\0"


def pvh_entry(elf: bytes) -> int:
    """The address in the PVH note of a 64-bit ELF. Raises DriverError."""
    note = struct.pack("<III4s", 4, 4, _PVH_ENTRY, b"Xen\0")
    at = elf.find(note)
    if at < 0:
        raise DriverError("the guest has no PVH entry")
    return int.from_bytes(elf[at + len(note) :][:4], "little")


def waking_table(bus: Bus) -> int:
    """The address of the FACS. Raises DriverError."""
    rsdt = bus.number(load(_root_pointer(bus) + _RSDT_OF_RSDP, 4))
    count = (bus.number(load(rsdt + 4, 4)) - _HEADER) // 4
    entries = bus.exchange(*(load(rsdt + _HEADER + 4 * number, 4) for number in range(count)))
    for table in map(as_int, entries):
        if bus.exchange(read_bytes(table, 4)) == [_FADT]:
            facs = bus.number(load(table + _FACS_OF_FADT, 4))
            if bus.exchange(read_bytes(facs, 4)) == [_FACS]:
                return facs
    raise DriverError("the firmware's tables have no FACS, so nothing tells how to come back")


def _root_pointer(bus: Bus) -> int:
    """The address of the RSDP."""
    for page in _PLACES:
        found = bus.exchange(read_bytes(page, _PLACES.step))[0].find(_RSDP)
        # It begins at a multiple of 16, so that no page's end cuts its signature.
        if found >= 0:
            return page + found
    raise DriverError("the firmware left no RSDP, so nothing tells how to come back")

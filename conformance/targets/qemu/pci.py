"""One PCI function of a q35 machine, by the configuration ports: BARs and capabilities.

Sources: PCI Local Bus Specification 3.0, sections 3.2.2.3.2 (ports), 6.1 (header), 6.2.5.1 (BARs)
and 6.7 (capability list). Offsets and sizes are bytes.
"""

from collections.abc import Iterator

from conformance.targets.qemu.process import QemuError
from conformance.targets.qemu.qtest import QtestSocket, as_int, port_in, port_out

_ADDRESS_PORT, _DATA_PORT = 0xCF8, 0xCFC

_ID, _COMMAND, _STATUS, _BAR0, _CAPABILITIES = 0x00, 0x04, 0x06, 0x10, 0x34
_BAR_COUNT = 6
_COMMAND_MEMORY, _COMMAND_MASTER = 1 << 1, 1 << 2
_STATUS_CAPABILITIES = 1 << 4

_BAR_IO = 1 << 0
_BAR_TYPE_MASK, _BAR_TYPE_64 = 3 << 1, 2 << 1
_BAR_FLAGS = 0xF

_WINDOW = range(0xE000_0000, 0xFEC0_0000)
"""Guest-physical addresses for BARs: on q35 above any low RAM, below the I/O APIC."""


class PciFunction:
    """Function 0 of `device` on bus 0."""

    def __init__(self, qtest: QtestSocket, device: int) -> None:
        self._qtest = qtest
        self._select = 1 << 31 | device << 11
        self.bars: dict[int, int] = {}
        """BAR number to guest-physical address; filled by `assign_bars`."""

    def read(self, offset: int, width: int) -> int:
        """`width` (1, 2, 4) bytes of configuration space at an offset aligned to it."""
        select = port_out(_ADDRESS_PORT, self._select | offset & 0xFC, 4)
        return as_int(self._qtest.exchange(select, port_in(_DATA_PORT + offset % 4, width))[1])

    def write(self, offset: int, value: int, width: int) -> None:
        """Write `width` (1, 2, 4) bytes of configuration space at an offset aligned to it."""
        select = port_out(_ADDRESS_PORT, self._select | offset & 0xFC, 4)
        self._qtest.exchange(select, port_out(_DATA_PORT + offset % 4, value, width))

    def identity(self) -> tuple[int, int]:
        """Vendor and device id; both 0xffff where there is no function."""
        return self.read(_ID, 2), self.read(_ID + 2, 2)

    def assign_bars(self) -> None:
        """Give each memory BAR an address, then enable memory decoding and bus mastering.

        Raises `QemuError` when the BARs do not fit the window for them.
        """
        self.bars = {}
        self.write(_COMMAND, 0, 2)
        address = _WINDOW.start
        number = 0
        while number < _BAR_COUNT:
            flags, size = self._bar_size(number)
            wide = flags & (_BAR_IO | _BAR_TYPE_MASK) == _BAR_TYPE_64
            # I/O decoding stays off, so I/O BARs need no address.
            if size and not flags & _BAR_IO:
                address = (address + size - 1) & -size
                if address + size > _WINDOW.stop:
                    raise QemuError(f"BAR {number} of {size:#x} bytes does not fit below 4 GiB")
                self.write(_BAR0 + 4 * number, address, 4)
                if wide:
                    self.write(_BAR0 + 4 * number + 4, 0, 4)
                self.bars[number] = address
                address += size
            number += 2 if wide else 1
        self.write(_COMMAND, _COMMAND_MEMORY | _COMMAND_MASTER, 2)

    def capabilities(self, wanted: int) -> Iterator[int]:
        """Configuration-space offsets of the capabilities with id `wanted`, in list order."""
        if not self.read(_STATUS, 2) & _STATUS_CAPABILITIES:
            return
        seen = set()
        offset = self.read(_CAPABILITIES, 1) & 0xFC
        while offset:
            if offset in seen:
                raise QemuError(f"the PCI capability list loops at {offset:#x}")
            seen.add(offset)
            if self.read(offset, 1) == wanted:
                yield offset
            offset = self.read(offset + 1, 1) & 0xFC

    def _bar_size(self, number: int) -> tuple[int, int]:
        """Flag bits and size (0: not implemented) of a BAR, whose low half is left all ones."""
        offset = _BAR0 + 4 * number
        self.write(offset, 0xFFFF_FFFF, 4)
        mask = self.read(offset, 4)
        # A 64-bit BAR of 4 GiB or more would read 0 here, and not fit the window anyway.
        return mask & _BAR_FLAGS, -(mask & ~_BAR_FLAGS) & 0xFFFF_FFFF

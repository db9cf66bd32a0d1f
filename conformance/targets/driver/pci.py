"""virtio-pci functions by the configuration ports: bridges, BARs, capabilities, registers.

Sources: PCI Local Bus Specification 3.0, sections 3.2.2.3.2 (ports), 6.1 (header), 6.2.5.1 (BARs)
and 6.7 (capability list); PCI-to-PCI Bridge Architecture Specification 1.2, section 3.2.5 (bus
numbers, memory window); VIRTIO 4.1.2, 4.1.4. Offsets and sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.targets.driver.bus import Bus, DriverError, as_int, port_in, port_out
from conformance.targets.driver.registers import Register, Registers, Transport

_ADDRESS_PORT, _DATA_PORT = 0xCF8, 0xCFC

_ID, _COMMAND, _STATUS, _HEADER, _BAR0, _CAPABILITIES = 0x00, 0x04, 0x06, 0x0E, 0x10, 0x34
_BUS_NUMBERS, _SECONDARY, _MEMORY_WINDOW = 0x18, 0x19, 0x20
_IS_BRIDGE, _HEADER_TYPE = 1, 0x7F
_BAR_COUNT = 6
_COMMAND_MEMORY, _COMMAND_MASTER = 1 << 1, 1 << 2
_STATUS_CAPABILITIES = 1 << 4

_SPACE: Final = 0x100
_AHEAD: Final = 20
"""Bytes of the longest of the virtio capabilities that are read, the one with the multiplier."""

_BAR_IO = 1 << 0
_BAR_TYPE_MASK, _BAR_TYPE_64 = 3 << 1, 2 << 1
_BAR_FLAGS = 0xF

_WINDOW = range(0xE000_0000, 0xFEC0_0000)
"""Guest-physical addresses for BARs: on q35 above any low RAM, below the I/O APIC."""

_VIRTIO_MEM: Final = (0x1AF4, 0x1040 + 24)
"""VIRTIO 4.1.2: vendor, and 0x1040 plus the device id; 5.15.1: that is 24."""
_DEVICES: Final = range(32)

_VENDOR_CAPABILITY = 0x09
_CAPABILITY_TYPE, _CAPABILITY_BAR, _CAPABILITY_OFFSET, _CAPABILITY_MULTIPLIER = 3, 4, 8, 16
_TYPE_COMMON, _TYPE_NOTIFY, _TYPE_ISR, _TYPE_DEVICE = 1, 2, 3, 4
"""VIRTIO 4.1.4, `struct virtio_pci_cap`, and 4.1.4.4, `struct virtio_pci_notify_cap`."""
_QUEUE_SELECT, _QUEUE_NOTIFY_OFFSET = 22, 30
"""VIRTIO 4.1.4.3, `struct virtio_pci_common_cfg`."""


class PciFunction:
    """Function 0 of `device` on the PCI bus `number`."""

    def __init__(self, bus: Bus, device: int, number: int = 0) -> None:
        self._bus = bus
        self._device = device
        self._select = 1 << 31 | number << 16 | device << 11
        self._known: dict[int, bytes] = {}
        """Words of the capabilities by their offsets: they are constant."""
        self.bars: dict[int, int] = {}
        """BAR number to guest-physical address; filled by `assign_bars` and `read_bars`."""

    def read(self, offset: int, width: int) -> int:
        """`width` (1, 2, 4) bytes of configuration space at an offset aligned to it."""
        select = port_out(_ADDRESS_PORT, self._select | offset & 0xFC, 4)
        return as_int(self._bus.exchange(select, port_in(_DATA_PORT + offset % 4, width))[1])

    def capability(self, offset: int, width: int) -> int:
        """Like `read`, of a capability, which is read from the device once."""
        word = offset & 0xFC
        if word not in self._known:
            ahead = range(word, min(word + _AHEAD, _SPACE), 4)
            accesses = [
                access
                for at in ahead
                for access in (
                    port_out(_ADDRESS_PORT, self._select | at, 4),
                    port_in(_DATA_PORT, 4),
                )
            ]
            self._known |= dict(zip(ahead, self._bus.exchange(*accesses)[1::2], strict=True))
        return as_int(self._known[word][offset % 4 : offset % 4 + width])

    def write(self, offset: int, value: int, width: int) -> None:
        """Write `width` (1, 2, 4) bytes of configuration space at an offset aligned to it."""
        select = port_out(_ADDRESS_PORT, self._select | offset & 0xFC, 4)
        self._bus.exchange(select, port_out(_DATA_PORT + offset % 4, value, width))

    def identity(self) -> tuple[int, int]:
        """Vendor and device id; both 0xffff where there is no function."""
        both = self.read(_ID, 4)
        return both & 0xFFFF, both >> 16

    def behind(self) -> PciFunction | None:
        """The function at device 0 of the bus behind a bridge; None where this is no bridge.

        A bridge of bus 0 that nobody has set up gets a bus number of its own and the whole window
        for BARs.
        """
        if self.read(_HEADER, 1) & _HEADER_TYPE != _IS_BRIDGE:
            return None
        secondary = self.read(_SECONDARY, 1)
        if not secondary:
            secondary = self._device + 1
            self.write(_BUS_NUMBERS, secondary << 16 | secondary << 8, 4)
            last = _WINDOW.stop - 1
            self.write(_MEMORY_WINDOW, last >> 16 << 16 | _WINDOW.start >> 16, 4)
        self.write(_COMMAND, _COMMAND_MEMORY | _COMMAND_MASTER, 2)
        return PciFunction(self._bus, 0, secondary)

    def take_bars(self) -> None:
        """Enable decoding and bus mastering, with the memory BARs where a firmware put them, or
        else where there is room. Raises `DriverError`."""
        self.read_bars()
        if not self.bars:
            self.assign_bars()

    def read_bars(self) -> None:
        """Take the memory BARs where somebody put them, and enable decoding and bus mastering."""
        self.bars = {}
        number = 0
        while number < _BAR_COUNT:
            low = self.read(_BAR0 + 4 * number, 4)
            wide = low & (_BAR_IO | _BAR_TYPE_MASK) == _BAR_TYPE_64
            high = self.read(_BAR0 + 4 * number + 4, 4) if wide else 0
            if not low & _BAR_IO and (address := high << 32 | low & ~_BAR_FLAGS):
                self.bars[number] = address
            number += 2 if wide else 1
        self.write(_COMMAND, _COMMAND_MEMORY | _COMMAND_MASTER, 2)

    def assign_bars(self) -> None:
        """Give each memory BAR an address, then enable memory decoding and bus mastering.

        Raises `DriverError` when the BARs do not fit the window for them.
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
                    raise DriverError(f"BAR {number} of {size:#x} bytes does not fit below 4 GiB")
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
                raise DriverError(f"the PCI capability list loops at {offset:#x}")
            seen.add(offset)
            if self.capability(offset, 1) == wanted:
                yield offset
            offset = self.capability(offset + 1, 1) & 0xFC

    def structure(self, kind: int) -> tuple[int, int]:
        """Address of the first virtio structure of a type, and its capability's offset (4.1.4)."""
        for capability in self.capabilities(_VENDOR_CAPABILITY):
            bar = self.capability(capability + _CAPABILITY_BAR, 1)
            if self.capability(capability + _CAPABILITY_TYPE, 1) == kind and bar in self.bars:
                offset = self.capability(capability + _CAPABILITY_OFFSET, 4)
                return self.bars[bar] + offset, capability
        raise DriverError(f"virtio-mem has no structure of type {kind} in a memory BAR")

    def _bar_size(self, number: int) -> tuple[int, int]:
        """Flag bits and size (0: not implemented) of a BAR, whose low half is left all ones."""
        offset = _BAR0 + 4 * number
        self.write(offset, 0xFFFF_FFFF, 4)
        mask = self.read(offset, 4)
        # A 64-bit BAR of 4 GiB or more would read 0 here, and not fit the window anyway.
        return mask & _BAR_FLAGS, -(mask & ~_BAR_FLAGS) & 0xFFFF_FFFF


class PciTransport(Transport):
    """The virtio-mem function behind the bridge 00:`port`.0, or the first one on bus 0 or right
    behind a bridge there."""

    def __init__(self, port: int | None = None) -> None:
        self._port = port

    def attach(self, bus: Bus) -> Registers:
        function = self._found(bus)
        function.take_bars()
        common, _ = function.structure(_TYPE_COMMON)
        config, _ = function.structure(_TYPE_DEVICE)
        interrupt, _ = function.structure(_TYPE_ISR)
        notify, capability = function.structure(_TYPE_NOTIFY)
        multiplier = function.capability(capability + _CAPABILITY_MULTIPLIER, 4)
        select = Register(common + _QUEUE_SELECT, 2)
        bus.exchange(select.set(0))
        place = bus.number(Register(common + _QUEUE_NOTIFY_OFFSET, 2).get()) * multiplier

        def at(offset: int, width: int) -> Register:
            return Register(common + offset, width)

        return Registers(
            status=at(20, 1),
            generation=at(21, 1),
            device_feature_select=at(0, 4),
            device_feature=at(4, 4),
            driver_feature_select=at(8, 4),
            driver_feature=at(12, 4),
            queue_select=select,
            queue_most=at(24, 2),
            queue_size=at(24, 2),
            queue_enable=at(28, 2),
            areas=(at(32, 4), at(40, 4), at(48, 4)),
            doorbell=Register(notify + place, 2),
            interrupt=Register(interrupt, 1),
            acknowledge=None,
            config=config,
        )

    def _found(self, bus: Bus) -> PciFunction:
        for function in self._reachable(bus):
            if function.identity() == _VIRTIO_MEM:
                return function
        where = "on PCI bus 0" if self._port is None else f"behind 00:{self._port:02x}.0"
        raise DriverError(f"no virtio-mem {where}")

    def _reachable(self, bus: Bus) -> Iterator[PciFunction]:
        for device in _DEVICES if self._port is None else (self._port,):
            function = PciFunction(bus, device)
            yield function
            if (behind := function.behind()) is not None:
                yield behind

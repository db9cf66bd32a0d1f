"""A device unplugged from a root port, as the driver and the host look for what is left of it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from conformance.targets.driver.bus import Access, DriverError, Kind
from conformance.targets.driver.pci import PciFunction, PciTransport
from conformance.targets.qemu.machine import PORT
from conformance.targets.qemu.process import QemuError, QemuProcess, QmpRefused
from conformance.targets.qemu.unplug import look_again, unplugged
from model.state import Answer

ADDRESS, DATA = 0xCF8, 0xCFC
NOTHING = b"\xff" * 256
VIRTIO_MEM = b"\xf4\x1a\x58\x10" + bytes(252)
EXPRESS = 0x40


def root_port() -> bytearray:
    """The configuration space of a bridge that has the capability with the slot's registers."""
    space = bytearray(256)
    space[0:4] = b"\x36\x1b\x0c\x00"
    space[0x06], space[0x0E], space[0x34] = 1 << 4, 1, EXPRESS
    space[EXPRESS] = 0x10
    return space


class Machine:
    """Configuration spaces by bus and device, behind the two ports; QMP with what it lists."""

    def __init__(self, behind: bytes = NOTHING, devices: tuple[str, ...] = ()) -> None:
        self.port = root_port()
        self.behind, self.devices = behind, devices
        self.refuses = False
        self.done: list[str] = []
        self.selected = 0

    def space(self) -> bytes:
        number, device = self.selected >> 16 & 0xFF, self.selected >> 11 & 31
        if (number, device) == (0, PORT):
            return self.port
        mine = number and number == self.port[0x19]
        return self.behind if mine and device == 0 else NOTHING

    def exchange(self, *accesses: Access) -> list[bytes]:
        return [self.accessed(one) for one in accesses]

    def accessed(self, access: Access) -> bytes:
        if access.address == ADDRESS:
            self.selected = access.value
            return b""
        at = (self.selected & 0xFC) + access.address - DATA
        if access.kind is Kind.IN:
            return self.space()[at : at + access.width]
        if isinstance(space := self.space(), bytearray):
            space[at : at + access.width] = access.value.to_bytes(access.width, "little")
        return b""

    def number(self, access: Access) -> int:
        return int.from_bytes(self.accessed(access), "little")

    def late(self, what: str) -> DriverError:
        return DriverError(what)

    def qmp(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        self.done.append(command)
        if self.refuses:
            raise QmpRefused("in use")
        return list(self.devices)

    def wait_event(self, name: str, timeout: float) -> None:
        self.done.append(name)

    @property
    def process(self) -> QemuProcess:
        return cast(QemuProcess, self)


def test_the_guest_switches_the_slots_power_off() -> None:
    machine = Machine()
    machine.port[EXPRESS + 0x18] = 0xC0
    assert unplugged(machine.process, machine) is Answer.DONE
    assert machine.done == ["device_del", "DEVICE_DELETED"]
    control = int.from_bytes(machine.port[EXPRESS + 0x18 :][:2], "little")
    assert control == 0xC0 | 3 << 8 | 1 << 10


def test_a_port_without_a_slot_is_told_of() -> None:
    machine = Machine()
    machine.port[EXPRESS] = 0x05
    with pytest.raises(QemuError, match=r"00:04\.0 has no PCI Express capability"):
        unplugged(machine.process, machine)


def test_what_qemu_refuses_is_not_switched_off() -> None:
    machine = Machine()
    machine.refuses = True
    before = bytes(machine.port)
    assert unplugged(machine.process, machine) is Answer.REFUSED
    assert bytes(machine.port) == before and machine.done == ["device_del"]


@pytest.mark.parametrize(
    ("machine", "left"),
    [
        (Machine(VIRTIO_MEM), "1af4:1058 is left behind 00:04.0"),
        (Machine(devices=("vm0",)), "a device that is gone is still a memory device"),
    ],
)
def test_what_is_left_of_a_device_is_seen(machine: Machine, left: str) -> None:
    with pytest.raises(QemuError, match=left):
        look_again(machine.process, machine)


def test_nothing_is_left() -> None:
    machine = Machine()
    look_again(machine.process, machine)
    machine.port[0x0E] = 0
    with pytest.raises(QemuError, match=r"no bridge at 00:04.0 any more"):
        look_again(machine.process, machine)


def test_a_bridge_gets_a_bus_number_and_a_window_once() -> None:
    machine = Machine(VIRTIO_MEM)
    behind = PciFunction(machine, PORT).behind()
    assert behind is not None and behind.identity() == (0x1AF4, 0x1058)
    assert machine.port[0x18:0x1B] == bytes([0, PORT + 1, PORT + 1])
    assert machine.port[0x20:0x24] == b"\x00\xe0\xbf\xfe"
    assert machine.port[0x04] == 0b110
    # One that a firmware set up keeps what it has.
    machine.port[0x19:0x1B] = bytes([9, 9])
    again = PciFunction(machine, PORT).behind()
    assert again is not None and again.identity() == (0x1AF4, 0x1058)
    assert machine.port[0x19] == 9 and behind.identity() == (0xFFFF, 0xFFFF)


@pytest.mark.parametrize(("port", "where"), [(PORT, "behind 00:04.0"), (None, "on PCI bus 0")])
def test_a_driver_finds_no_device_that_is_not_there(port: int | None, where: str) -> None:
    with pytest.raises(DriverError, match=f"no virtio-mem {where}"):
        PciTransport(port).attach(Machine())

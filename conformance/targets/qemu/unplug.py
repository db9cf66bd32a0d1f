"""A device unplugged from a root port: the host asks, and the guest switches the slot's power off.

Sources: PCI Express Base Specification 3.0, sections 6.7 (hot-plug) and 7.8.10 (slot control); QEMU
hw/pci/pcie.c (pcie_cap_slot_unplug_request_cb, pcie_cap_slot_write_config).
"""

from __future__ import annotations

from typing import Final

from conformance.targets.driver.bus import Bus
from conformance.targets.driver.pci import PciFunction
from conformance.targets.qemu.machine import DEVICE_ID, PORT
from conformance.targets.qemu.process import QemuError, QemuProcess, QmpRefused
from model.state import Answer

_EXPRESS: Final = 0x10
"""The capability with the slot's registers."""
_SLOT_CONTROL: Final = 0x18
_INDICATOR_OFF, _POWER_OFF = 3 << 8, 1 << 10
_SECONDS: Final = 10.0


def unplugged(process: QemuProcess, bus: Bus) -> Answer:
    """Have the device unplugged: DONE or REFUSED. Raises QemuError."""
    try:
        process.qmp("device_del", {"id": DEVICE_ID})
    except QmpRefused:
        return Answer.REFUSED
    port = PciFunction(bus, PORT)
    if (express := next(port.capabilities(_EXPRESS), None)) is None:
        raise QemuError(f"the root port 00:{PORT:02x}.0 has no PCI Express capability")
    control = express + _SLOT_CONTROL
    port.write(control, port.read(control, 2) | _INDICATOR_OFF | _POWER_OFF, 2)
    process.wait_event("DEVICE_DELETED", _SECONDS)
    return Answer.DONE


def look_again(process: QemuProcess, bus: Bus) -> None:
    """A device that is gone is to be seen by nobody. Raises QemuError where it is."""
    behind = PciFunction(bus, PORT).behind()
    if behind is None:
        raise QemuError(f"there is no bridge at 00:{PORT:02x}.0 any more")
    vendor, device = behind.identity()
    if (vendor, device) != (0xFFFF, 0xFFFF):
        raise QemuError(f"{vendor:04x}:{device:04x} is left behind 00:{PORT:02x}.0")
    if left := process.qmp("query-memory-devices"):
        raise QemuError(f"a device that is gone is still a memory device: {left}")

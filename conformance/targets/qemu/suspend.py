"""A q35 machine suspended to RAM by its own registers, as a guest does, and woken up again.

Sources: Intel I/O Controller Hub 9 datasheet, sections 13.1.13 (PMBASE), 13.1.14 (ACPI_CNTL) and
13.8.3.3 (PM1_CNT); QEMU hw/acpi/core.c (acpi_pm1_cnt_write) and hw/isa/lpc_ich9.c.
"""

from __future__ import annotations

from typing import Any, Final

from conformance.targets.driver.bus import port_out
from conformance.targets.driver.pci import PciFunction
from conformance.targets.qemu.process import QemuProcess
from conformance.targets.qemu.processor import Processor

_LPC_DEVICE: Final = 31
"""The ICH9's ISA bridge is 00:1f.0."""
_PM_BASE, _ACPI_CONTROL = 0x40, 0x44
_ACPI_ENABLE: Final = 1 << 7
_PORTS: Final = 0x600
"""Where the power management registers are put; PM1_CNT is at offset 4."""
_CONTROL: Final = _PORTS + 4
_SLEEP_ENABLE, _TO_RAM = 1 << 13, 1 << 10
_SECONDS: Final = 10.0


def woken_up(process: QemuProcess, processor: Processor, bus: Any) -> None:
    """Suspend the machine and wake it up. Raises DriverError."""
    bridge = PciFunction(bus, _LPC_DEVICE)
    # A reset takes both away.
    bridge.write(_PM_BASE, _PORTS | 1, 4)
    bridge.write(_ACPI_CONTROL, _ACPI_ENABLE, 1)
    processor.fall_asleep(bus, port_out(_CONTROL, _SLEEP_ENABLE | _TO_RAM, 2))
    process.wait_event("SUSPEND", _SECONDS)
    process.qmp("system_wakeup")
    process.wait_event("WAKEUP", _SECONDS)
    processor.after_wake_up(process, bus)

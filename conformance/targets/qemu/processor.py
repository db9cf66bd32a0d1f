"""What runs in a QEMU's machine: nothing, so that qtest makes every access, or the bare guest."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

from conformance.targets.driver.bus import Access, Bus
from conformance.targets.driver.device import VirtioMem
from conformance.targets.qemu.accel import Accel
from conformance.targets.qemu.process import QemuProcess
from conformance.targets.qemu.qtest import QtestSocket, qtest_driver

IDLE: Final = bytes(0x1_0000 - 16) + b"\xfa\xf4\xeb\xfd".ljust(16, b"\0")
"""A firmware that does nothing: cli; hlt; and again. A machine that wakes up runs, whether or not
it ran before."""


class Processor(Protocol):
    """Carries out a driver's accesses."""

    stopped: bool
    """It does not run."""

    def arguments(self, accel: Accel) -> list[str]:
        """What another machine with it, carried by `accel`, takes on QEMU's command line."""

    def start(self, process: QemuProcess, stack: ExitStack) -> Bus:
        """Take up a machine that was just started; `stack` closes what that opens.

        Raises DriverError.
        """

    def go_on(self, process: QemuProcess, stack: ExitStack) -> Bus:
        """Take up a machine into which a migration just came, like `start`."""

    def after_reset(self, bus: Any) -> None:
        """Wait until accesses are possible again. Raises DriverError."""

    def fall_asleep(self, bus: Any, access: Access) -> None:
        """Make the access that suspends the machine. Raises DriverError."""

    def after_wake_up(self, process: QemuProcess, bus: Any) -> None:
        """Wait until accesses are possible again. Raises DriverError."""

    def driver(self, bus: Any) -> VirtioMem:
        """A driver that makes its accesses so."""


class StoppedProcessor:
    """The processor stands still; the machine is accessed over qtest."""

    stopped = True

    def arguments(self, accel: Accel) -> list[str]:
        self._directory = TemporaryDirectory(prefix="slotproof-firmware-")
        firmware = Path(self._directory.name) / "idle"
        firmware.write_bytes(IDLE)
        return ["-bios", str(firmware)]

    def start(self, process: QemuProcess, stack: ExitStack) -> QtestSocket:
        return QtestSocket(process)

    go_on = start

    def after_reset(self, bus: QtestSocket) -> None:
        pass

    def fall_asleep(self, bus: QtestSocket, access: Access) -> None:
        bus.exchange(access)

    def after_wake_up(self, process: QemuProcess, bus: QtestSocket) -> None:
        process.qmp("stop")

    def driver(self, bus: QtestSocket) -> VirtioMem:
        return qtest_driver(bus)

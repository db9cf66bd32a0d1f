"""The bare guest in a QEMU, which makes a driver's accesses itself."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.guest.build import guest_elf
from conformance.targets.driver.bus import Access
from conformance.targets.driver.device import VirtioMem
from conformance.targets.driver.pci import PciTransport
from conformance.targets.qemu.accel import KVM, Accel
from conformance.targets.qemu.machine import PORT
from conformance.targets.qemu.process import QemuProcess
from conformance.targets.vmm.line import Line
from conformance.targets.vmm.resume import prepare, waking_table

_COMMAND_LINE = "sleep"
_START_TIMEOUT = 120.0
"""Seconds. QEMU's firmware takes one to find the guest, and half a minute where KVM emulates it."""


class GuestProcessor:
    """The bare guest runs; it is started by QEMU's firmware with the PVH entry."""

    stopped = False

    def __init__(self) -> None:
        """Raises conformance.guest.build.GuestError."""
        self._elf = guest_elf()
        self._facs: int | None = None

    def arguments(self, accel: Accel) -> list[str]:
        self._directory = TemporaryDirectory(prefix="slotproof-line-")
        path = Path(self._directory.name) / "line"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        device = ["-chardev", f"socket,id=line,path={path}", "-serial", "chardev:line"]
        # A guest that looks for bytes again and again would take QEMU's big lock each time, so that
        # the thread that has the bytes waits for it. Where KVM runs inside a virtual machine, an
        # 8259 of its own may not wake a guest; QEMU's does.
        chip = ["-machine", "kernel-irqchip=split"] if accel is KVM else []
        return [*device, *chip, "-kernel", str(self._elf), "-append", _COMMAND_LINE]

    def start(self, process: QemuProcess, stack: ExitStack) -> Line:
        line = self.go_on(process, stack)
        line.hello(_START_TIMEOUT)
        return line

    def go_on(self, process: QemuProcess, stack: ExitStack) -> Line:
        with self._directory, self._listener:
            # QEMU connected before it answered on its monitor.
            connection, _ = self._listener.accept()
        stack.callback(connection.close)
        number = connection.fileno()
        return Line(number, number, lambda: "QEMU is gone" if process.ended else None)

    def after_reset(self, bus: Line) -> None:
        bus.forget()
        bus.hello(_START_TIMEOUT)

    def fall_asleep(self, bus: Line, access: Access) -> None:
        if self._facs is None:
            # The same after every reset, and after a migration.
            self._facs = waking_table(bus)
        prepare(bus, self._facs, self._elf, _COMMAND_LINE)
        bus.post(access)

    def after_wake_up(self, process: QemuProcess, bus: Line) -> None:
        self.after_reset(bus)

    def driver(self, bus: Line) -> VirtioMem:
        return VirtioMem(bus, PciTransport(PORT))

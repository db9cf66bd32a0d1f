"""Cloud Hypervisor as a VMM. Source: its docs/memory.md, docs/api.md and docs/hotplug.md."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from conformance.guest.build import guest_elf
from conformance.targets.driver.pci import PciTransport
from conformance.targets.limits import Bound, Limits
from conformance.targets.vmm import rest
from conformance.targets.vmm.line import Line
from conformance.targets.vmm.machine import BOOT_RAM, Machine, Vmm, program
from model.arithmetic import GIB, MIB
from model.state import Answer, Config

_ADDRESS: Final = 4 * GIB
_BLOCK: Final = 2 * MIB
_REBOOT_SECONDS: Final = 20.0


class CloudHypervisorMachine(Machine):
    """One virtual machine."""

    def __init__(self, path: Path, config: Config, prefix: Sequence[str]) -> None:
        self._path = path
        self._config = config
        self._connection: socket.socket | None = None
        super().__init__(prefix)

    def started(self) -> Line:
        self._api, self._serial = self.directory / "api", self.directory / "serial"
        memory = f"size={BOOT_RAM},shared=on,hotplug_method=virtio-mem"
        self.spawn(
            [
                *(str(self._path), "--api-socket", str(self._api), "--kernel", str(guest_elf())),
                # With few address bits the BARs lie where the guest's page tables reach.
                *("--cmdline", "slotproof", "--cpus", "boot=1,max_phys_bits=39"),
                *("--memory", f"{memory},hotplug_size={self._config.region}"),
                # Its filter kills it for a system call that a tracer makes fail.
                *("--seccomp", "false"),
                *("--serial", f"socket={self._serial}", "--console", "off"),
            ]
        )
        self.keep(self._disconnect)
        return self._connect()

    def transport(self) -> PciTransport:
        return PciTransport()

    def resize(self, requested: int) -> Answer:
        if requested >= 1 << 63:
            # What the API cannot say.
            return Answer.REFUSED
        size = {"desired_ram": BOOT_RAM + requested}
        granted, _ = rest.ask(self._api, "PUT", "/api/v1/vm.resize", size)
        return Answer.DONE if granted else Answer.REFUSED

    def system_reset(self) -> None:
        self._disconnect()
        self._serial.unlink(missing_ok=True)
        rest.told(self._api, "PUT", "/api/v1/vm.reboot")
        self.line = self._connect()
        self.hello = self.line.hello(_REBOOT_SECONDS)

    def _connect(self) -> Line:
        self._connection = self.connected(self._serial)
        number = self._connection.fileno()
        return Line(number, number, self.fate)

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None


def cloud_hypervisor(path: str | None) -> Vmm:
    """Cloud Hypervisor at a path. Raises DriverError."""
    found = program("cloud-hypervisor", path)

    def start(config: Config, prefix: Sequence[str]) -> Machine:
        return CloudHypervisorMachine(found, config, prefix)

    return Vmm(
        name="cloud-hypervisor",
        limits=Limits(
            bounds={
                "region": Bound(128 * MIB, 16 * GIB, 128 * MIB),
                "block": Bound(_BLOCK, _BLOCK),
                "addr": Bound(_ADDRESS, _ADDRESS),
                "requested": Bound(0, 0),
            },
            switches={"option": False, "inaccessible": False, "prealloc": False},
        ),
        capabilities=frozenset({"resize", "system-reset", "device-reset"}),
        # Request::parse of virtio-devices/src/mem.rs, 53.0.
        one_each=True,
        failing=frozenset({"fail-discard"}),
        start=start,
        slot=lambda config: config.region,
        unplugged_inaccessible=False,
    )

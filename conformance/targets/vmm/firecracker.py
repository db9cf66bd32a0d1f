"""Firecracker as a VMM, with its devices on virtio-mmio. Source: its docs/memory-hotplug.md."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.guest.build import guest_elf
from conformance.targets.driver.mmio import MmioTransport, addresses
from conformance.targets.limits import Bound, Limits
from conformance.targets.vmm import rest
from conformance.targets.vmm.line import Line
from conformance.targets.vmm.machine import BOOT_RAM, Machine, Vmm, program
from model.arithmetic import GIB, MIB
from model.state import Answer, Config

_ADDRESS: Final = 512 * GIB
_SLOT: Final = GIB
"""Bytes of a memslot, which is free: the smallest that the model's decision knows."""


class FirecrackerMachine(Machine):
    """One microVM."""

    def __init__(self, path: Path, config: Config, prefix: Sequence[str]) -> None:
        self._path = path
        self._config = config
        super().__init__(prefix)

    def started(self) -> Line:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self._api = self.directory / "api"
        log = ["--log-path", str(self.directory / "log"), "--level", "Warning"]
        (self.directory / "log").touch()
        command = [str(self._path), "--api-sock", str(self._api), *log]
        self.spawn(command, stdin=theirs_in, stdout=theirs_out)
        for number in (ours_in, ours_out):
            self.keep(lambda number=number: os.close(number))  # type: ignore[misc]
        os.close(theirs_in)
        os.close(theirs_out)
        self.wait_for(self._api)
        config = self._config
        sizes = {
            "total_size_mib": config.region // MIB,
            "block_size_mib": config.block // MIB,
            "slot_size_mib": _SLOT // MIB,
        }
        boot = {"kernel_image_path": str(guest_elf()), "boot_args": "slotproof"}
        rest.told(self._api, "PUT", "/boot-source", boot)
        machine = {"vcpu_count": 1, "mem_size_mib": BOOT_RAM // MIB}
        rest.told(self._api, "PUT", "/machine-config", machine)
        rest.told(self._api, "PUT", "/hotplug/memory", sizes)
        rest.told(self._api, "PUT", "/actions", {"action_type": "InstanceStart"})
        return Line(ours_in, ours_out, self.fate)

    def transport(self) -> MmioTransport:
        return MmioTransport(addresses(self.hello.command_line))

    def resize(self, requested: int) -> Answer:
        if requested % MIB:
            # What the API cannot say.
            return Answer.REFUSED
        sizes = {"requested_size_mib": requested // MIB}
        granted, _ = rest.ask(self._api, "PATCH", "/hotplug/memory", sizes)
        return Answer.DONE if granted else Answer.REFUSED


def firecracker(path: str | None) -> Vmm:
    """Firecracker at a path. Raises DriverError."""
    found = program("firecracker", path)

    def start(config: Config, prefix: Sequence[str]) -> Machine:
        return FirecrackerMachine(found, config, prefix)

    return Vmm(
        name="firecracker",
        limits=Limits(
            bounds={
                "region": Bound(_SLOT, 16 * GIB, _SLOT),
                "block": Bound(2 * MIB, 128 * MIB),
                "limit": Bound(256, 256),
                "addr": Bound(_ADDRESS, _ADDRESS),
                "requested": Bound(0, 0),
                "extent": Bound(0, 0),
            },
            switches={"option": True, "inaccessible": True, "prealloc": False},
        ),
        capabilities=frozenset({"resize", "notified"}),
        # parse_request of src/vmm/src/devices/virtio/mem/device.rs, 1.16.1.
        one_each=True,
        failing=frozenset({"fail-populate"}),
        start=start,
        slot=lambda config: _SLOT,
    )

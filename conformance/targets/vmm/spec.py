"""Targets `vmm:NAME[=PATH]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import click

from conformance.guest.build import GuestError, guest_elf
from conformance.targets.driver.bus import DriverError
from conformance.targets.qemu.process import find_qemu, has_memslots, lacking
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import Target
from conformance.targets.vmm.cloud_hypervisor import cloud_hypervisor
from conformance.targets.vmm.firecracker import firecracker
from conformance.targets.vmm.krun import krun
from conformance.targets.vmm.qemu import GuestProcessor
from conformance.targets.vmm.target import VmmTarget


def _qemu(path: str | None) -> Target:
    binary = find_qemu(path, memslots=False)
    return QemuTarget(
        binary, memslots=has_memslots(binary), lacking=lacking(binary), processor=GuestProcessor
    )


VMMS: Final[Mapping[str, Callable[[str | None], Target]]] = {
    "qemu": _qemu,
    "krun": lambda path: VmmTarget(krun(path)),
    "firecracker": lambda path: VmmTarget(firecracker(path)),
    "cloud-hypervisor": lambda path: VmmTarget(cloud_hypervisor(path)),
}
PROFILE_OF: Final[Mapping[str, str]] = {
    "qemu": "qemu",
    "krun": "krun",
    "firecracker": "firecracker-1.14",
    "cloud-hypervisor": "cloud-hypervisor-52",
}
"""The profiles of the newest versions that the VMMs were checked at."""


def open_vmm(spec: str) -> Target:
    """The target of a spec `vmm:NAME` or `vmm:NAME=PATH`. Raises click.UsageError."""
    name, equals, path = spec.removeprefix("vmm:").partition("=")
    if name not in VMMS:
        known = ", ".join(VMMS)
        raise click.UsageError(f"target {spec!r}: no VMM {name!r}: known are {known}")
    if equals and not path.strip():
        raise click.UsageError(f"target {spec!r}: the path is empty: expected vmm:{name}=PATH")
    try:
        guest_elf()
        return VMMS[name](path or None)
    except (GuestError, DriverError) as error:
        raise click.UsageError(str(error)) from None

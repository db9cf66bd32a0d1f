"""What carries a machine: software emulation, or KVM, whose memslots QEMU tells."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEVICE: Final = Path("/dev/kvm")


@dataclass(frozen=True, slots=True)
class Accel:
    """An accelerator of QEMU by its name, and the processor that a machine with it has.

    46 physical address bits take regions of terabytes. For a processor of AMD, QEMU would move a
    large device space above the reserved addresses below 1 TiB.
    """

    name: str
    processor: str

    def arguments(self) -> list[str]:
        """As QEMU takes them."""
        cpu = f"{self.processor},phys-bits=46,vendor=GenuineIntel"
        return ["-accel", self.name, "-cpu", cpu]

    def memslots_told(self, log: Path) -> list[str]:
        """What has QEMU write each memslot that KVM takes to `log`."""
        if self is not KVM:
            return []
        return ["-trace", "kvm_set_user_memory", "-D", str(log)]


TCG: Final = Accel("tcg", "max")
# `max` and `host` ask for registers that a KVM inside a virtual machine may not have.
KVM: Final = Accel("kvm", "qemu64")
ACCELS: Final = {accel.name: accel for accel in (TCG, KVM)}


def kvm_missing(device: Path = DEVICE) -> str | None:
    """Why this machine's KVM cannot be used, in a few words; None if it can."""
    if not device.exists():
        return f"there is no {device}"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"{device} may not be read and written by this user"
    return None

"""The virtual machine whose cost is asked for: a kernel by name, switches with their reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Final

from conformance.metadata.host import HOST, Host, HostError, host
from model.kernels import (
    NEWEST,
    OLDEST,
    PRIVATE_MEMORY,
    READ,
    TDP_MMU_BY_DEFAULT,
    TRACKING_BY_USER,
    Arch,
    Kernel,
    Vm,
)

PATCH: Final = "patch"
"""The table of the patch's first page in place of a kernel."""
NAMED: Final = ("5.10", "6.1", "6.1-cloud", "6.12", "6.12-cloud", "7.2", "7.2-cloud")
"""Debian's kernels whose source was read; `cloud` is their flavour without i915's GVT."""
_NAME: Final = re.compile(
    r"(?:linux-image-)?(\d+)\.(\d+)(?:\.\d+)?(?:\+[\w.]+)?(?:-\d+)?(-cloud)?(?:-(?:amd|arm)64)?"
)
"""A version, what `uname -r` says on Debian, or the package of the kernel."""


class KernelError(ValueError):
    """A kernel that nothing is known of; the message is one line."""


@dataclass(frozen=True, slots=True)
class Switches:
    """What is said of a machine, None where nothing is; the fields of `model.kernels.Vm`."""

    tdp: bool | None = None
    tdp_mmu: bool | None = None
    shadow_root: bool | None = None
    tracker: bool | None = None
    smm: bool | None = None
    private: bool | None = None
    dirty_ring: bool | None = None

    def said(self) -> dict[str, bool]:
        """The switches that something is said of."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Asked:
    """The machine, and where each of its switches comes from; `notes` are lines worth reading."""

    vm: Vm
    why: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def here(self) -> bool:
        """The kernel is the one that runs."""
        return self.why["kernel"] == HOST


def kernel_named(name: str, arch: Arch = Arch.X86) -> Kernel:
    """One of Debian's kernels, by its version. Raises KernelError."""
    match = _NAME.fullmatch(name)
    if match is None:
        expected = f"expected {PATCH}, {HOST}, {', '.join(NAMED)} or another version"
        if version := re.match(r"(?:linux-image-)?(\d+\.\d+)[.+-]", name):
            expected = (
                "expected what uname -r says of Debian's generic or cloud kernel, or "
                f"--kernel {version[1]}, that version as Debian builds it"
            )
        raise KernelError(f"no kernel {name!r}: {expected}")
    release = int(match[1]), int(match[2])
    if release < OLDEST:
        raise KernelError(f"kernel {name} is older than {'.'.join(map(str, OLDEST))}: not read")
    cloud = match[3] is not None
    # Debian's cloud flavour has no guest_memfd in 6.12 and has it in 7.2.
    memfd = release >= PRIVATE_MEMORY and (not cloud or release >= NEWEST)
    return Kernel(name, release, arch, tracking=not cloud, memfd=memfd)


def asked(name: str, arch: Arch | None, machine: Switches, given: Switches) -> Asked:
    """The machine of a kernel's name: what `given` says comes first, then what the virtual
    `machine` says, then the host where that is meant. Raises KernelError."""
    vm, why, notes = _base(name, arch)
    for switches, origin in ((machine, "the machine"), (given, "the command line")):
        said = switches.said()
        settings: dict[str, Any] = dict(said)
        vm = replace(vm, **settings)
        why |= dict.fromkeys(said, origin)
    if vm.smm and not vm.kernel.smm:
        # QEMU leaves it out then unless it is told otherwise, and ends if it is.
        why["smm"] = f"{why['smm']} has it, this KVM does not"
    if given.tracker is not None and vm.kernel.release < TRACKING_BY_USER:
        vm = replace(vm, kernel=replace(vm.kernel, tracking=given.tracker))
    if "smm" not in why and vm.kernel.arch is Arch.X86:
        notes = (*notes, "SMM is taken as off: a machine with it has every memslot twice (--smm)")
    if vm.kernel.release > NEWEST:
        notes = (*notes, f"{vm.kernel.name} is newer than what was read, {READ[-1]}: taken as that")
    notes = (*notes, *_between(vm.kernel))
    for field in fields(Switches):
        why.setdefault(field.name, "assumed")
    return Asked(vm, why, notes)


def _between(kernel: Kernel) -> tuple[str, ...]:
    """A note on a version that lies between two of those read."""
    for older, newer in pairwise(READ):
        first, second = (tuple(map(int, read.split(".")[:2])) for read in (older, newer))
        if first < kernel.release < second:
            return (
                f"{kernel.name} lies between versions that were read, {older} and {newer}: what "
                "changed between them is dated by its commits",
            )
    return ()


def _base(name: str, arch: Arch | None) -> tuple[Vm, dict[str, str], tuple[str, ...]]:
    if name != HOST:
        kernel = kernel_named(name, arch or Arch.X86)
        on = kernel.release >= TDP_MMU_BY_DEFAULT
        notes = () if kernel.arch is Arch.X86 else ("pages of 4 KiB are assumed",)
        why = {"kernel": "named", "tdp_mmu": "this kernel's default"}
        return Vm(kernel, tdp_mmu=on), why, notes
    try:
        here: Host = host()
    except HostError as error:
        raise KernelError(f"{error}: expected --kernel VERSION") from None
    if arch is not None and arch is not here.kernel.arch:
        raise KernelError(f"this machine is {here.kernel.arch.value}: --arch goes with a version")
    if here.kernel.release < OLDEST:
        raise KernelError(f"kernel {here.kernel.name} is older than what was read")
    vm = Vm(here.kernel, tdp=here.tdp, tdp_mmu=here.tdp_mmu)
    return vm, {"kernel": HOST} | here.why, here.notes

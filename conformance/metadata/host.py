"""The kernel of this machine, as far as the cost of memslots depends on it; nothing is changed."""

from __future__ import annotations

import fcntl
import gzip
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model.kernels import PRIVATE_MEMORY, SMM_BY_OPTION, TDP_MMU_BY_DEFAULT, Arch, Kernel, Release

HOST: Final = "host"
"""The name of the kernel that runs."""
KVM: Final = Path("dev/kvm")
MACHINES: Final = {
    "x86_64": Arch.X86,
    "aarch64": Arch.ARM64,
    "s390x": Arch.S390X,
    "riscv64": Arch.RISCV,
    "ppc64le": Arch.PPC64,
}
SMM: Final = "CONFIG_KVM_SMM"
CHECK_EXTENSION: Final = 0xAE03
CAP_X86_SMM: Final = 117
"""Source: KVM_CHECK_EXTENSION and KVM_CAP_X86_SMM, include/uapi/linux/kvm.h."""


class HostError(ValueError):
    """Nothing can be told of this machine; the message is one line."""


@dataclass(frozen=True, slots=True)
class Host:
    """The kernel and what its modules are set to; `why` says where each fact was read."""

    kernel: Kernel
    tdp: bool
    tdp_mmu: bool
    why: dict[str, str]
    notes: tuple[str, ...]


def has_kvm(root: Path = Path("/")) -> bool:
    """This machine has KVM."""
    return (root / KVM).exists()


def host(
    root: Path = Path("/"), name: str | None = None, machine: str | None = None, page: int = 0
) -> Host:
    """Read the facts below `root`; what is not given is asked of the system. Raises HostError."""
    name = name or os.uname().release
    machine = machine or os.uname().machine
    match = re.match(r"(\d+)\.(\d+)", name)
    if match is None or machine not in MACHINES:
        raise HostError(f"nothing is known of Linux {name} on {machine}")
    release = int(match[1]), int(match[2])
    origin, config = _config(root, name)
    notes: list[str] = []
    if origin is None:
        notes.append(f"no configuration of kernel {name} found: taken as Debian's generic one")
    tdp, tdp_why = _tdp(root)
    tdp_mmu, tdp_mmu_why = _tdp_mmu(root, tdp, release)
    smm, smm_why = _smm(root, origin is None or release < SMM_BY_OPTION or SMM in config)
    memfd = bool({"CONFIG_KVM_PRIVATE_MEM", "CONFIG_KVM_GUEST_MEMFD"} & config.keys())
    kernel = Kernel(
        name=name,
        release=release,
        arch=MACHINES[machine],
        page=page or os.sysconf("SC_PAGE_SIZE"),
        tracking=origin is None or "CONFIG_KVM_EXTERNAL_WRITE_TRACKING" in config,
        smm=smm,
        memfd=memfd if origin is not None else release >= PRIVATE_MEMORY,
    )
    why = {"tdp": tdp_why, "tdp_mmu": tdp_mmu_why}
    if not smm:
        why["smm"] = smm_why
    return Host(kernel, tdp, tdp_mmu, why, tuple(notes))


def _config(root: Path, name: str) -> tuple[str | None, dict[str, str]]:
    """Where the configuration is and its options that are set; None and nothing without one."""
    for place in (f"boot/config-{name}", f"lib/modules/{name}/config", "proc/config.gz"):
        try:
            content = (root / place).read_bytes()
            text = gzip.decompress(content) if place.endswith(".gz") else content
        except (OSError, EOFError):
            continue
        options = re.findall(r"^(CONFIG_\w+)=(.*)$", text.decode(errors="replace"), re.MULTILINE)
        return f"/{place}", dict(options)
    return None, {}


def _parameter(root: Path, module: str, parameter: str) -> str | None:
    try:
        return (root / f"sys/module/{module}/parameters/{parameter}").read_text().strip()
    except OSError:
        return None


def _tdp(root: Path) -> tuple[bool, str]:
    for module, parameter in (("kvm_intel", "ept"), ("kvm_amd", "npt")):
        if (value := _parameter(root, module, parameter)) is not None:
            return value in {"Y", "1"}, f"{module}.{parameter}={value}"
    if (root / "sys/module/kvm").exists():
        return False, "neither kvm_intel nor kvm_amd is loaded"
    return True, "assumed: kvm is not loaded"


def _tdp_mmu(root: Path, tdp: bool, release: Release) -> tuple[bool, str]:
    value = _parameter(root, "kvm", "tdp_mmu")
    if value is None:
        return tdp and release >= TDP_MMU_BY_DEFAULT, "this kernel's default"
    return tdp and value in {"Y", "1"}, f"kvm.tdp_mmu={value}"


def _smm(root: Path, built: bool) -> tuple[bool, str]:
    """Whether KVM has SMM here, by its own word if it gives it."""
    try:
        kvm = os.open(root / KVM, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return built, f"{SMM} is {'' if built else 'not '}set"
    try:
        return fcntl.ioctl(kvm, CHECK_EXTENSION, CAP_X86_SMM) > 0, "KVM_CAP_X86_SMM"
    except OSError:
        return built, f"{SMM} is {'' if built else 'not '}set"
    finally:
        os.close(kvm)


def vhost_regions(root: Path = Path("/")) -> int | None:
    """What the vhost module of this machine takes, None where it is not loaded."""
    value = _parameter(root, "vhost", "max_mem_regions")
    return int(value) if value is not None and value.isdigit() else None

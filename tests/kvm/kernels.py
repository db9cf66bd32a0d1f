"""Measures what memslots take on a kernel of Debian that does not run here, and keeps the figures:

    apt-get download linux-image-6.12.117+deb13-amd64
    dpkg-deb -x linux-image-6.12.117*.deb FOLDER
    python tests/kvm/kernels.py FOLDER

The kernel boots in a QEMU that emulates a processor with SVM and nested paging, so that its KVM has
the TDP MMU. Takes QEMU, gcc with a static C library, busybox-static, and some minutes.
"""

from __future__ import annotations

import lzma
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "docs")]

from measuredbook import add  # noqa: E402

from conformance.metadata import vmalloc  # noqa: E402
from conformance.metadata.device import DeviceMetadata, of_config  # noqa: E402
from conformance.metadata.document import kernel_document  # noqa: E402
from conformance.metadata.host import host  # noqa: E402
from conformance.metadata.kernel import Asked  # noqa: E402
from conformance.metadata.measure import ROWS, Case, compared, expected  # noqa: E402
from conformance.targets.linux.debian import static_busybox  # noqa: E402
from conformance.targets.linux.initramfs import archive  # noqa: E402
from conformance.targets.qemu.process import find_qemu, qemu_version  # noqa: E402
from model.arithmetic import GIB, MIB, TIB  # noqa: E402
from model.kernels import Vm  # noqa: E402
from model.metadata import Span, slot_spans  # noqa: E402
from model.profiles import QEMU  # noqa: E402
from model.state import Config  # noqa: E402

MODULES: Final = ("irqbypass", "rng-core", "ccp", "kvm", "kvm-amd")
CONFIGS: Final = {
    "1 TiB, 1 GiB plugged": (Config(region=TIB, block=2 * MIB, limit=256, addr=4 * GIB), GIB),
    "9 unaligned memslots": (
        Config(region=9 * GIB, block=2 * MIB, limit=9, addr=0x147E00000),
        9 * GIB,
    ),
}
INIT: Final = """#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
for module in /modules/*; do /bin/busybox insmod $module; done
echo TDP $(/bin/busybox cat /sys/module/kvm_amd/parameters/npt)
echo TDP_MMU $(/bin/busybox cat /sys/module/kvm/parameters/tdp_mmu)
{runs}
/bin/busybox poweroff -f
"""
SECONDS: Final = 1500


@dataclass(frozen=True, slots=True)
class Run:
    """What one device printed: seconds and areas of its four cases, by static and logging."""

    cases: dict[tuple[bool, bool], tuple[float, vmalloc.Areas]]


def initramfs(folder: Path, program: bytes, devices: list[DeviceMetadata]) -> bytes:
    """An archive whose init measures the devices."""
    runs = []
    for device in devices:
        spans = slot_spans(device.fixed, device.mapped)
        numbers = device.fixed.addr, device.fixed.region, spans[0][1], len(spans)
        runs.append(f"/memslots {' '.join(map(str, numbers))}")
    files: dict[str, Any] = {name: (0o40755, b"") for name in ("bin", "dev", "proc", "sys")}
    files["modules"] = (0o40755, b"")
    files["dev/console"] = (0o20600, b"", (5, 1))
    for number, name in enumerate(MODULES):
        for path in sorted(folder.rglob(f"{name}.ko*"))[:1]:
            content = path.read_bytes()
            plain = lzma.decompress(content) if path.suffix == ".xz" else content
            files[f"modules/{number}"] = (0o100644, plain)
    files["bin/busybox"] = (0o100755, static_busybox().read_bytes())
    files["memslots"] = (0o100755, program)
    files["init"] = (0o100755, INIT.format(runs="\n".join(runs)).encode())
    return archive(files)


def booted(folder: Path, devices: list[DeviceMetadata]) -> str:
    """What the guest printed."""
    with TemporaryDirectory() as place:
        program, packed = Path(place) / "memslots", Path(place) / "initramfs"
        source = Path(__file__).with_name("memslots.c")
        subprocess.run(["gcc", "-O1", "-static", "-o", program, source], check=True)
        packed.write_bytes(initramfs(folder, program.read_bytes(), devices))
        (kernel,) = folder.glob("boot/vmlinuz-*")
        command = [
            str(find_qemu()),
            # Time goes with instructions: on a busy machine a timer that is late ends the boot.
            *("-machine", "q35", "-accel", "tcg", "-icount", "shift=2"),
            *("-cpu", "EPYC,phys-bits=46", "-m", "3G", "-nodefaults", "-nographic", "-no-reboot"),
            *("-serial", "stdio", "-kernel", str(kernel), "-initrd", str(packed)),
            *("-append", "console=ttyS0 panic=-1 loglevel=4 no_timer_check"),
        ]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=True
        )
    return done.stdout.decode(errors="replace").replace("\r", "")


def runs_of(text: str) -> list[Run]:
    """The devices in the order of their runs. Raises ValueError where one did not end."""
    found = []
    for part in re.findall(r"BEGIN before\n.*?\nDONE\n", text, re.DOTALL):
        areas = [vmalloc.parsed(one) for one in re.findall(r"BEGIN \w+\n(.*?)END\n", part, re.S)]
        seconds = [float(one) for one in re.findall(r"SECONDS (\S+)", part)]
        if (len(areas), len(seconds)) != (6, 4):
            raise ValueError(f"{len(areas)} looks and {len(seconds)} times in a run of a device")
        cases = {}
        for number, (static, logging) in enumerate([(s, g) for s in (1, 0) for g in (0, 1)]):
            before, after = areas[number // 2 * 3], areas[number // 2 * 3 + 1 + logging]
            key = bool(static), bool(logging)
            cases[key] = seconds[number], vmalloc.difference(after, before)
        found.append(Run(cases))
    return found


def cases_of(vm: Vm, device: DeviceMetadata, run: Run) -> list[Case]:
    """The cases with what is predicted."""
    whole: tuple[Span, ...] = ((0, device.fixed.region),)
    found = []
    for (static, logging), (seconds, seen) in run.cases.items():
        spans = whole if static else slot_spans(device.fixed, device.mapped)
        case = Case(device.name, len(spans), static, logging, (), (), seconds)
        found.append(compared(case, expected(vm, device.fixed.addr, spans, logging), seen))
    return found


def machine(folder: Path, text: str) -> Asked:
    """The kernel of the package, by its own configuration and what its modules said."""
    (config,) = folder.glob("boot/config-*")
    said = dict(re.findall(r"(TDP\w*) ([YN01])\b", text))
    kernel = host(folder, config.name.removeprefix("config-"), "x86_64", 4096).kernel
    on = {name: said[name] in {"Y", "1"} for name in ("TDP", "TDP_MMU")}
    vm = Vm(kernel, tdp=on["TDP"], tdp_mmu=on["TDP_MMU"])
    why = {name: "assumed" for name in ("shadow_root", "tracker", "smm", "private", "dirty_ring")}
    read = {"tdp": f"kvm_amd.npt={said['TDP']}", "tdp_mmu": f"kvm.tdp_mmu={said['TDP_MMU']}"}
    return Asked(vm, why | read | {"kernel": "named"})


def main(folder: Path) -> int:
    """Measure and keep; 1 where something is not as predicted, and nothing is kept then."""
    devices = [of_config(name, QEMU, *config) for name, config in CONFIGS.items()]
    text = booted(folder, devices)
    runs = runs_of(text)
    if len(runs) != len(devices):
        print(text[-4000:], file=sys.stderr)
        return 1
    asked = machine(folder, text)
    found, wrong = [], 0
    for device, run in zip(devices, runs, strict=True):
        cases = cases_of(asked.vm, device, run)
        for case in cases:
            print(device.name, case.static, case.logging, case.rows, case.differs)
            wrong += len(case.differs)
        about: dict[str, int | None] = {"region": device.fixed.region, "block": device.fixed.block}
        about |= {"addr": device.fixed.addr, "limit": device.limit, "plugged": device.plugged}
        found.append({"name": device.name, **about, "cases": [told(case) for case in cases]})
    if wrong:
        return 1
    where = f"in QEMU {qemu_version(find_qemu())} with -accel tcg -icount shift=2 -cpu EPYC"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kernel = kernel_document(asked)
    add({"kernel": kernel, "machine": where, "at": now, "devices": found})
    return 0


def told(case: Case) -> dict[str, Any]:
    """A case as `metadata --json` has it."""
    pages = {name: {"predicted": p, "measured": m} for name, p, m in case.rows}
    assert list(pages) == list(ROWS)
    return {
        "device": case.device,
        "memslots": case.memslots,
        "static": case.static,
        "logging": case.logging,
        "seconds": case.seconds,
        "pages": pages,
        "differs": list(case.differs),
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

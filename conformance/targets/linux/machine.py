"""The QEMU command line of a machine with a Linux guest and one virtio-mem device."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from conformance.targets.linux.initramfs import CMDLINE
from conformance.targets.qemu.machine import BOOT_RAM, DEVICE_ID, MIB
from conformance.traces.driven import Setup

RAM: Final = 4 * BOOT_RAM
"""Bytes of ordinary RAM: the initramfs holds the kernel a second time."""
ADDR: Final = 4 << 30
"""Where QEMU puts the first device memory of such a machine."""
MOST: Final = RAM
"""The largest region: under TCG, QEMU 10.0 asserts (tlb_reset_dirty_range_all) when a migration
finds dirty pages in a RAM block larger than the one that was made first."""
CONFIG_WRITES: Final = "memory_region_ops_write"
"""The trace event that tells of writes to device registers. It tells of all of them, so it is on
only while a driver runs."""
_EVENTS: Final = ("virtio_mem_*", "virtio_set_status", "handle_qmp_command")
_CLOCK: Final = "shift=2,sleep=off"
"""4 ns of guest time an instruction, and idle time passes at once: how long a driver is given does
not depend on how fast this machine is."""
_PROCESSOR: Final = "max,erms=off,fsrm=off"
"""TCG carries out `rep movsb` byte by byte: with these the kernel uses it for whole pages."""


def guest_args(kernel: Path, initramfs: Path, setup: Setup, place: Path) -> list[str]:
    """The arguments, with console, agent's socket and log as files in `place`."""
    args = [
        *("-object", f"memory-backend-ram,id=boot,size={RAM // MIB}M"),
        *("-machine", "q35,memory-backend=boot", "-accel", "tcg", "-cpu", _PROCESSOR),
        *("-icount", _CLOCK, "-display", "none", "-nodefaults", "-no-user-config"),
        # The firmware offers suspend to RAM.
        *("-global", "ICH9-LPC.disable_s3=0"),
        *("-m", f"{RAM // MIB}M,maxmem={(RAM + 4 * MOST) // MIB}M"),
        *("-kernel", str(kernel), "-initrd", str(initramfs), "-append", CMDLINE),
        *("-object", f"memory-backend-memfd,id=mem0,size={setup.region}B,share=on,reserve=off"),
        "-device",
        f"virtio-mem-pci,id={DEVICE_ID},memdev=mem0,requested-size=0,addr=04.0,"
        f"block-size={setup.block}B,memaddr={ADDR:#x},"
        f"unplugged-inaccessible={'on' if setup.inaccessible else 'off'}",
        *("-chardev", f"file,id=console,path={console(place)}", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=agent,path={agent(place)},server=on,wait=off"),
        *("-serial", "chardev:agent", "-msg", "timestamp=on", "-D", str(log(place))),
    ]
    return args + [word for event in _EVENTS for word in ("-trace", event)]


def console(place: Path) -> Path:
    """What the guest's kernel writes to its console."""
    return place / "console"


def agent(place: Path) -> Path:
    """The socket of the guest's second serial port."""
    return place / "agent"


def log(place: Path) -> Path:
    """What QEMU logs."""
    return place / "log"

"""The initramfs that boots a guest under test: busybox, the modules, and a shell that is told what
to do over a serial port.

Sources: the cpio format newc, Linux's Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.targets.linux.syscalls import kexec_program

_DIRECTORY, _PROGRAM, _FILE, _DEVICE, _LINK = 0o40755, 0o100755, 0o100644, 0o20600, 0o120777
UP: Final = "agent-up"
"""What the agent says first."""
DONE: Final = "agent-done"
"""What it says after each command, with how that ended."""
CMDLINE: Final = "console=ttyS0 loglevel=5 log_buf_len=1M panic=0 oops=panic"
DRIVER: Final = "virtio_mem"

_INIT: Final = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /tmp
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t tmpfs -o size=90% none /tmp
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
echo online_movable > /sys/devices/system/memory/auto_online_blocks
for module in $(cat /modules/order); do insmod /modules/$module.ko; done
exec sh /agent < /dev/ttyS1 > /dev/ttyS1 2>&1
"""
_AGENT: Final = f"""stty raw -echo < /dev/ttyS1
load() {{
  if [ -e /modules/{DRIVER}.ko ]; then insmod /modules/{DRIVER}.ko dyndbg=+p
  else modprobe {DRIVER} dyndbg=+p; fi
}}
used() {{
  size=$((0x$(cat /sys/devices/system/memory/block_size_bytes)))
  sum=0
  for block in /sys/devices/system/memory/memory*; do
    number=${{block##*/memory}}
    if [ $((number * size)) -ge $1 ] && grep -q online $block/state; then sum=$((sum + size)); fi
  done
  echo $sum
}}
tried() {{ dmesg | grep -c '{DRIVER}.*\\(offlining and removing\\|failed\\)'; }}
told() {{ dmesg | grep '{DRIVER}'; }}
echo {UP} $(uname -r)
while read line; do eval "$line"; echo "{DONE} $?"; done
"""


def archive(files: Mapping[str, tuple[int, bytes] | tuple[int, bytes, tuple[int, int]]]) -> bytes:
    """A cpio archive of files by name: each a mode, what it holds and maybe a device number."""
    out = bytearray()
    for number, (name, entry) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))], 1):
        mode, content = entry[:2]
        device = entry[2] if len(entry) > 2 else (0, 0)
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        out += bytes(-len(out) % 4) + content
        out += bytes(-len(out) % 4)
    return bytes(out)


def initramfs(busybox: bytes, modules: Mapping[str, bytes], kernel: bytes, base: bytes) -> bytes:
    """An initramfs whose guest has the kernel's image to start again, after a `base` of the user's
    own.

    `modules` in the order in which they are loaded; the driver is left to the agent.
    """
    order = " ".join(name for name in modules if name != DRIVER)
    files: dict[str, tuple[int, bytes] | tuple[int, bytes, tuple[int, int]]] = {
        "dev": (_DIRECTORY, b""),
        "dev/console": (_DEVICE, b"", (5, 1)),
        "bin": (_DIRECTORY, b""),
        "bin/busybox": (_PROGRAM, busybox),
        "bin/sh": (_LINK, b"busybox"),
        "modules": (_DIRECTORY, b""),
        "modules/order": (_FILE, order.encode()),
        "init": (_PROGRAM, _INIT.encode()),
        "agent": (_FILE, _AGENT.encode()),
    }
    files |= {f"modules/{name}.ko": (_FILE, content) for name, content in modules.items()}
    # What the started kernel gets cannot start another: it would have to hold itself.
    inner = _padded(base) + archive(files)
    again = {
        "again": (_DIRECTORY, b""),
        "again/kernel": (_FILE, kernel),
        "again/initramfs": (_FILE, inner),
        "bin/kexec": (_PROGRAM, kexec_program("/again/kernel", "/again/initramfs", CMDLINE)),
    }
    return _padded(base) + archive(files | again)


def _padded(base: bytes) -> bytes:
    return base + bytes(-len(base) % 4)

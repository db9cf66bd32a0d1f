"""The process that becomes a machine of libkrun's.

Arguments: the library, the guest's ELF, MiB of boot RAM, the serial line's input and output (file
descriptors), and the control socket to make. The library alone: say whether it is such a one.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, Final

_ELF: Final = 1
"""KRUN_KERNEL_FORMAT_ELF."""
_LIVE_RESIZE: Final = 2
CALLED: Final = (
    *("krun_set_log_level", "krun_create_ctx", "krun_set_vm_config", "krun_set_kernel"),
    *("krun_disable_implicit_init", "krun_add_serial_console_default", "krun_set_control_socket"),
    *("krun_set_live_resize", "krun_start_enter"),
)
"""What a library must have. It says no version of its own."""


def loaded(path: str) -> Any:
    """The library, its symbols bound when they are used: it has some that nothing defines."""
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    handle = dlopen(path.encode(), os.RTLD_LAZY)
    if not handle:
        sys.exit("cannot be loaded")
    library = ctypes.CDLL(path, handle=handle)
    if lacking := [name for name in CALLED if not hasattr(library, name)]:
        sys.exit(f"has no {lacking[0]}")
    return library


def main(path: str, elf: str, ram: str, given: str, taken: str, control: str) -> None:
    """Set the machine up and enter it, which does not return."""
    krun = loaded(path)

    def call(name: str, *arguments: Any) -> int:
        status: int = getattr(krun, name)(*arguments)
        if status < 0:
            sys.exit(f"{name}: {os.strerror(-status)}")
        return status

    call("krun_set_log_level", ctypes.c_uint32(1))
    context = ctypes.c_uint32(call("krun_create_ctx"))
    call("krun_set_vm_config", context, ctypes.c_uint8(1), ctypes.c_uint32(int(ram)))
    call("krun_set_kernel", context, elf.encode(), ctypes.c_uint32(_ELF), None, b"slotproof")
    call("krun_disable_implicit_init", context)
    call("krun_add_serial_console_default", context, int(given), int(taken))
    call("krun_set_control_socket", context, control.encode())
    call("krun_set_live_resize", context, ctypes.c_uint32(_LIVE_RESIZE))
    call("krun_start_enter", context)


if __name__ == "__main__":
    loaded(sys.argv[1]) if len(sys.argv) == 2 else main(*sys.argv[1:])

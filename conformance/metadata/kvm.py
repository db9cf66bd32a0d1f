"""A virtual machine of KVM without a processor: memslots made by ioctl, no memory touched."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

DEVICE: Final = Path("/dev/kvm")
CREATE_VM: Final = 0xAE01
SET_USER_MEMORY_REGION: Final = 0x4020AE46
LOG_DIRTY_PAGES: Final = 1
"""Source: include/uapi/linux/kvm.h."""
_REGION: Final = struct.Struct("=IIQQQ")
"""struct kvm_userspace_memory_region: slot, flags, guest address, size, address in this process."""
_PRIVATE: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_FAILED: Final = ctypes.c_void_p(-1).value


class KvmError(Exception):
    """KVM is missing or refuses what it is asked for; the message is one line."""


class KvmVm:
    """A virtual machine with `size` bytes of address space for its memslots, gone at exit."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._fd = -1
        self._space = 0

    def __enter__(self) -> Self:
        try:
            device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise KvmError(f"{DEVICE}: {(error.strerror or str(error)).lower()}") from None
        try:
            self._fd = fcntl.ioctl(device, CREATE_VM, 0)
        except OSError as error:
            raise KvmError(f"KVM makes no virtual machine: {error.strerror}") from None
        finally:
            os.close(device)
        try:
            self._space = _reserved(self._size)
        except BaseException:
            os.close(self._fd)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._fd)
        _libc().munmap(self._space, self._size)

    def set_memslot(self, number: int, addr: int, start: int, size: int, *, logging: bool) -> None:
        """Make a memslot at the guest address `addr`, of the part of the space from `start`; one
        that is there may only change whether it logs dirty pages; size 0 deletes it.

        Raises KvmError.
        """
        flags = LOG_DIRTY_PAGES if logging else 0
        region = _REGION.pack(number, flags, addr, size, self._space + start)
        try:
            fcntl.ioctl(self._fd, SET_USER_MEMORY_REGION, region)
        except OSError as error:
            raise KvmError(
                f"KVM refuses memslot {number} of {size} bytes at {addr:#x}: {error.strerror}"
            ) from None


def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int),
        ctypes.c_long,
    ]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return libc


def _reserved(size: int) -> int:
    """Addresses that nothing lies behind: nobody can touch memory there."""
    no_access = 0
    space = _libc().mmap(None, size, no_access, _PRIVATE, -1, 0)
    if space == _FAILED or space is None:
        reason = os.strerror(ctypes.get_errno())
        raise KvmError(f"no {size} bytes of address space for the memslots: {reason}")
    return int(space)

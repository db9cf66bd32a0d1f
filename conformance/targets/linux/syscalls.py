"""A program for x86-64 Linux that loads a kernel and starts it: kexec without a C library.

Sources: the ELF-64 object file format; the x86-64 calling convention of system calls; the numbers
of open, exit, reboot and kexec_file_load in Linux's arch/x86/entry/syscalls/syscall_64.tbl.
"""

from __future__ import annotations

import struct
from typing import Final

_BASE: Final = 0x400000
_ELF_HEADER, _PROGRAM_HEADER = 64, 56
_OPEN, _EXIT, _REBOOT, _KEXEC_FILE_LOAD = 2, 60, 169, 320
_MAGIC: Final = (0xFEE1DEAD, 672274793, 0x45584543)
"""LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC."""
_SYSCALL: Final = b"\x0f\x05"
_EAX, _EDI, _ESI, _EDX, _R10, _R8 = b"\xb8", b"\xbf", b"\xbe", b"\xba", b"\x41\xba", b"\x41\xb8"
"""`mov` of a 32-bit number into each register."""
_KEEP_RESULT: Final = b"\x49\x89\xc4"
"""mov r12, rax"""
_RESULT_IS_SECOND: Final = b"\x89\xc6"
"""mov esi, eax"""
_KEPT_IS_FIRST: Final = b"\x4c\x89\xe7"
"""mov rdi, r12"""
_SKIP_UNLESS_ZERO: Final = b"\x85\xc0\x75"
"""test eax, eax; jnz by the byte that follows"""
_ERROR_IS_FIRST: Final = b"\xf7\xd8\x89\xc7"
"""neg eax; mov edi, eax"""


def kexec_program(kernel: str, initrd: str, cmdline: str) -> bytes:
    """An ELF file that starts the kernel of these two files with that command line; it ends with
    an errno where that cannot be."""
    strings = b"".join(text.encode() + b"\0" for text in (kernel, initrd, cmdline))
    starts = (0, len(kernel) + 1, len(kernel) + len(initrd) + 2)

    def code(at: int) -> bytes:
        """The code, where the strings are at that address."""
        paths = [_number(_EDI, at + start) for start in starts[:2]]
        opened = [path + _number(_ESI, 0) + _number(_EAX, _OPEN) + _SYSCALL for path in paths]
        load = (
            _number(_EDX, len(cmdline) + 1)
            + _number(_R10, at + starts[2])
            + _number(_R8, 0)
            + _number(_EAX, _KEXEC_FILE_LOAD)
            + _SYSCALL
        )
        registers = zip((_EDI, _ESI, _EDX), _MAGIC, strict=True)
        start = b"".join(_number(register, value) for register, value in registers)
        start += _number(_EAX, _REBOOT) + _SYSCALL
        return (
            opened[0]
            + _KEEP_RESULT
            + opened[1]
            + _RESULT_IS_SECOND
            + _KEPT_IS_FIRST
            + load
            + _SKIP_UNLESS_ZERO
            + bytes([len(start)])
            + start
            + _ERROR_IS_FIRST
            + _number(_EAX, _EXIT)
            + _SYSCALL
        )

    head = _ELF_HEADER + _PROGRAM_HEADER
    text = code(_BASE + head + len(code(0))) + strings
    size = head + len(text)
    return _elf_header(_BASE + head) + _program_header(size) + text


def _number(register: bytes, value: int) -> bytes:
    return register + struct.pack("<I", value)


def _elf_header(entry: int) -> bytes:
    """Of an executable for x86-64 with one program header and no sections."""
    ident = b"\x7fELF" + bytes([2, 1, 1]).ljust(12, b"\0")
    fields = (2, 62, 1, entry, _ELF_HEADER, 0, 0, _ELF_HEADER, _PROGRAM_HEADER, 1, 0, 0, 0)
    return ident + struct.pack("<HHIQQQIHHHHHH", *fields)


def _program_header(size: int) -> bytes:
    """The whole file, to be read and executed."""
    return struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)

"""Accesses to ports, registers and memory of a machine, and what carries them out.

An access is data, so that any number of them can go out at once. Addresses are guest-physical,
widths and sizes are bytes, values little endian.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class DriverError(Exception):
    """The device, the machine or the way to it does not do what a driver can rely on.

    `log` is whatever the machine left to look at.
    """

    log: str = ""


class DriverLate(DriverError):
    """The machine runs on and did not answer in time."""


class Kind(Enum):
    """What an access does; the first four are as wide as they say, the rest of any length."""

    IN = "in"
    OUT = "out"
    LOAD = "load"
    STORE = "store"
    READ = "read"
    WRITE = "write"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Access:
    """One access; of `value` and `data` each kind has the one that it needs."""

    kind: Kind
    address: int
    width: int
    value: int = 0
    data: bytes = b""


def port_in(port: int, width: int) -> Access:
    """Read `width` (1, 2, 4) bytes from an I/O port."""
    return Access(Kind.IN, port, width)


def port_out(port: int, value: int, width: int) -> Access:
    """Write `value` as `width` (1, 2, 4) bytes to an I/O port."""
    return Access(Kind.OUT, port, width, value)


def load(address: int, width: int) -> Access:
    """Read `width` (1, 2, 4, 8) bytes in one access."""
    return Access(Kind.LOAD, address, width)


def store(address: int, value: int, width: int) -> Access:
    """Write `value` as `width` (1, 2, 4, 8) bytes in one access."""
    return Access(Kind.STORE, address, width, value)


def read_bytes(address: int, size: int) -> Access:
    """Read `size` >= 1 bytes of memory."""
    return Access(Kind.READ, address, size)


def write_bytes(address: int, data: bytes) -> Access:
    """Write `data`, at least one byte, to memory."""
    return Access(Kind.WRITE, address, len(data), data=data)


def wait_change(address: int, value: int, width: int) -> Access:
    """Read like `load`, but give the memory some time to hold another number than `value`."""
    return Access(Kind.WAIT, address, width, value)


def as_int(answer: bytes) -> int:
    """The answer to `port_in`, `load` and `wait_change`."""
    return int.from_bytes(answer, "little")


class Bus(Protocol):
    """Carries accesses out, one after the other."""

    def exchange(self, *accesses: Access) -> list[bytes]:
        """What each access read, nothing for a write. Raises DriverError."""

    def number(self, access: Access) -> int:
        """The number that one access read. Raises DriverError."""

    def late(self, what: str) -> DriverError:
        """The error for a machine that runs on (or has just ended) and did not do `what`."""

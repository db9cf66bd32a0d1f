"""QEMU's qtest protocol: port and memory accesses as lines of text over a socket.

Commands are text made by the functions here, so that any number of them can go out in one
`QtestSocket.exchange`. Source: the protocol description in QEMU's `system/qtest.c`.
"""

import time

from conformance.targets.qemu.process import QemuProcess

_SUFFIX = {1: "b", 2: "w", 4: "l", 8: "q"}


def port_in(port: int, width: int) -> str:
    """Read `width` (1, 2, 4) bytes from an I/O port; answers a number."""
    return f"in{_SUFFIX[width]} {port:#x}\n"


def port_out(port: int, value: int, width: int) -> str:
    """Write `value` as `width` (1, 2, 4) bytes to an I/O port."""
    return f"out{_SUFFIX[width]} {port:#x} {value:#x}\n"


def load(address: int, width: int) -> str:
    """Read `width` (1, 2, 4, 8) bytes at a guest-physical address; answers a number."""
    return f"read{_SUFFIX[width]} {address:#x}\n"


def store(address: int, value: int, width: int) -> str:
    """Write `value` as `width` (1, 2, 4, 8) bytes at a guest-physical address."""
    return f"write{_SUFFIX[width]} {address:#x} {value:#x}\n"


def read_bytes(address: int, size: int) -> str:
    """Read `size` >= 1 bytes at a guest-physical address; answers hex digits (see `as_bytes`)."""
    return f"read {address:#x} {size:#x}\n"


def write_bytes(address: int, data: bytes) -> str:
    """Write `data`, at least one byte, at a guest-physical address."""
    return f"write {address:#x} {len(data):#x} 0x{data.hex()}\n"


def as_int(answer: str) -> int:
    """The answer to `port_in` or `load`."""
    return int(answer, 16)


def as_bytes(answer: str) -> bytes:
    """The answer to `read_bytes`."""
    return bytes.fromhex(answer.removeprefix("0x"))


class QtestSocket:
    """The qtest connection of a running QEMU; `timeout` is seconds for one exchange."""

    def __init__(self, process: QemuProcess, timeout: float = 10.0) -> None:
        self.process = process
        self._socket = process.qtest_channel
        self._timeout = timeout
        self._pending = b""

    def exchange(self, *commands: str) -> list[str]:
        """Send `commands` in one go and return each one's answer, "" for a mere OK.

        Both directions are buffered by the socket only: keep the answers of one exchange below
        64 KiB. Raises `QemuError` when QEMU is gone, silent, or refuses a command; after the
        first two the connection is closed, as a late answer could be taken for another's.
        """
        if self._socket.fileno() < 0:
            raise self.process.error("qtest connection was closed at an earlier failure")
        deadline = time.monotonic() + self._timeout
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall("".join(commands).encode())
            answers = self._receive(len(commands), deadline)
        except TimeoutError as error:
            self._socket.close()
            raise self.process.error(
                f"qtest {commands[0].strip()!r} had no answer within {self._timeout:g} s",
                late=True,
            ) from error
        except OSError as error:
            self._socket.close()
            raise self.process.error("qtest connection lost", lost=True) from error
        return [self._value(*pair) for pair in zip(commands, answers, strict=True)]

    def number(self, command: str) -> int:
        """Exchange one `port_in` or `load`."""
        return as_int(self.exchange(command)[0])

    def _receive(self, count: int, deadline: float) -> list[str]:
        answers: list[str] = []
        while len(answers) < count:
            *lines, self._pending = (self._pending + self._more(deadline)).split(b"\n")
            answers += [line.decode() for line in lines]
        return answers

    def _more(self, deadline: float) -> bytes:
        self._socket.settimeout(max(deadline - time.monotonic(), 1e-3))
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError
        return data

    def _value(self, command: str, answer: str) -> str:
        status, _, value = answer.partition(" ")
        if status != "OK":
            raise self.process.error(f"qtest {command.strip()!r} was answered {answer!r}")
        return value

"""QEMU's qtest protocol: port and memory accesses as lines of text over a socket.

Source: the protocol description in QEMU's `system/qtest.c`.
"""

from conformance.targets.driver.bus import Access, Kind, as_int
from conformance.targets.driver.device import VirtioMem
from conformance.targets.driver.pci import PciTransport
from conformance.targets.qemu.machine import PORT
from conformance.targets.qemu.process import QemuError, QemuProcess
from conformance.targets.working import Deadline

_SUFFIX = {1: "b", 2: "w", 4: "l", 8: "q"}


def command(access: Access) -> str:
    """The line that carries out an access."""
    at = access.address
    match access.kind:
        case Kind.READ:
            return f"read {at:#x} {access.width:#x}\n"
        case Kind.WRITE:
            return f"write {at:#x} {access.width:#x} 0x{access.data.hex()}\n"
        case Kind.LOAD | Kind.WAIT:
            return f"read{_SUFFIX[access.width]} {at:#x}\n"
        case Kind.STORE:
            return f"write{_SUFFIX[access.width]} {at:#x} {access.value:#x}\n"
        case Kind.IN:
            return f"in{_SUFFIX[access.width]} {at:#x}\n"
        case Kind.OUT:
            return f"out{_SUFFIX[access.width]} {at:#x} {access.value:#x}\n"


def answered(access: Access, answer: str) -> bytes:
    """What an access read, from its answer."""
    match access.kind:
        case Kind.READ:
            return bytes.fromhex(answer.removeprefix("0x"))
        case Kind.LOAD | Kind.WAIT | Kind.IN:
            return int(answer, 16).to_bytes(access.width, "little")
        case _:
            return b""


class QtestSocket:
    """The qtest connection of a running QEMU; `timeout` is seconds for one exchange."""

    def __init__(self, process: QemuProcess, timeout: float = 10.0) -> None:
        self.process = process
        self._socket = process.qtest_channel
        self._timeout = timeout
        self._pending = b""

    def exchange(self, *accesses: Access) -> list[bytes]:
        """Carry accesses out, as `ask` does."""
        answers = self.ask(*map(command, accesses))
        return [answered(*pair) for pair in zip(accesses, answers, strict=True)]

    def number(self, access: Access) -> int:
        """The number that one access read."""
        return as_int(self.exchange(access)[0])

    def late(self, what: str) -> QemuError:
        """The error for a QEMU that runs on (or has just ended) and did not do `what`."""
        return self.process.error(what, late=True)

    def ask(self, *commands: str) -> list[str]:
        """Send `commands` in one go and return each one's answer, "" for a mere OK.

        Both directions are buffered by the socket only: keep the answers of one exchange below
        64 KiB. Raises `QemuError` when QEMU is gone, silent, or refuses a command; after the
        first two the connection is closed, as a late answer could be taken for another's.
        """
        if self._socket.fileno() < 0:
            raise self.process.error("qtest connection was closed at an earlier failure")
        deadline = Deadline(self.process.pid, self._timeout)
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

    def _receive(self, count: int, deadline: Deadline) -> list[str]:
        answers: list[str] = []
        while len(answers) < count:
            *lines, self._pending = (self._pending + self._more(deadline)).split(b"\n")
            answers += [line.decode() for line in lines]
        return answers

    def _more(self, deadline: Deadline) -> bytes:
        while True:
            # Nothing at all to wait would mean not to wait for what is on its way.
            self._socket.settimeout(max(deadline.left(), 1e-3))
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                if deadline.passed():
                    raise
                continue
            if not data:
                raise ConnectionResetError
            return data

    def _value(self, command: str, answer: str) -> str:
        status, _, value = answer.partition(" ")
        if status != "OK":
            raise self.process.error(f"qtest {command.strip()!r} was answered {answer!r}")
        return value


def qtest_driver(qtest: QtestSocket, timeout: float = 5.0) -> VirtioMem:
    """A driver for the virtio-mem of `machine.machine_args` whose processors stand still."""
    return VirtioMem(qtest, PciTransport(PORT), timeout=timeout)

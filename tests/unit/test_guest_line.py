"""The guest's serial line, with the guest played by a thread; and how the guest is built."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from conformance.guest import build
from conformance.guest.build import GuestError, compilers, guest_elf
from conformance.targets.driver.bus import DriverError, load, read_bytes, store, write_bytes
from conformance.targets.driver.mmio import addresses
from conformance.targets.vmm.line import Line

HELLO = b"\xff\x01virtio_mmio.device=4K@0xd0000000:5"


def message(data: bytes) -> bytes:
    return b"\xa5\x5a" + struct.pack("<H", len(data)) + data + bytes([sum(data) & 0xFF])


class Guest(threading.Thread):
    """Plays a guest: says hello when asked, and answers requests with what it is given."""

    def __init__(self, end: socket.socket, answer: Callable[[bytes], bytes]) -> None:
        super().__init__(daemon=True)
        self.end, self.answer = end, answer
        self.asked: list[bytes] = []
        self.start()

    def more(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            if not (got := self.end.recv(count - len(data))):
                raise EOFError
            data += got
        return data

    def run(self) -> None:
        with suppress(EOFError, OSError):
            self.serve()

    def serve(self) -> None:
        while True:
            if self.more(1) == b"\xff":
                self.end.sendall(b"a log line of the VMM's\n" + message(HELLO))
                continue
            commands = self.more(struct.unpack("<H", self.more(2))[0])
            self.asked.append(commands)
            self.end.sendall(self.answer(commands))


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    theirs.shutdown(socket.SHUT_RDWR)
    theirs.close()
    ours.close()


def line(end: socket.socket, timeout: float = 20.0, fate: str | None = None) -> Line:
    return Line(end.fileno(), end.fileno(), lambda: fate, timeout)


def test_hello_tells_the_entry_and_the_command_line(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    Guest(ends[1], lambda commands: message(bytes(3)))
    hello = line(ends[0]).hello(10.0)
    assert hello.entry == "PVH" and addresses(hello.command_line) == (0xD000_0000,)


def test_accesses_become_few_commands_and_answers_are_told_apart(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    results = bytes([0, 5, 0]) + struct.pack("<IIH", 1, 2, 3) + b"abc"
    guest = Guest(ends[1], lambda commands: message(results if commands else bytes(3)))
    answers = line(ends[0]).exchange(
        load(0x1000, 4),
        load(0x1004, 4),
        load(0x2000, 2),
        read_bytes(0x3000, 3),
        store(0x4000, 0x55, 1),
        write_bytes(0x5000, bytes(300)),
    )
    assert answers == [b"\1\0\0\0", b"\2\0\0\0", b"\3\0", b"abc", b"", b""]
    (asked,) = guest.asked
    assert asked.startswith(struct.pack("<BBQB", 2, 4, 0x1000, 2))
    # Bytes that are all the same are no 300 bytes on the line.
    assert asked.endswith(struct.pack("<BBQHB", 6, 0, 0x5000, 300, 0)) and len(asked) < 80


def test_an_exception_in_the_guest_names_the_access(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    Guest(ends[1], lambda commands: message(struct.pack("<BH", 14, 1)))
    with pytest.raises(DriverError, match="exception 13 in the guest at store 0x8000"):
        line(ends[0]).exchange(load(0, 1), store(0x8000, 1, 1))


def test_a_damaged_message_is_none(ends: tuple[socket.socket, socket.socket]) -> None:
    damaged = message(b"\0\1\0\x07")[:-1] + b"\xee"
    Guest(ends[1], lambda commands: damaged + message(b"\0\1\0\x2a"))
    assert line(ends[0]).number(load(0, 1)) == 42


@pytest.mark.parametrize("fate", [None, "the VMM ended with status 3"])
def test_a_guest_that_says_nothing_is_late_or_gone(
    ends: tuple[socket.socket, socket.socket], fate: str | None
) -> None:
    Guest(ends[1], lambda commands: b"")
    with pytest.raises(DriverError, match=fate or "did not answer within 0.1 s"):
        line(ends[0], 0.1, fate).exchange(load(0, 1))


def test_a_line_that_ends(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[1].shutdown(socket.SHUT_RDWR)
    with pytest.raises(DriverError, match="the serial line is gone; the VMM ended"):
        line(ends[0], fate="the VMM ended").exchange(load(0, 1))


def test_a_guest_that_starts_by_itself_is_told(ends: tuple[socket.socket, socket.socket]) -> None:
    Guest(ends[1], lambda commands: message(HELLO))
    with pytest.raises(DriverError, match="started again by itself"):
        line(ends[0]).exchange(load(0, 1))


# Building


@pytest.mark.parametrize("compiler", compilers(), ids=lambda words: Path(words[0]).name)
def test_equal_sources_give_equal_bytes(compiler: tuple[str, ...], tmp_path: Path) -> None:
    one, other = (guest_elf(compiler, tmp_path / name) for name in ("a", "b"))
    elf = one.read_bytes()
    assert elf == other.read_bytes() and one.name == other.name
    # An ELF of 64 bits with the note of the PVH entry.
    assert elf[:5] == b"\x7fELF\x02" and struct.pack("<III4s", 4, 4, 18, b"Xen\0") in elf
    assert list((tmp_path / "a").iterdir()) == [one]


def test_what_the_cache_has_is_not_built_again(tmp_path: Path) -> None:
    compiler = compilers()[0]
    made = guest_elf(compiler, tmp_path).stat()
    again = guest_elf(compiler, tmp_path).stat()
    assert (made.st_ino, made.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)


def test_without_a_compiler_the_way_to_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "compilers", lambda: [])
    with pytest.raises(GuestError, match=r"pip install 'slotproof\[guest\]'"):
        guest_elf()


def test_a_compiler_that_fails_is_told_in_a_line(tmp_path: Path) -> None:
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\n[ $1 = --version ] || { echo 'error: no' >&2; exit 1; }\n")
    broken.chmod(0o755)
    with pytest.raises(GuestError, match="cannot build the guest: error: no"):
        guest_elf((str(broken),), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []

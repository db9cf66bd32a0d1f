"""The serial line of a machine in which the bare guest runs, as a bus.

Format of what goes over it: conformance/guest/guest.c.
"""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from conformance.targets.driver.bus import Access, DriverError, DriverLate, Kind, as_int

_MARK: Final = b"\xa5\x5a"
_START: Final = 0x01
_HELLO: Final = 0xFF
_END_SECONDS: Final = 2.0
"""What a VMM may take to end once its serial line is gone."""
_POLL: Final = 0.01
_PATIENCE: Final = 0.5
"""Seconds until a guest that is silent is spoken to again."""
_ROOM: Final = 8000
"""Bytes of commands, or of results, in one message."""
_TURNS: Final = 20000
"""How often the guest looks for a change before it tells what is there."""
_CHUNK: Final = 1 << 16
_ENTRIES: Final = {1: "PVH", 2: "64-bit"}
_CODES: Final = {
    Kind.IN: 0,
    Kind.OUT: 1,
    Kind.LOAD: 2,
    Kind.STORE: 3,
    Kind.READ: 4,
    Kind.WRITE: 5,
    Kind.WAIT: 7,
}
_FILL: Final = 6
_LONG_FILL: Final = 16
"""Bytes that are worth a command of their own when all are the same."""

Fate = Callable[[], str | None]
"""How the machine ended, in words; None while it runs."""


class _Silent(Exception):
    """No whole message came in time."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What the guest says when it starts: the entry that it came by, and its command line."""

    entry: str
    command_line: str


class Line:
    """Messages to and from the guest over two file descriptors, which may be one."""

    def __init__(self, reading: int, writing: int, fate: Fate, timeout: float = 60.0) -> None:
        """`timeout`: seconds for one exchange. The descriptors stay the caller's to close."""
        self._reading, self._writing = reading, writing
        self._fate = fate
        self._timeout = timeout
        self._pending = b""
        self._broken = False

    def hello(self, timeout: float) -> Hello:
        """Wait for the guest to start, within `timeout` seconds. Raises DriverError."""
        self._broken = False
        deadline = time.monotonic() + timeout
        what = f"the guest did not start within {timeout:g} s"
        message = b""
        while not message.startswith(bytes([_HELLO])):
            # What it said may be lost, or what it is asked, so long as nobody listens.
            self._send(bytes([_HELLO]), deadline)
            with suppress(_Silent):
                message = self._message(min(time.monotonic() + _PATIENCE, deadline))
            if time.monotonic() > deadline:
                self._broken = True
                raise self.late(what)
        self._send(_request(b""), deadline)
        try:
            while self._message(deadline).startswith(bytes([_HELLO])):
                pass
        except _Silent as error:
            self._broken = True
            raise self.late(what) from error
        return Hello(_ENTRIES.get(message[1], "?"), message[2:].decode(errors="replace"))

    def exchange(self, *accesses: Access) -> list[bytes]:
        """Carry accesses out. Raises DriverError, for an exception in the guest as well."""
        answers: list[bytes] = []
        for group in _grouped(accesses):
            answers += self._exchanged(group)
        return answers

    def post(self, access: Access) -> None:
        """Have an access made after which the guest may be unable to answer. Raises DriverError."""
        self._send(_request(_command(access)), time.monotonic() + self._timeout)

    def number(self, access: Access) -> int:
        """The number that one access read."""
        return as_int(self.exchange(access)[0])

    def late(self, what: str) -> DriverError:
        """The error for a machine that runs on (or has just ended) and did not do `what`."""
        ended = self._fate()
        return DriverLate(what) if ended is None else DriverError(f"{what}; {ended}")

    def forget(self) -> None:
        """Nothing from before is to be taken for an answer: the machine starts anew."""
        self._pending = b""

    def _exchanged(self, group: Sequence[Access]) -> list[bytes]:
        if self._broken:
            raise self.late("the guest did not answer earlier")
        spoken = _merged(group)
        commands = b"".join(command for command, _ in spoken)
        deadline = time.monotonic() + self._timeout
        self._send(_request(commands), deadline)
        try:
            answer = self._message(deadline)
        except _Silent as error:
            self._broken = True
            raise self.late(f"the guest did not answer within {self._timeout:g} s") from error
        if answer[:1] == bytes([_HELLO]):
            self._broken = True
            raise DriverError("the guest started again by itself")
        vector, done = struct.unpack_from("<BH", answer)
        if vector:
            _, access = spoken[min(done, len(spoken) - 1)]
            raise DriverError(
                f"exception {vector - 1} in the guest at {access.kind.value} {access.address:#x}"
            )
        return _split(group, answer[3:])

    def _send(self, data: bytes, deadline: float) -> None:
        while data:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [self._writing], [], left)[1]:
                self._broken = True
                raise self.late("the machine does not read its serial line")
            try:
                data = data[os.write(self._writing, data) :]
            except OSError as error:
                raise self._lost() from error

    def _message(self, deadline: float) -> bytes:
        """The next message; anything that is none, such as a log on the same line, is skipped."""
        while True:
            start = self._pending.find(_MARK)
            if start >= 0 and len(self._pending) >= start + 5:
                size = struct.unpack_from("<H", self._pending, start + 2)[0]
                end = start + 4 + size
                if len(self._pending) > end:
                    message = self._pending[start + 4 : end]
                    if sum(message) & 0xFF == self._pending[end]:
                        self._pending = self._pending[end + 1 :]
                        return message
                    self._pending = self._pending[start + 1 :]
                    continue
            self._pending += self._more(deadline)

    def _more(self, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._reading], [], [], left)[0]:
            raise _Silent
        try:
            data = os.read(self._reading, _CHUNK)
        except OSError as error:
            raise self._lost() from error
        if not data:
            raise self._lost()
        return data

    def _lost(self) -> DriverError:
        self._broken = True
        deadline = time.monotonic() + _END_SECONDS
        while (fate := self._fate()) is None and time.monotonic() < deadline:
            time.sleep(_POLL)
        return DriverError(f"the serial line is gone; {fate or 'the machine still runs'}")


def _request(commands: bytes) -> bytes:
    return struct.pack("<BH", _START, len(commands)) + commands


def _grouped(accesses: Sequence[Access]) -> list[list[Access]]:
    """The accesses in messages that neither side finds too long."""
    groups: list[list[Access]] = [[]]
    there = back = 0
    for access in accesses:
        size, result = len(_command(access)), _result(access)
        if max(there + size, back + result) > _ROOM:
            groups.append([])
            there = back = 0
        groups[-1].append(access)
        there, back = there + size, back + result
    return groups if accesses else []


def _merged(group: Sequence[Access]) -> list[tuple[bytes, Access]]:
    """The commands for the accesses, each with the first one it carries out.

    Loads of neighbours take one command together: a byte on the line is dear.
    """
    spoken: list[tuple[bytes, Access]] = []
    expected = None
    for access in group:
        here = (access.kind, access.address, access.width)
        if here == expected and spoken[-1][0][-1] < 255:
            command, first = spoken[-1]
            spoken[-1] = command[:-1] + bytes([command[-1] + 1]), first
        else:
            spoken.append((_command(access), access))
        loads = access.kind is Kind.LOAD
        expected = (access.kind, access.address + access.width, access.width) if loads else None
    return spoken


def _command(access: Access) -> bytes:
    kind, at, width = access.kind, access.address, access.width
    if kind in (Kind.IN, Kind.OUT):
        value = access.value.to_bytes(width, "little") if kind is Kind.OUT else b""
        return struct.pack("<BBH", _CODES[kind], width, at) + value
    if kind is Kind.WRITE and width > _LONG_FILL and not access.data.strip(access.data[:1]):
        return struct.pack("<BBQHB", _FILL, 0, at, width, access.data[0])
    wide = width if kind in (Kind.LOAD, Kind.STORE, Kind.WAIT) else 0
    head = struct.pack("<BBQ", _CODES[kind], wide, at)
    if kind is Kind.LOAD:
        return head + b"\x01"
    if kind is Kind.READ:
        return head + struct.pack("<H", width)
    if kind is Kind.WRITE:
        return head + struct.pack("<H", width) + access.data
    value = access.value.to_bytes(width, "little")
    return head + value + (struct.pack("<I", _TURNS) if kind is Kind.WAIT else b"")


def _result(access: Access) -> int:
    """Bytes that an access reads."""
    return 0 if access.kind in (Kind.OUT, Kind.STORE, Kind.WRITE) else access.width


def _split(group: Sequence[Access], results: bytes) -> list[bytes]:
    sizes = list(map(_result, group))
    if sum(sizes) != len(results):
        raise DriverError(f"the guest answered {len(results)} bytes, not {sum(sizes)}")
    answers = []
    for size in sizes:
        answers.append(results[:size])
        results = results[size:]
    return answers

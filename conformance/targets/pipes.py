"""Lines to and from a program, with deadlines and a limit on their length."""

from __future__ import annotations

import os
import selectors
import subprocess
from contextlib import suppress
from typing import Final

from conformance.targets.working import Deadline

LINE_LIMIT: Final = 1 << 20
"""Bytes of one answer at most."""
ERROR_LIMIT: Final = 1 << 16
"""Bytes kept of what the program wrote to standard error, the last ones."""
PANIC: Final = "panicked at"
"""How Rust says that a program ends; the reason is the line after, and hints come last."""
CHUNK: Final = 1 << 16


class Closed(Exception):
    """The program closed its standard output."""


class Late(Exception):
    """No whole line came in time."""


class TooLong(Exception):
    """A line exceeds LINE_LIMIT."""


class Pipes:
    """The standard streams of a process. Reading one never lets another fill up."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._session = process.pid
        self._streams = (process.stdin, process.stdout, process.stderr)
        self._input, self._output, self._errors = (s.fileno() for s in self._streams)
        for stream in (self._output, self._errors):
            os.set_blocking(stream, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._selector.register(self._errors, selectors.EVENT_READ)
        self._pending = bytearray()
        self._error_tail = b""

    def write(self, data: bytes) -> None:
        """Write everything; a message is shorter than a pipe is deep. Raises OSError."""
        os.write(self._input, data)

    def line(self, seconds: float) -> bytes:
        """The next line. Raises Closed, Late after `seconds`, or TooLong.

        A program that is at work then, for want of a free processor or because the answer is much
        work, gets as many seconds of processor time again.
        """
        deadline = Deadline(self._session, seconds)
        searched = 0
        while (end := self._pending.find(b"\n", searched)) < 0:
            if len(self._pending) > LINE_LIMIT:
                raise TooLong
            searched = len(self._pending)
            self._wait(deadline)
        if end > LINE_LIMIT:
            raise TooLong
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return line

    def unasked(self, seconds: float = 0) -> bytes:
        """What the program wrote beyond the lines that were read, waited for up to `seconds`.

        Raises Closed.
        """
        self._read(self._selector.select(0 if self._pending else seconds))
        return bytes(self._pending)

    def surplus(self, seconds: float = 0) -> bytes:
        """What came along with the line that was read last, or comes within `seconds`."""
        with suppress(Closed):
            if seconds and not self._pending:
                self._read(self._selector.select(seconds))
        return bytes(self._pending)

    def errors(self) -> str:
        """What came on standard error, the end of it."""
        self._read_errors()
        return self._error_tail.decode(errors="backslashreplace")

    def last_error(self) -> str:
        """The last line on standard error, or where a panic is told of that line and its reason;
        empty if there is none."""
        lines = [" ".join(line.split()) for line in self.errors().split("\n") if line.strip()]
        for number, line in enumerate(lines):
            if PANIC in line:
                return " ".join(lines[number : number + 2])
        return lines[-1] if lines else ""

    def close(self) -> None:
        """Close the pipes."""
        self._selector.close()
        for stream in self._streams:
            with suppress(OSError):
                stream.close()

    def _wait(self, deadline: Deadline) -> None:
        """Read what there is on the streams, waiting for some up to the deadline."""
        ready = self._selector.select(deadline.left())
        # A program that keeps talking without ever ending a line is late as well.
        if deadline.passed():
            raise Late
        self._read(ready)

    def _read(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, _ in ready:
            if key.fd == self._errors:
                self._read_errors()
            elif data := os.read(self._output, CHUNK):
                self._pending += data
            else:
                raise Closed

    def _read_errors(self) -> None:
        while True:
            try:
                data = os.read(self._errors, CHUNK)
            except OSError:
                return
            if not data:
                # At its end a stream is always ready, which would spin the wait.
                if self._errors in self._selector.get_map():
                    self._selector.unregister(self._errors)
                return
            self._error_tail = (self._error_tail + data)[-ERROR_LIMIT:]

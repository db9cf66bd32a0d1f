"""A command that is killed, and what it had started."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

SECONDS: Final = 60
"""Until a process that must say something, or end, counts as one that never does."""


def ready(file: int, seconds: float) -> bool:
    """Whether there is something to read in that time."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def ended(pid: int, seconds: float = SECONDS) -> bool:
    """Whether a process ends in that time, or has already."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return ready(watched, seconds)
    finally:
        os.close(watched)


class Told:
    """A place where processes say their ids; they are ended with it."""

    def __init__(self, place: Path) -> None:
        os.mkfifo(place)
        self.place = str(place)
        # Open for both, so that it is not at its end while nobody writes.
        self._file = os.open(place, os.O_RDWR)
        self._said = b""
        self._pids: list[int] = []

    def says(self, pid: str = "__import__('os').getpid()") -> str:
        """Python, a line, that says the id that an expression gives."""
        return f"open({self.place!r}, 'w').write(str({pid}) + chr(10))"

    def pid(self) -> int:
        """The id that is said next."""
        while b"\n" not in self._said:
            assert ready(self._file, SECONDS)
            self._said += os.read(self._file, 100)
        line, _, self._said = self._said.partition(b"\n")
        self._pids.append(int(line))
        return self._pids[-1]

    def close(self) -> None:
        os.close(self._file)
        for pid in self._pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def killed(words: Sequence[str], told: Told, count: int = 1) -> list[int]:
    """Start a command, kill it once others have said their ids, and give those."""
    command = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with command:
        try:
            pids = [told.pid() for _ in range(count)]
            assert not any(ended(pid, 0) for pid in pids)
        finally:
            command.kill()
    return pids

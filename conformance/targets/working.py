"""Is a program at work, or does it wait? A busy machine makes nobody hung.

Source: proc(5), /proc/PID/stat and /proc/PID/task/TID/stat: the state is field 3, the parent 4,
the session 6, user and system time in clock ticks 14 and 15.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
AT_WORK: Final = frozenset("RD")
"""The states of a thread that runs or would run, or is in a call that nothing interrupts."""
LOOK: Final = 0.05
"""Seconds between two looks at a program that is late and at work."""


def _fields(stat: Path) -> list[str]:
    """The fields from the third on; the name before may hold blanks and brackets. None are of a
    process that is gone."""
    try:
        return stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def spent(pid: int) -> float:
    """Processor time in seconds that a process had so far; 0 of one that is gone."""
    fields = _fields(PROC / str(pid) / "stat")
    return _ticks(fields) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _ticks(fields: list[str]) -> int:
    """Clock ticks of a process, in the system and outside it."""
    return int(fields[11]) + int(fields[12])


def _of_session(session: int) -> Iterator[tuple[bool, int]]:
    """Of each process of a session whether a thread is at work, and its clock ticks."""
    for place in PROC.glob("[0-9]*"):
        fields = _fields(place / "stat")
        if fields and int(fields[3]) == session:
            states = (_fields(each)[:1] for each in place.glob("task/*/stat"))
            at_work = any(AT_WORK.intersection(state) for state in states)
            yield at_work, _ticks(fields)


def end_children() -> None:
    """Kill the programs that this one started."""
    parent = str(os.getpid())
    for place in PROC.glob("[0-9]*"):
        if _fields(place / "stat")[1:2] == [parent]:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(place.name), signal.SIGKILL)


def worked(session: int) -> float | None:
    """Processor time in seconds that the processes of a session had, if one of them is at work now;
    None where all of them wait, and on a system that does not say."""
    found = list(_of_session(session))
    if not any(at_work for at_work, _ in found):
        return None
    return sum(ticks for _, ticks in found) / os.sysconf("SC_CLK_TCK")


class Deadline:
    """Seconds within which a program, the first of its session, answers: while it waits as the
    clock has them, while it is at work as the processor has them.

    Who is late must be seen waiting at two looks: a machine that stood still as a whole has made
    nobody late, and what was answered meanwhile is read between the two.
    """

    def __init__(self, session: int, seconds: float) -> None:
        self._session = session
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._worked: float | None = None
        self._waits = False

    def left(self) -> float:
        """Seconds to wait before `passed` is asked."""
        return max(self._until - time.monotonic(), 0)

    def passed(self) -> bool:
        """No time is left."""
        if self.left() > 0:
            return False
        now = worked(self._session)
        self._until = time.monotonic() + LOOK
        if now is None:
            waited, self._waits = self._waits, True
            return waited
        self._waits = False
        self._worked = now if self._worked is None else self._worked
        return now - self._worked >= self._seconds

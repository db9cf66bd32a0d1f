"""Is a program at work, or does it wait? A busy machine makes nobody hung.

Source: proc(5), /proc/PID/stat: the state is field 3, the session 6, user and system time in clock
ticks 14 and 15.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
AT_WORK: Final = frozenset("RD")
"""The states of a process that runs or would run, or is in a call that nothing interrupts."""


def _of_session(session: int) -> Iterator[tuple[str, int]]:
    """State and clock ticks of each process of a session."""
    for place in PROC.glob("[0-9]*"):
        try:
            # The name before may hold blanks and brackets.
            fields = (place / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            yield fields[0], int(fields[11]) + int(fields[12])


def worked(session: int) -> float | None:
    """Processor time in seconds that the processes of a session had, if one of them is at work now;
    None where all of them wait, and on a system that does not say."""
    found = list(_of_session(session))
    if not any(state in AT_WORK for state, _ in found):
        return None
    return sum(ticks for _, ticks in found) / os.sysconf("SC_CLK_TCK")

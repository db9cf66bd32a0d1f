"""Programs that end with the process that started them, however that one ends.

A process that is killed can tidy up nothing. Linux can have a child killed with its parent
(PR_SET_PDEATHSIG of prctl(2)), but with the parent's *thread*, and traces run in threads that end
before their devices do. So a shell waits for the end of a pipe that only this process holds open.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from ctypes import CDLL
from multiprocessing import parent_process
from typing import Any, Final

_PDEATHSIG: Final = 1
"""PR_SET_PDEATHSIG."""
_WATCH: Final = 'read -r held && { read -r done || kill -9 "$held"; }'
"""Once it knows whom: kill it unless a line comes before the pipe ends."""


class Leash:
    """What is held is killed once this process is gone, until it is let go."""

    def __init__(self) -> None:
        """Raises OSError where there is no shell."""
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # What ends this process's own group does not end it.
            start_new_session=True,
        )

    def hold(self, process: str) -> None:
        """`process` as kill(1) has it: a process id, or one with a minus for its group."""
        self._say(process)

    def let_go(self) -> None:
        """Watch no longer: the process was ended, and its id may soon be another's."""
        assert self._watch.stdin
        self._say("done")
        self._watch.stdin.close()
        self._watch.wait()

    def _say(self, line: str) -> None:
        assert self._watch.stdin
        # At an interrupt the shell may have been ended like any other program.
        with suppress(BrokenPipeError):
            self._watch.stdin.write(f"{line}\n".encode())


def end_with_parent() -> None:
    """Have this process, a worker of a pool whose maker stays in the thread that made it, end with
    that one."""
    parent = parent_process()
    with suppress(AttributeError):
        CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    if parent is None or os.getppid() != parent.pid:
        os._exit(128 + signal.SIGKILL)


def leashed(words: Sequence[str], **options: Any) -> tuple[subprocess.Popen[bytes], Leash]:
    """A program in a session of its own, and the leash of that session; options as of Popen.

    Whoever has ended the program lets go. Raises OSError.
    """
    leash = Leash()
    try:
        process = subprocess.Popen(words, start_new_session=True, **options)
    except BaseException:
        leash.let_go()
        raise
    leash.hold(f"-{process.pid}")
    return process, leash

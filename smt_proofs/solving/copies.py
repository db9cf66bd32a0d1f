"""Work in a copy of a process that has done nothing but import what the work needs."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from traceback import format_exc
from typing import Any, Final, TypeVar

T = TypeVar("T")

END_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of prctl(2): the signal that a process gets when its parent ends."""
TRIM_THRESHOLD: Final = -1
MMAP_THRESHOLD: Final = -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of mallopt(3)."""
MUCH: Final = 1 << 30
"""Bytes. A solver that is made for each script takes and frees the same memory again and again:
giving it back to the system in between costs more than the solver."""


def ready() -> None:
    """Make this process one to make copies of: interrupts are for its parent, it ends with that
    one, and whoever ends it ends its copies."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _end())
    with suppress(AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(TRIM_THRESHOLD, MUCH)
        libc.mallopt(MMAP_THRESHOLD, MUCH)


def _end() -> None:
    for copy in active_children():
        copy.kill()
    os._exit(128 + signal.SIGTERM)


def in_a_copy(work: Callable[..., T], *about: object) -> T:
    """`work(*about)`; what it raises is raised here. Raises ChildProcessError where the copy ended
    before it was done."""
    context = get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    copy: BaseProcess = context.Process(target=_carry_out, args=(sending, os.getpid(), work, about))
    copy.start()
    sending.close()
    try:
        raised, found = receiving.recv()
    except EOFError:
        copy.join()
        raise ChildProcessError(f"a task ended with {copy.exitcode}") from None
    finally:
        receiving.close()
    copy.join()
    if raised:
        raise found
    return found  # type: ignore[no-any-return]


def end_with_parent() -> None:
    """Have this process, a worker of a pool, end with the one that started it."""
    if (parent := parent_process()) is not None and parent.pid is not None:
        end_with(parent.pid)


def end_with(parent: int) -> None:
    """End this process with its parent, or now where that one ended already."""
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)


def _carry_out(sending: Connection, parent: int, work: Callable[..., Any], about: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with(parent)
    try:
        told: tuple[bool, Any] = False, work(*about)
    except Exception as error:
        error.add_note(format_exc())
        told = True, error
    sending.send(told)

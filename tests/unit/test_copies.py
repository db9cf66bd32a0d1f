"""Each task begins where the others began, and ends with whoever asked for it."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final

import pytest

from smt_proofs.solving.copies import in_a_copy, ready
from smt_proofs.solving.pool import carried_out

SEEN: Final[list[int]] = []
LONG: Final = 60
"""Seconds that no process here takes to end."""


def _seen(number: int) -> int:
    SEEN.append(number)
    return len(SEEN)


def test_no_task_sees_what_another_one_left() -> None:
    assert dict(carried_out(_seen, [5, 6, 7])) == {5: 1, 6: 1, 7: 1}


def _refuses(number: int) -> None:
    raise ValueError(f"{number} is refused")


def test_what_a_task_raises_is_raised_with_where_it_was() -> None:
    with pytest.raises(ValueError, match="5 is refused") as raised:
        list(carried_out(_refuses, [5]))
    assert "in _refuses" in "".join(raised.value.__notes__)


def _waits(told: Connection) -> None:
    told.send(os.getpid())
    signal.pause()


def _works(told: Connection) -> None:
    ready()
    in_a_copy(_waits, told)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL], ids=lambda sent: sent.name)
def test_a_task_ends_with_the_process_that_it_is_a_copy_of(sent: signal.Signals) -> None:
    context = get_context("spawn")
    heard, told = context.Pipe(duplex=False)
    worker = context.Process(target=_works, args=(told,))
    worker.start()
    told.close()
    assert heard.recv() != worker.pid
    os.kill(worker.pid or 0, sent)
    worker.join()
    # Only the copy still held the other end.
    assert heard.poll(LONG)
    with pytest.raises(EOFError):
        heard.recv()


def test_a_killed_task_is_told_apart_from_one_that_raises() -> None:
    with pytest.raises(ChildProcessError, match="-9"):
        in_a_copy(_killed)


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

"""A deadline is one of processor time while a program is at work: load makes nobody hung."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance.targets import working
from conformance.targets.pipes import Late, Pipes
from conformance.targets.working import Deadline, worked

SPINS = "while True: pass"
WAITS = "import time\nprint(flush=True)\ntime.sleep(60)"
SPINS_WITHIN = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPINS!r}])"


@contextmanager
def program(text: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program of that text, in a session of its own."""
    made = subprocess.Popen(
        [sys.executable, "-c", text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield made
    finally:
        os.killpg(made.pid, signal.SIGKILL)
        made.wait()


@pytest.mark.parametrize("text", [SPINS, SPINS_WITHIN], ids=["itself", "a child"])
def test_who_is_at_work_has_as_much_of_the_processor_and_is_late_then(text: str) -> None:
    with program(text) as made:
        streams = Pipes(made)
        with pytest.raises(Late):
            streams.line(0.3)
        # Nothing more is used than at the last look, but what it used until that is enough.
        assert (worked(made.pid) or 0) >= 0.3
        streams.close()


def test_who_waits_is_not_at_work() -> None:
    with program(WAITS) as made:
        streams = Pipes(made)
        assert streams.line(60) == b""
        with pytest.raises(Late):
            streams.line(0.01)
        streams.close()


def test_a_starved_program_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    had = iter([5.0, 5.1, 5.2, 5.9, 6.0])
    monkeypatch.setattr(working, "worked", lambda _: next(had))
    monkeypatch.setattr(working, "LOOK", 0.0)
    deadline = Deadline(1, 1.0)
    monkeypatch.setattr(deadline, "_until", 0.0)
    assert [deadline.passed() for _ in range(5)] == [False, False, False, False, True]


def test_who_answered_while_the_machine_stood_still_is_not_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = iter([None, 5.0, None, None])
    monkeypatch.setattr(working, "worked", lambda _: next(looks))
    monkeypatch.setattr(working, "LOOK", 0.0)
    deadline = Deadline(1, 1.0)
    monkeypatch.setattr(deadline, "_until", 0.0)
    # Late is who is seen waiting twice, with no work between.
    assert [deadline.passed() for _ in range(4)] == [False, False, False, True]


def test_of_no_session_nothing_is_at_work() -> None:
    assert worked(-1) is None

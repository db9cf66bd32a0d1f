"""How long a guest under test that says nothing is waited for."""

import os
from collections.abc import Iterator

import pytest

from conformance.targets.linux import guest
from conformance.targets.linux.guest import Patience, spent


@pytest.mark.parametrize(
    ("busy", "looks", "told"),
    [
        (1.0, 100, None),
        (1.0, 200, "the guest said nothing in 120 s of processor time"),
        # A machine with much else to do gives it little, and that is no hang.
        (0.01, 1000, None),
        (0.0, 200, None),
        (0.0, 300, "the guest said nothing, and did nothing for 240 s"),
    ],
)
def test_a_guest_hangs_by_what_its_machine_does(
    monkeypatch: pytest.MonkeyPatch, busy: float, looks: int, told: str | None
) -> None:
    """Each look is a second after the last; `busy` is what part of it the guest has run."""
    done = ticks(busy)
    now = ticks(1.0)
    monkeypatch.setattr(guest, "spent", lambda pid: next(done))
    monkeypatch.setattr(guest.time, "monotonic", lambda: next(now))
    patience = Patience(1)
    found = next((over for _ in range(looks) if (over := patience.over()) is not None), None)
    assert found == told


def ticks(step: float) -> Iterator[float]:
    at = 0.0
    while True:
        yield at
        at += step


def test_processor_time_is_that_of_the_process() -> None:
    told = os.times()
    assert 0 < spent(os.getpid()) <= told.user + told.system + 1
    assert spent(0) == 0

"""Long traces: none of their steps is held, and what fails late is found and made small."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest

from conformance.check.campaign import CheckReport, check
from conformance.check.runner import run_trace
from conformance.check.shrink import shrink
from conformance.generate.layouts import laid_out
from conformance.generate.traces import random_trace
from conformance.targets.recorded import RecordedTarget
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import BATCH, CAPABILITIES, LAYOUTS
from conformance.traces import streamed
from conformance.traces.failures import save
from conformance.traces.streamed import Streamed
from conformance.traces.trace import read_trace
from model.observation import Observation
from model.profiles import QEMU
from model.state import Answer, ConcreteAction, Op

KIB = 1 << 10


def held(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """So many steps of a trace are held at most."""
    monkeypatch.setattr(streamed, "HELD", steps)


def peak(steps: int) -> int:
    """Bytes that Python held at most while a trace of so many steps was checked."""
    tracemalloc.start()
    try:
        report = check(ReferenceTarget(), QEMU, seed=1, traces=1, steps=steps)
        assert report.steps == steps and report.failing is None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_steps_of_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    held(monkeypatch, 16)
    peak(100)  # What is imported and cached at the first use.
    few, many = peak(150), peak(600)
    assert many - few < 80 * KIB
    # Where steps are held the same traces tell the difference.
    held(monkeypatch, 4096)
    assert peak(600) - few > 250 * KIB


def test_a_stream_is_what_a_tuple_of_its_steps_is() -> None:
    numbers = Streamed(partial(islice, count(), 10), 10)
    # An iterator that is used up would be empty the second time.
    again = Streamed(lambda: iter(range(10)), 10)
    assert list(again) == list(again) == list(range(10)) and len(numbers) == 10
    assert again[3] == 3 and again[-1] == 9
    assert list(again[2:5]) == [2, 3, 4] and list(again[7:]) == [7, 8, 9] and not again[4:2]
    with pytest.raises(IndexError):
        again[10]
    with pytest.raises(ValueError, match="every 2th of a stream"):
        again[::2]


def test_a_long_trace_is_that_of_its_seed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    able = CAPABILITIES - LAYOUTS | {BATCH}
    whole = laid_out(random_trace(QEMU, 7, 300, able), able)
    held(monkeypatch, 50)
    long = laid_out(random_trace(QEMU, 7, 300, able), able)
    assert isinstance(long.steps, Streamed) and isinstance(whole.steps, tuple)
    assert tuple(long.steps) == whole.steps == tuple(long.steps)
    assert any(step.layout.more for step in long.steps)
    assert save(long, tmp_path, "qemu") == save(whole, tmp_path, "qemu")
    (file,) = tmp_path.iterdir()
    assert read_trace(file) == whole


class Leaking(ReferenceTarget):
    """Loses something, of which it has 1,000, with every step that it carries out, and then answers
    BUSY."""

    left = 1000

    def start(self, *arguments: object) -> Observation:
        self.left = 1000
        return super().start(*arguments)  # type: ignore[arg-type]

    def apply(self, action: ConcreteAction) -> Observation:
        seen = super().apply(action)
        self.left -= seen.answer in (Answer.ACK, Answer.DONE)
        over = self.left < 0 and seen.answer is Answer.ACK
        return replace(seen, answer=Answer.BUSY) if over else seen


@pytest.fixture(scope="module")
def leak() -> Iterator[CheckReport]:
    with pytest.MonkeyPatch.context() as patch:
        held(patch, 1024)
        # The search after the cut is that of every trace.
        patch.setattr("conformance.check.shrink.MAX_STEPS", 0)
        patch.setattr("conformance.check.shrink.MAX_TIMES", 1)
        yield check(Leaking(), QEMU, seed=2, traces=1, steps=100_000)


def test_what_is_used_up_after_a_thousand_turns_is_found_and_made_small(
    leak: CheckReport,
) -> None:
    failing = leak.failing
    assert failing is not None and isinstance(failing.steps, Streamed)
    assert len(failing.steps) > 1400 and leak.finding is not None
    assert failing.seen_at(leak.steps) != failing.seen_at(1) is None
    small = shrink(Leaking(), failing)
    assert small.finding is not None and small.finding.alike(leak.finding)
    assert 1001 <= len(small.steps) <= 1002 and isinstance(small.steps, tuple)
    assert {step.action.op for step in small.steps[1:]} == {Op.PLUG, Op.UNPLUG}
    assert run_trace(RecordedTarget(small), small).finding == small.finding

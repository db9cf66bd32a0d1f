"""Traces on several targets at a time: their order, their end, and what goes wrong in them."""

import signal
import subprocess
import threading
from contextlib import closing

import pytest

from conformance.check.campaign import check
from conformance.check.parallel import batches, run_batches
from conformance.check.runner import run_trace
from conformance.generate.traces import random_trace
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import Target
from model.profiles import QEMU, SEED_V2


def test_batches_hold_every_number_once() -> None:
    assert [list(batch) for batch in batches(7, 3)] == [[1, 2, 3], [4, 5, 6], [7]]
    assert batches(0, 3) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_outcomes_come_in_order_whoever_is_faster(count: int) -> None:
    targets = [ReferenceTarget() for _ in range(count)]
    done = threading.Event()

    def run(target: Target, number: int) -> int:
        if number == 1 and count > 1:
            assert done.wait(10)
        if number == 4:
            done.set()
        return number

    with closing(run_batches(targets, batches(9, 3), run, threading.Event())) as outcomes:
        assert list(outcomes) == list(range(1, 10))


def test_no_target_runs_two_traces_at_a_time() -> None:
    targets = [ReferenceTarget() for _ in range(3)]
    locks = {id(target): threading.Lock() for target in targets}

    def run(target: Target, number: int) -> bool:
        with locks[id(target)]:
            return locks[id(target)].acquire(blocking=False)

    with closing(run_batches(targets, batches(60, 2), run, threading.Event())) as outcomes:
        assert list(outcomes) == [False] * 60


def test_what_goes_wrong_is_raised_and_nothing_more_is_begun() -> None:
    begun = []

    def run(target: Target, number: int) -> int:
        begun.append(number)
        if number == 2:
            raise KeyError("no such thing")
        return number

    outcomes = run_batches([ReferenceTarget()] * 2, batches(10_000, 1), run, threading.Event())
    with pytest.raises(KeyError, match="no such thing"):
        list(outcomes)
    assert len(begun) < 10_000


def test_an_interrupt_ends_the_traces_that_run() -> None:
    """Otherwise the way out would last as long as the longest of them. Others wait to be begun."""
    trace = random_trace(QEMU, 1, 30)
    both, stopped = threading.Barrier(2), threading.Event()
    statuses = []

    def run(target: Target, number: int) -> int:
        if number > 2:
            assert stopped.wait(10)
            return 0
        # What a device's program does that answers nothing.
        with subprocess.Popen(["sleep", "600"]) as program:
            both.wait(10)
            if number == 1:
                program.kill()
                raise KeyboardInterrupt
        statuses.append(program.returncode)
        return len(run_trace(target, trace, over=stopped.is_set).seen)

    with pytest.raises(KeyboardInterrupt):
        list(run_batches([ReferenceTarget(), ReferenceTarget()], batches(20, 1), run, stopped))
    assert stopped.is_set() and statuses == [-signal.SIGKILL]
    assert len(run_trace(ReferenceTarget(), trace).seen) == 30
    assert run_trace(ReferenceTarget(), trace, over=stopped.is_set).seen == ()


def test_a_check_finds_the_same_with_helpers() -> None:
    for profile, per_device in ((QEMU, 1), (QEMU, 4), (SEED_V2, 3)):
        alone = check(
            ReferenceTarget(), profile, seed=3, traces=30, steps=30, per_device=per_device
        )
        helped = check(
            ReferenceTarget(),
            profile,
            seed=3,
            traces=30,
            steps=30,
            per_device=per_device,
            helpers=[ReferenceTarget(), ReferenceTarget()],
        )
        assert alone == helped


def test_traces_of_a_device_differ_in_the_requested_size_only() -> None:
    seen = []

    class Watched(ReferenceTarget):
        def start(self, profile, config):  # type: ignore[no-untyped-def]
            seen.append(config)
            return super().start(profile, config)

    check(Watched(), QEMU, seed=3, traces=8, steps=1, per_device=4)
    shapes = [(one.region, one.block, one.limit, one.option, one.addr) for one in seen]
    assert len(set(shapes[:4])) == len(set(shapes[4:])) == 1
    assert shapes[0] != shapes[4]
    assert len({one.requested for one in seen[:4]}) > 1

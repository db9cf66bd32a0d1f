"""How fast a real QEMU is driven; run with `make bench`, measured and never asserted.

As in `test_throughput.py`, a round carries out many steps and `extra_info` names their number.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from conformance.check.runner import run_trace
from conformance.generate.traces import random_trace
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.guest import QemuGuest
from conformance.targets.qemu.process import QemuError, find_qemu
from conformance.targets.qemu.processor import StoppedProcessor
from conformance.targets.qemu.target import QemuTarget
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Answer, Config, Op, action

CONFIG = fitted(Config(region=8 * GIB, block=2 * MIB, limit=256, requested=8 * GIB))
REQUESTS = 2000
STEPS = 500


@pytest.fixture
def guest() -> Iterator[QemuGuest]:
    try:
        made = QemuGuest(find_qemu(), CONFIG, StoppedProcessor())
    except QemuError as error:
        pytest.skip(str(error))
    with closing(made):
        yield made


def request(number: int, every: int) -> tuple[Op, int]:
    """PLUG and UNPLUG of a block in turn, in one memslot after the other."""
    op = Op.UNPLUG if number % 2 else Op.PLUG
    return op, CONFIG.addr + number // 2 * every % CONFIG.region


def test_requests_of_one_qemu(benchmark: BenchmarkFixture, guest: QemuGuest) -> None:
    """Request and response through the virtqueue, nothing else looked at."""
    mix = [request(number, GIB) for number in range(REQUESTS)]
    actions = [action(op, addr=addr, blocks=1) for op, addr in mix]

    def carry_out() -> set[Answer]:
        return {guest.apply(one).answer for one in actions}

    benchmark.extra_info["steps"] = REQUESTS
    assert benchmark.pedantic(carry_out, rounds=5, warmup_rounds=1) == {Answer.ACK}


def test_requests_with_the_mapped_memslots(benchmark: BenchmarkFixture, guest: QemuGuest) -> None:
    """The mapped memslots and the configuration space are read after every request."""
    mix = [request(number, GIB) for number in range(STEPS)]
    actions = [action(op, addr=addr, blocks=1) for op, addr in mix]

    def carry_out() -> int:
        seen = 0
        for one in actions:
            guest.apply(one)
            mapped, config = guest.mapped(), guest.config()
            seen += mapped is not None and bool(mapped) == bool(config.plugged_size)
        return seen

    benchmark.extra_info["steps"] = STEPS
    assert benchmark.pedantic(carry_out, rounds=5, warmup_rounds=1) == STEPS


def test_checking_a_trace_on_one_qemu(benchmark: BenchmarkFixture, guest: QemuGuest) -> None:
    """What a check takes a step without migrations and resets: generated, run, judged."""
    slow = {"migration-in", "migration-start", "migration-end", "system-reset", "device-reset"}
    target = QemuTarget(find_qemu())
    capabilities = QemuTarget.capabilities - slow
    trace = random_trace(QEMU, 1, STEPS, capabilities, fitted=target.fitted)

    def check_one() -> int:
        outcome = run_trace(target, trace)
        assert outcome.finding is None
        return len(outcome.seen)

    with closing(target):
        benchmark.extra_info["steps"] = benchmark.pedantic(check_one, rounds=3, warmup_rounds=1)

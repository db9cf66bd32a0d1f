"""How fast devices answer; run with `make bench`, measured and never asserted.

One round carries out thousands of steps: `extra_info` of a saved run names their number, so that
steps a second are that number times the operations a second (OPS) of the table.
"""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from conformance.check.runner import run_trace
from conformance.explore.graph import explore
from conformance.explore.scale import scaled_config
from conformance.generate.traces import random_trace
from conformance.targets.command import CommandTarget
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import Target
from model.arithmetic import GIB, MIB, TIB
from model.device import ReferenceDevice
from model.profiles import QEMU
from model.state import Answer, ConcreteAction, Config, Op, action

DEVICE = Path(__file__).parents[2] / "docs" / "example_device.py"
BLOCK = 2 * MIB
PLACES = 64
"""Places, equally far apart, that requests start at, so that a mix fits a region of any size."""
ROOM = 8
"""Blocks from one place to the next in the smallest region: no request is larger."""
REQUESTS = 10_000
TRACE_STEPS = 1000


def request_mix(config: Config) -> list[ConcreteAction]:
    """The same requests for every region size, each at its place's share of the region."""
    random = Random(1)
    operations = random.choices(
        [Op.PLUG, Op.UNPLUG, Op.STATE, Op.RESIZE, Op.UNPLUG_ALL],
        weights=[40, 30, 20, 9, 1],
        k=REQUESTS,
    )
    share = config.region // PLACES

    def request(op: Op) -> ConcreteAction:
        place, blocks = random.randrange(PLACES), random.randint(1, ROOM)
        if op is Op.RESIZE:
            return action(op, value=(PLACES - place % 4) * share)
        if op is Op.UNPLUG_ALL:
            return action(op)
        return action(op, addr=config.addr + place * share, blocks=blocks)

    return [request(op) for op in operations]


@pytest.mark.parametrize("region", [GIB, TIB, 16 * TIB], ids=["1 GiB", "1 TiB", "16 TiB"])
def test_requests_of_the_reference_device(benchmark: BenchmarkFixture, region: int) -> None:
    """Flat: a request costs the same however large the region is."""
    # All of the region is usable, lest the same request be answered otherwise in a larger one.
    config = Config(region=region, block=BLOCK, limit=256, requested=region, extent=region)
    mix = request_mix(config)

    def fresh() -> tuple[tuple[ReferenceDevice], dict[str, object]]:
        return (ReferenceDevice(QEMU, config),), {}

    def carry_out(device: ReferenceDevice) -> list[Answer]:
        return [device.apply(request).answer for request in mix]

    answers = benchmark.pedantic(carry_out, setup=fresh, rounds=10, warmup_rounds=1)
    benchmark.extra_info["steps"] = len(answers)
    assert {Answer.ACK, Answer.ERROR, Answer.DONE} <= set(answers)


@pytest.fixture(params=["reference", "cmd"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The reference device in this process, and the example device over pipes."""
    kind = request.param
    opened = (
        ReferenceTarget() if kind == "reference" else CommandTarget(f"{sys.executable} {DEVICE}")
    )
    with closing(opened):
        yield opened


def test_making_and_checking_a_trace(benchmark: BenchmarkFixture, target: Target) -> None:
    """What one trace of a check takes: generated, run in lockstep, every step judged."""

    def check_one() -> int:
        trace = random_trace(QEMU, 1, TRACE_STEPS, target.capabilities)
        outcome = run_trace(target, trace)
        assert outcome.finding is None
        return len(outcome.seen)

    benchmark.extra_info["steps"] = benchmark.pedantic(check_one, rounds=5, warmup_rounds=1)


def test_states_of_a_small_device(benchmark: BenchmarkFixture) -> None:
    """Every state and claim of six blocks in three memslots; a round is one graph."""
    config = scaled_config(QEMU, 6, 3)
    graph = benchmark.pedantic(explore, (QEMU, config), rounds=1)
    benchmark.extra_info["transitions"] = graph.steps
    assert graph.complete and graph.broken == ()

"""What the generator reaches within a fixed number of traces, and that a seed is a promise."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from conformance.generate.choices import RandomChoices, weighted
from conformance.generate.config import LIMITS, choose_config
from conformance.generate.refusals import BESIDE, REFUSALS, refused_config
from conformance.generate.traces import choose_value, random_trace, trace_seed
from conformance.targets.target import CAPABILITIES, FAULTS, needs
from conformance.traces.codec import MAX_BLOCKS
from conformance.traces.trace import Trace, trace_text
from model.arithmetic import GIB, MIB, TIB, U64_MASK
from model.device import ConfigError, ReferenceDevice, fix
from model.profiles import PROFILES, QEMU, SEED_V2, Profile
from model.state import (
    RANGE_REQUESTS,
    Answer,
    BlockState,
    ConcreteAction,
    ConcreteState,
    Config,
    Fixed,
    Op,
)

TRACES = 200
STEPS = 60


@pytest.fixture(scope="module", params=["qemu", "seed-v2"])
def traces(request: pytest.FixtureRequest) -> list[Trace]:
    profile = PROFILES[request.param]
    return [random_trace(profile, trace_seed(1, n), STEPS) for n in range(TRACES)]


def visited(trace: Trace) -> Iterator[tuple[Fixed[int, bool], ConcreteState, ConcreteAction]]:
    """Every action with the state that it met."""
    device = ReferenceDevice(trace.profile, trace.config)
    for step in trace.steps:
        yield device.fixed, device.state, step.action
        device.apply(step.action)


def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "import sys; from conformance.generate.traces import random_trace;"
        "from conformance.traces.trace import trace_text; from model.profiles import QEMU;"
        "sys.stdout.write(''.join(trace_text(random_trace(QEMU, s, 50)) for s in range(10)))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout.decode()
        for seed in ("1", "2")
    }
    assert texts == {"".join(trace_text(random_trace(QEMU, seed, 50)) for seed in range(10))}


def test_another_seed_gives_another_trace() -> None:
    assert len({trace_text(random_trace(QEMU, seed, 20)) for seed in range(50)}) == 50


def test_a_seeded_trace_has_as_many_steps_as_asked_for() -> None:
    assert len(random_trace(QEMU, 3, 1234).steps) == 1234


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_every_generated_configuration_is_accepted(profile: Profile) -> None:
    for seed in range(2000):
        fix(profile, choose_config(RandomChoices(seed), profile))


def config_classes(config: Config, slots: int) -> Iterator[str]:
    slot = max(config.block, GIB)
    if config.limit in LIMITS:
        yield f"limit {config.limit}"
    if config.block in (MIB, GIB):
        yield f"block {config.block // MIB} MiB"
    if config.block > GIB:
        yield "block above 1 GiB"
    if config.region == config.block:
        yield "one block"
    if config.region == 16 * TIB:
        yield "largest region"
    if slots == 1:
        yield "one slot"
    if slots > 256:
        yield "more than 256 slots"
    if slots > 1:
        yield "short last slot" if config.region % slot else "whole slots"
    for name, size in (("0", 0), ("one block", config.block), ("region", config.region)):
        if config.requested == size:
            yield f"requested {name}"
    yield f"extent {config.extent // MIB} MiB"
    yield f"option {config.option}, inaccessible {config.inaccessible}"
    yield f"prealloc {config.prealloc}"
    yield f"page {config.page}"
    if config.addr == 0:
        yield "addr 0"
    if config.addr + config.region > U64_MASK - config.block:
        yield "region ends at the top"


CONFIG_CLASSES = {
    *(f"limit {limit}" for limit in LIMITS),
    *("block 1 MiB", "block 1024 MiB", "block above 1 GiB", "one block", "largest region"),
    *("one slot", "more than 256 slots", "short last slot", "whole slots"),
    *("requested 0", "requested one block", "requested region"),
    *("extent 256 MiB", "extent 1024 MiB", "prealloc True", "prealloc False"),
    *("page 4096", f"page {2 * MIB}", f"page {GIB}", "addr 0", "region ends at the top"),
    *("option True, inaccessible True", "option False, inaccessible True"),
    "option False, inaccessible False",
}


@pytest.mark.parametrize("profile", [QEMU, SEED_V2], ids=lambda profile: profile.name)
def test_every_class_of_configuration_occurs(profile: Profile) -> None:
    counts: Counter[str] = Counter()
    for seed in range(1000):
        config = choose_config(RandomChoices(seed), profile)
        counts.update(config_classes(config, fix(profile, config).slots.count))
    expected = set(CONFIG_CLASSES)
    if profile is SEED_V2:
        expected.add("option True, inaccessible False")
    assert not (rare := {name: counts[name] for name in expected if counts[name] < 8}), rare


def range_classes(f: Fixed[int, bool], s: ConcreteState, a: ConcreteAction) -> Iterator[str]:
    """The boundary classes of a range request, from first principles."""
    block, size = f.block, a.blocks * f.block
    start, end = a.addr - f.addr, a.addr - f.addr + size
    if a.blocks == 0:
        yield "zero blocks"
    if a.blocks == MAX_BLOCKS:
        yield "65535 blocks"
    if a.addr % block == 1:
        yield "a byte off"
    if a.addr % block == block // 2:
        yield "half a block off"
    if a.addr + size > U64_MASK + 1:
        yield "wraps around"
    if a.addr == 0 < f.addr:
        yield "address 0"
    if start < 0 < f.addr:
        yield "below the region"
    if start < 0 < end:
        yield "into the region from below"
    if end == s.usable and s.usable:
        yield "ends at the usable edge"
    if start < s.usable < end:
        yield "across the usable edge"
    if end == s.usable + block and start < s.usable:
        yield "one block over the usable edge"
    if start == s.usable:
        yield "starts at the usable edge"
    if end == f.region:
        yield "ends at the region's end"
    if start < f.region < end:
        yield "across the region's end"
    if not (0 <= start < end <= s.usable) or start % block:
        return
    first, last = start // f.slots.size, (end - 1) // f.slots.size
    yield "in the first slot" if last == 0 else "beyond the first slot"
    if f.slots.count > 1 and last == f.slots.count - 1:
        yield "in the last slot"
        if f.region % f.slots.size:
            yield "in the short slot"
    if first < last:
        yield "across slots"
    if last - first > 1:
        yield "over a whole slot"
    if start == first * f.slots.size and size == f.slots.size:
        yield "exactly a slot"
    plugged = sum(y - x for x, y in s.plugged.ranges_within(start // block, end // block))
    if 0 < plugged < a.blocks:
        yield "partly plugged"
    if a.op is Op.PLUG and s.size + size == s.requested:
        yield "plugs all that is requested"
    if a.op is Op.PLUG and s.size + size == s.requested + block:
        yield "plugs a block more than requested"


RANGE_CLASSES = {
    *("zero blocks", "65535 blocks", "a byte off", "half a block off", "wraps around"),
    *("address 0", "below the region", "into the region from below", "ends at the usable edge"),
    *("across the usable edge", "one block over the usable edge", "starts at the usable edge"),
    *("ends at the region's end", "across the region's end", "in the first slot"),
    *("beyond the first slot", "in the last slot", "in the short slot", "across slots"),
    *("over a whole slot", "exactly a slot", "partly plugged", "plugs all that is requested"),
    "plugs a block more than requested",
}


def test_every_class_of_range_occurs(traces: list[Trace]) -> None:
    counts: Counter[str] = Counter()
    for trace in traces:
        for fixed, state, action in visited(trace):
            if action.op in RANGE_REQUESTS:
                counts.update(range_classes(fixed, state, action))
    assert not (rare := {name: counts[name] for name in RANGE_CLASSES if counts[name] < 8}), rare


def test_every_operation_answer_and_fault_occurs(traces: list[Trace]) -> None:
    steps = [step for trace in traces for step in trace.steps]
    operations = Counter(step.action.op for step in steps)
    answers = Counter(step.seen.answer for step in steps if step.seen)
    states = Counter(step.seen.block_state for step in steps if step.seen)
    faults = Counter(name for step in steps for name in needs(step.action) & FAULTS)
    # A trace that loses its device is worth less than one that goes on.
    assert operations[Op.UNREALIZE] >= 5
    assert min(operations[op] for op in Op if op is not Op.UNREALIZE) >= 50
    assert min(answers[answer] for answer in Answer) >= 50
    assert min(states[state] for state in BlockState) >= 20
    assert min(faults[name] for name in FAULTS) >= 20


def test_every_operation_meets_every_answer_it_can_give(traces: list[Trace]) -> None:
    """Answers by operation; a broken device is silent to every request."""
    pairs = {(step.action.op, step.seen.answer) for t in traces for step in t.steps if step.seen}
    ranges = {Answer.ACK, Answer.ERROR, Answer.SILENT}
    expected = {
        Op.PLUG: ranges | {Answer.NACK, Answer.BUSY},
        Op.UNPLUG: ranges | {Answer.BUSY},
        Op.STATE: ranges,
        Op.UNPLUG_ALL: {Answer.ACK, Answer.BUSY, Answer.SILENT},
        Op.UNKNOWN: {Answer.VIOLATION, Answer.SILENT},
        Op.SHORT: {Answer.VIOLATION, Answer.SILENT},
        Op.RESIZE: {Answer.DONE, Answer.REFUSED},
        Op.NEGOTIATE: {Answer.DONE, Answer.REFUSED},
        Op.UNREALIZE: {Answer.DONE, Answer.REFUSED},
    }
    missing = {(op, answer) for op, answers in expected.items() for answer in answers} - pairs
    assert not missing


def test_most_steps_get_somewhere(traces: list[Trace]) -> None:
    steps = [step for trace in traces for step in trace.steps]
    answers = Counter(step.seen.answer for step in steps if step.seen)
    assert answers[Answer.ERROR] < len(steps) / 3
    assert answers[Answer.SILENT] < len(steps) / 20
    plugged = sum(any(s.seen and s.seen.size for s in trace.steps) for trace in traces)
    assert plugged >= 0.95 * TRACES
    lost = sum(not state.realized for t in traces for _, state, _ in list(visited(t))[:40])
    assert lost == 0


def test_a_broken_device_is_reset_and_a_migration_ended_soon(traces: list[Trace]) -> None:
    states = [[state for _, state, _ in visited(trace)] for trace in traces]
    broken = sum(state.broken for run in states for state in run)
    breaks = sum(b.broken and not a.broken for run in states for a, b in pairwise(run))
    busy = sum(state.busy for run in states for state in run)
    starts = sum(b.busy and not a.busy for run in states for a, b in pairwise(run))
    assert broken < 3 * breaks
    assert busy < 12 * starts


def test_a_target_is_asked_for_nothing_that_it_cannot_do() -> None:
    able = frozenset({"plug", "state", "resize", "unplug", "fail-populate"})
    done = [s.action for seed in range(50) for s in random_trace(QEMU, seed, 50, able).steps]
    assert frozenset().union(*map(needs, done)) == able


def test_a_target_that_can_do_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no operation"):
        random_trace(QEMU, 0, 1, CAPABILITIES - {op.value for op in Op})


@pytest.mark.parametrize("name", ["region", "block", "limit", "requested", "addr", "page"])
@pytest.mark.parametrize("value", [0, 1, 3 * MIB, 5 * GIB, U64_MASK])
def test_given_fields_stay_as_they_are(name: str, value: int) -> None:
    for seed in range(30):
        assert getattr(choose_config(RandomChoices(seed), QEMU, {name: value}), name) == value


def test_weights_share_out_the_positions() -> None:
    options = [(2, "a"), (1, "b")]
    assert [weighted(options, at) for at in range(3)] == ["a", "a", "b"]
    with pytest.raises(ValueError, match="beyond"):
        weighted(options, 3)


@pytest.mark.parametrize("profile", [QEMU, SEED_V2])
def test_every_way_of_refusal_is_one_that_the_profile_refuses(profile: Profile) -> None:
    told = set()
    for number in range(len(REFUSALS) + len(BESIDE)):
        choices = RandomChoices(number)
        config = choose_config(choices, profile)
        wrong = refused_config(choices, config, number, profile)
        with pytest.raises(ConfigError) as caught:
            fix(profile, wrong)
        told.add(str(caught.value).split()[0])
    # SEED_V2 takes memslots of readable memory.
    readable = {"dynamic-memslots=on"} if profile is QEMU else set()
    assert {"block", "limit", *readable} <= told
    fix(SEED_V2, BESIDE["readable memslots"](RandomChoices(1), Config(GIB, 2 * MIB, 2)))


def test_unknown_types_next_to_the_known_ones_are_sent() -> None:
    state = ReferenceDevice(QEMU, Config(GIB, 2 * MIB, 2))
    values = {
        choose_value(RandomChoices(seed), state.fixed, state.state, Op.UNKNOWN)
        for seed in range(4000)
    }
    assert {*range(4, 16), 65535} <= values and max(values - {65535}) > 1000

"""Traces on a real QEMU: they agree with the model, wrong rules show, and failures are told."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from conformance.check.campaign import CheckReport, check
from conformance.check.runner import run_trace
from conformance.check.scenarios import SCENARIOS, Scenario
from conformance.check.shrink import shrink
from conformance.check.suite import run_scenario
from conformance.judge.finding import Kind
from conformance.judge.verdict import Verdict
from conformance.judge.virtio.rules import RULES
from conformance.targets.qemu import processor
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.qtest import QtestSocket
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import TargetError
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.extents import Extents
from model.observation import Constants, Observation, Probe, SlotLayout
from model.profiles import QEMU, QEMU_8_2, SEED_V2
from model.state import Answer, BlockState, ConcreteAction, Config, Op, action

CONFIG = fitted(Config(region=2 * GIB + 512 * MIB, block=2 * MIB, limit=256, requested=GIB))
"""Three memslots, the last one half as long."""
PER_SLOT = GIB // CONFIG.block


@pytest.fixture
def target(qemu_binary: Path) -> Iterator[QemuTarget]:
    made = QemuTarget(qemu_binary)
    yield made
    made.close()


def on(op: Op, block: int = 0, blocks: int = 1) -> ConcreteAction:
    return action(op, addr=CONFIG.addr + block * CONFIG.block, blocks=blocks)


def trace(*actions: ConcreteAction | Op, config: Config = CONFIG) -> Trace:
    steps = (action(one) if isinstance(one, Op) else one for one in actions)
    return Trace(QEMU, config, tuple(map(TraceStep, steps)))


def ran(target: QemuTarget, made: Trace) -> list[Observation]:
    outcome = run_trace(target, made)
    assert outcome.finding is None
    return list(outcome.seen)


# Agreement


@pytest.fixture(scope="module")
def generated(qemu_binary: Path) -> Iterator[CheckReport]:
    """What ten generated traces show, each of a device of its own."""
    made = QemuTarget(qemu_binary)
    yield check(made, QEMU, seed=2, traces=10, steps=60)
    made.close()


def test_generated_traces_have_no_difference(generated: CheckReport) -> None:
    assert generated.finding is None
    assert set(generated.answers) == {answer.value for answer in Answer}
    compared = generated.compared
    # What requests that came as one batch leave is seen behind the last of them.
    assert 500 < min(compared[name] for name in ("usable", "size", "requested")) <= 10 * 61
    assert compared["mapped"] > 300 and compared["notified"] > 300


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 255, 256])
def test_the_device_has_the_limit_of_the_configuration(target: QemuTarget, limit: int) -> None:
    config = fitted(replace(CONFIG, region=7 * GIB + 512 * MIB, limit=limit))
    assert config.limit == limit
    ran(target, trace(config=config))


def test_what_is_shown_at_the_start(target: QemuTarget) -> None:
    assert target.start(QEMU, CONFIG) == Observation(
        answer=Answer.DONE,
        usable=GIB + 256 * MIB,
        size=0,
        requested=GIB,
        mapped=Extents.of_ranges([]),
        slots=SlotLayout(count=3, size=GIB, last=512 * MIB),
        constants=Constants(block=CONFIG.block, addr=CONFIG.addr, region=CONFIG.region),
    )


def test_requests_answer_with_their_block_states(target: QemuTarget) -> None:
    seen = ran(
        target,
        trace(on(Op.PLUG), on(Op.STATE), on(Op.STATE, 0, 2), on(Op.STATE, 1), on(Op.PLUG, 1, 600)),
    )
    states = [one.block_state for one in seen]
    assert states == [None, BlockState.PLUGGED, BlockState.MIXED, BlockState.UNPLUGGED, None]
    assert seen[-1].answer is Answer.NACK


def test_wake_up_keeps_the_blocks_and_their_memory_also_while_a_migration_runs(
    target: QemuTarget,
) -> None:
    woken = (Op.WAKE_UP, on(Op.STATE, 0, 3))
    steps = (on(Op.PLUG, 0, 3), *woken, Op.MIGRATION_START, *woken, Op.MIGRATION_IN, *woken)
    seen = ran(target, trace(*steps))
    assert [one.size for one in seen] == [3 * CONFIG.block] * 9
    assert [one.block_state for one in seen if one.block_state] == [BlockState.PLUGGED] * 3
    assert seen[-1].memory and all(probe.held and not probe.fresh for probe in seen[-1].memory)
    # QEMU before 9.2 unplugs: a model that says so is wrong here.
    older = replace(trace(on(Op.PLUG), Op.WAKE_UP), profile=QEMU_8_2)
    finding = run_trace(target, older).finding
    assert finding is not None and (finding.what, finding.step) == ("size", 2)


UNUSED = (on(Op.PLUG), Op.UNREALIZE, Op.UNPLUG_ALL, Op.UNREALIZE, action(Op.RESIZE))
MIGRATING = (Op.MIGRATION_START, Op.UNREALIZE, Op.MIGRATION_END)
AFTERWARDS = (on(Op.STATE), Op.UNREALIZE, action(Op.RESIZE, value=GIB), Op.SYSTEM_RESET)


def test_a_device_goes_once_nobody_uses_it(target: QemuTarget) -> None:
    """It is refused while a block is plugged, then while some are requested, then in a migration;
    what is gone answers nothing, and a reset of the machine does not bring it back."""
    asked = trace(*UNUSED, *MIGRATING, Op.UNREALIZE, *AFTERWARDS, on(Op.PLUG))
    answers = [one.answer for one in ran(target, asked)]
    ack, done, no, silent = Answer.ACK, Answer.DONE, Answer.REFUSED, Answer.SILENT
    assert answers == [
        *(ack, no, ack, no, done),
        *(done, no, done),
        done,
        silent,
        no,
        no,
        no,
        silent,
    ]
    # The next trace has a device again.
    assert [one.answer for one in ran(target, trace(on(Op.PLUG)))] == [ack]


def test_a_device_that_keeps_unplugged_memory_readable_does_not_go(target: QemuTarget) -> None:
    legacy = replace(CONFIG, inaccessible=False, option=False, requested=0)
    assert [one.answer for one in ran(target, trace(Op.UNREALIZE, config=legacy))] == [
        Answer.REFUSED
    ]


def test_migration_in_maps_the_memslots_of_the_plugged_blocks(target: QemuTarget) -> None:
    around = on(Op.PLUG, PER_SLOT - 1, 2)
    before, after, plugged, last = ran(
        target, trace(around, Op.MIGRATION_IN, on(Op.STATE, PER_SLOT - 1, 2), Op.UNPLUG_ALL)
    )
    assert before.mapped == after.mapped == Extents.of_ranges([(0, 2)])
    assert plugged.block_state is BlockState.PLUGGED
    assert last.mapped == Extents.of_ranges([])


def test_memory_is_there_exactly_where_it_must_be(target: QemuTarget) -> None:
    last_bytes = CONFIG.block - 1
    two = on(Op.PLUG, PER_SLOT - 1, 2)
    seen = ran(
        target,
        trace(
            two,
            on(Op.STATE, PER_SLOT + 1),
            on(Op.STATE, 2 * PER_SLOT),
            Op.MIGRATION_IN,
            Op.DEVICE_RESET,
            on(Op.UNPLUG, PER_SLOT - 1),
            Op.UNPLUG_ALL,
        ),
    )
    near, far = (CONFIG.addr + block * CONFIG.block for block in (PER_SLOT - 1, PER_SLOT))
    corners = [near, near + last_bytes, far, far + last_bytes]
    assert seen[0].memory == tuple(Probe(addr, fresh=True, held=True) for addr in corners)
    kept = tuple(Probe(addr, fresh=False, held=True) for addr in corners)
    # Unplugged memory in a mapped memslot is left alone, elsewhere nothing holds.
    assert seen[1].memory == kept
    nowhere = CONFIG.addr + 2 * GIB
    gone = (nowhere, nowhere + last_bytes)
    assert seen[2].memory == (*kept, *(Probe(addr, fresh=True, held=False) for addr in gone))
    assert seen[3].memory == seen[4].memory == kept
    gone = (near, near + last_bytes)
    assert seen[5].memory == (*kept[2:], *(Probe(addr, fresh=True, held=False) for addr in gone))
    ends = (CONFIG.addr, CONFIG.addr + CONFIG.region - 1)
    assert seen[6].memory == tuple(Probe(addr, fresh=True, held=False) for addr in ends)


def test_every_rule_of_virtio_is_exercised_and_one_that_binds_is_broken(
    generated: CheckReport,
) -> None:
    # These three need views that QEMU does not offer; the last is that of a scenario.
    assert not {"held", "told"} & generated.compared.keys()
    unseen = {"memory-given-back", "memory-accounted", "listeners-know-plugged"}
    unseen.add("init-accepts-not-offered")
    assert {rule.id for rule in RULES if not rule.unjudged} - unseen <= set(generated.exercised)
    assert set(generated.breached) - {"reset-unplugs-all"} == {"plug-plugged-is-error"}


def test_a_plug_beyond_the_requested_size_is_not_told_that_its_block_is_plugged(
    target: QemuTarget,
) -> None:
    """VIRTIO wants ERROR for a block that is plugged already; QEMU compares sizes first."""
    config = replace(CONFIG, requested=CONFIG.block)
    _, second = ran(target, trace(on(Op.PLUG), on(Op.PLUG), config=config))
    assert second.answer is Answer.NACK


def test_one_qemu_serves_many_traces(target: QemuTarget) -> None:
    fresh = [target.start(QEMU, replace(CONFIG, requested=size)) for size in (GIB, 0)]
    first = target.pid
    busy = (on(Op.PLUG), action(Op.MIGRATION_START), action(Op.SHORT), on(Op.PLUG))
    for requested, start in ((GIB, fresh[0]), (0, fresh[1]), (GIB, fresh[0])):
        assert target.start(QEMU, replace(CONFIG, requested=requested)) == start
        for done in busy:
            target.apply(done)
    assert target.pid == first
    target.start(QEMU, replace(CONFIG, block=4 * MIB))
    assert target.pid != first


def test_several_at_a_time_find_what_one_does(qemu_binary: Path, target: QemuTarget) -> None:
    helper = QemuTarget(qemu_binary)
    size = {"seed": 4, "traces": 7, "steps": 20, "per_device": 3}
    try:
        assert check(target, QEMU, helpers=[helper], **size) == check(target, QEMU, **size)
    finally:
        helper.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_scenarios_pass(target: QemuTarget, scenario: Scenario) -> None:
    result = run_scenario(scenario, target, QEMU)
    if scenario.id.startswith("region-across-"):
        # Its machine has the region at one address.
        assert result.message.startswith("the target has no region across the address 2^")
        return
    if scenario.id == "one-memslot-fails":
        assert result.message == "the target cannot do fail-memslot"
        return
    assert (result.verdict, result.message) == (Verdict.PASS, "")


def test_a_migration_that_runs_is_finished_by_a_migration_in(target: QemuTarget) -> None:
    seen = ran(
        target,
        trace(
            on(Op.PLUG),
            Op.MIGRATION_START,
            Op.MIGRATION_START,
            on(Op.UNPLUG),
            action(Op.RESIZE, value=2 * GIB),
            Op.MIGRATION_IN,
            on(Op.UNPLUG),
            Op.MIGRATION_START,
            Op.MIGRATION_END,
            Op.MIGRATION_END,
            on(Op.PLUG),
        ),
    )
    assert [seen[index].answer for index in (3, 6, 10)] == [Answer.BUSY, Answer.ACK, Answer.ACK]
    assert seen[5].requested == 2 * GIB


def test_a_small_region_is_migrated_while_boot_memory_changes(target: QemuTarget) -> None:
    """QEMU 10.0 under TCG aborts here if the region's RAM block is the first one made."""
    config = fitted(Config(region=2 * MIB, block=MIB, limit=1))
    ran(target, trace(Op.MIGRATION_START, Op.DEVICE_RESET, Op.MIGRATION_IN, config=config))


@pytest.mark.parametrize("between", [Op.MIGRATION_IN, Op.RESIZE, Op.MIGRATION_START])
def test_a_broken_device_stays_broken(target: QemuTarget, between: Op) -> None:
    agree, refuse = (action(Op.NEGOTIATE, value=value) for value in (1, 0))
    seen = ran(
        target,
        trace(Op.SHORT, agree, refuse, between, on(Op.STATE), Op.DEVICE_RESET, on(Op.STATE)),
    )
    assert [one.answer for one in seen[:3]] == [Answer.VIOLATION, Answer.DONE, Answer.REFUSED]
    assert [one.answer for one in seen[4:]] == [Answer.SILENT, Answer.DONE, Answer.ACK]


def test_every_way_to_break_the_protocol(target: QemuTarget) -> None:
    unknown = [action(Op.UNKNOWN, value=value) for value in (4, 256, 65535)]
    for breaking in (*unknown, *[action(Op.SHORT)] * 12):
        target.start(QEMU, CONFIG)
        assert target.apply(breaking).answer is Answer.VIOLATION
        assert target.apply(breaking).answer is Answer.SILENT


def test_resize_and_violation_are_notified_and_nothing_else(target: QemuTarget) -> None:
    seen = ran(
        target,
        trace(
            on(Op.PLUG),
            action(Op.RESIZE, value=GIB),
            action(Op.RESIZE, value=GIB + 1),
            Op.UNPLUG_ALL,
            Op.MIGRATION_IN,
            Op.SYSTEM_RESET,
            Op.SHORT,
        ),
    )
    assert [one.notified for one in seen] == [False, True, False, False, False, None, True]


@pytest.mark.parametrize("inaccessible", [True, False])
def test_without_the_option_there_are_no_memslots(target: QemuTarget, inaccessible: bool) -> None:
    config = replace(CONFIG, option=False, inaccessible=inaccessible)
    refuse = action(Op.NEGOTIATE, value=0)
    seen = ran(target, trace(on(Op.PLUG), refuse, Op.MIGRATION_IN, on(Op.STATE), config=config))
    assert all(one.mapped is None and one.slots is None for one in seen)
    assert seen[1].answer is (Answer.REFUSED if inaccessible else Answer.DONE)


# Negative controls


class UnplugAllOnly(QemuTarget):
    """Without the system reset, in which the rule shows as well, and without what takes long."""

    capabilities = QemuTarget.capabilities - {"system-reset", "migration-in"}


def test_the_busy_rule_of_the_patch_is_told_from_qemu(qemu_binary: Path) -> None:
    wrong = replace(QEMU, busy_before_empty=SEED_V2.busy_before_empty)
    target = UnplugAllOnly(qemu_binary)
    report = check(target, wrong, seed=2, traces=200, steps=60)
    assert report.failing is not None
    small = shrink(target, report.failing)
    target.close()
    assert small.finding is not None and small.finding.kind is Kind.DIVERGENCE
    assert small.finding.message == "answer: allowed busy, seen ack"
    ops = [step.action.op for step in small.steps]
    assert len(ops) <= 4 and ops[-1] is Op.UNPLUG_ALL and Op.MIGRATION_START in ops


def test_post_load_of_the_patch_is_told_from_qemu(target: QemuTarget) -> None:
    wrong = replace(trace(on(Op.PLUG), Op.MIGRATION_IN), profile=SEED_V2)
    finding = run_trace(target, wrong).finding
    assert finding is not None and finding.message == "mapped: allowed [], seen [[0, 1]]"


# Failures


def test_a_configuration_that_no_machine_has_is_refused(target: QemuTarget) -> None:
    with pytest.raises(TargetError, match="limit 257, where the nearest has 256") as caught:
        target.start(QEMU, replace(CONFIG, limit=257))
    assert caught.value.kind is Kind.REFUSED


@pytest.mark.parametrize(
    ("sent", "kind", "message"),
    [
        (signal.SIGKILL, Kind.DIED, "ended by SIGKILL"),
        (signal.SIGSTOP, Kind.HUNG, "within 0.2 s; QEMU is still running"),
    ],
)
def test_a_qemu_that_ends_or_hangs_in_a_trace_is_a_finding(
    target: QemuTarget,
    monkeypatch: pytest.MonkeyPatch,
    sent: signal.Signals,
    kind: Kind,
    message: str,
) -> None:
    monkeypatch.setattr(processor, "QtestSocket", partial(QtestSocket, timeout=0.2))
    target.start(QEMU, CONFIG)
    os.kill(target.pid, sent)
    with pytest.raises(TargetError, match=message) as caught:
        target.apply(on(Op.PLUG))
    assert caught.value.kind is kind and "\n" not in str(caught.value)
    # The next trace has a QEMU of its own.
    assert target.start(QEMU, CONFIG).answer is Answer.DONE


def test_a_program_that_does_not_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="did not start"):
        QemuTarget(Path("true")).start(QEMU, CONFIG)


def test_a_closed_target_may_be_closed_again_and_does_nothing(target: QemuTarget) -> None:
    target.start(QEMU, CONFIG)
    process = target.pid
    target.close()
    target.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    with pytest.raises(RuntimeError, match="not started"):
        target.apply(on(Op.PLUG))

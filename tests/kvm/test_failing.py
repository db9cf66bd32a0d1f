"""Operations of the host that fail while a real QEMU carries a request out under KVM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from conformance.check.runner import run_trace
from conformance.judge.finding import Kind
from conformance.targets import tracing
from conformance.targets.qemu.accel import KVM
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.process import find_qemu
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import TargetError
from conformance.traces.faults import FaultsAt
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import NO_FAULTS, Answer, BlockState, ConcreteAction, Config, Faults, Op, action

pytestmark = pytest.mark.usefixtures("kvm_qemu")
CONFIG = fitted(Config(region=2 * GIB, block=2 * MIB, limit=256, requested=2 * GIB))
NO_DISCARD = replace(NO_FAULTS, discard=True)
NO_MEMORY = replace(NO_FAULTS, prealloc=True)


@pytest.fixture
def target() -> Iterator[QemuTarget]:
    if tracing.tracer() is None:
        pytest.skip("no strace: on Debian apt-get install strace")
    made = QemuTarget(find_qemu(), accel=KVM).failing()
    assert made is not None
    with closing(made):
        yield made


def on(op: Op, blocks: int, faults: Faults[bool] = NO_FAULTS) -> ConcreteAction:
    return action(op, addr=CONFIG.addr, blocks=blocks, faults=faults)


def test_a_failing_discard_is_busy_and_leaves_all_as_it_was(target: QemuTarget) -> None:
    steps = (
        on(Op.PLUG, 3),
        on(Op.UNPLUG, 2, NO_DISCARD),
        action(Op.UNPLUG_ALL, faults=NO_DISCARD),
        action(Op.SYSTEM_RESET, faults=NO_DISCARD),
        on(Op.STATE, 3),
        on(Op.UNPLUG, 2),
    )
    outcome = run_trace(target, Trace(QEMU, CONFIG, tuple(map(TraceStep, steps))))
    assert outcome.finding is None
    ack, busy = Answer.ACK, Answer.BUSY
    assert [seen.answer for seen in outcome.seen] == [ack, busy, busy, Answer.DONE, ack, ack]
    assert [seen.size // CONFIG.block for seen in outcome.seen if seen.size is not None] == [
        *(3, 3, 3, 3, 3),
        1,
    ]


@pytest.mark.parametrize("memslot", [1, 2])
def test_a_memslot_that_kvm_refuses_ends_qemu(target: QemuTarget, memslot: int) -> None:
    """Whichever of the two it is. No profile has an answer to it: kvm_set_phys_mem aborts."""
    target.start(QEMU, CONFIG)
    border = CONFIG.addr + GIB - CONFIG.block
    faults = FaultsAt(discard=False, prealloc=False, populate=True, memslot=memslot)
    with pytest.raises(TargetError, match=r"SIGABRT") as caught:
        target.apply(action(Op.PLUG, addr=border, blocks=2, faults=faults))
    assert caught.value.kind is Kind.DIED


def test_of_the_calls_for_memslots_only_the_one_of_the_number_fails(target: QemuTarget) -> None:
    """QEMU makes one for each of the two, so that the third is none of this request's."""
    target.start(QEMU, CONFIG)
    border = CONFIG.addr + GIB - CONFIG.block
    faults = FaultsAt(discard=False, prealloc=False, populate=True, memslot=3)
    seen = target.apply(action(Op.PLUG, addr=border, blocks=2, faults=faults))
    assert seen.answer is Answer.ACK


def test_a_failing_preallocation_is_busy_and_gives_all_back(target: QemuTarget) -> None:
    if not tracing.preallocates_at_once():
        pytest.skip("no MADV_POPULATE_WRITE: Linux 5.14 and later have it")
    config = target.fitted(QEMU, replace(CONFIG, prealloc=True))
    assert config.prealloc and config.region == 64 * MIB
    before = (on(Op.PLUG, 1), action(Op.UNPLUG_ALL))
    steps = (*before, on(Op.PLUG, 3, NO_MEMORY), on(Op.STATE, 3), on(Op.PLUG, 3))
    outcome = run_trace(target, Trace(QEMU, config, tuple(map(TraceStep, steps))))
    assert outcome.finding is None
    ack, busy = Answer.ACK, Answer.BUSY
    assert [seen.answer for seen in outcome.seen] == [ack, ack, busy, ack, ack]
    assert outcome.seen[2].size == 0 and outcome.seen[3].block_state is BlockState.UNPLUGGED


def test_a_preallocation_is_asked_for_where_it_can_fail_alone(target: QemuTarget) -> None:
    wish = replace(CONFIG, prealloc=True)
    assert not QemuTarget(find_qemu(), accel=KVM).fitted(QEMU, wish).prealloc
    assert target.fitted(QEMU, CONFIG) == CONFIG

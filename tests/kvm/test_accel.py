"""`check --target qemu --accel kvm`: KVM's memslots are those of the model after every step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from conformance.check.runner import run_trace
from conformance.commands import check_qemu
from conformance.generate.traces import random_trace
from conformance.judge.finding import Kind
from conformance.targets.qemu import kvmslots
from conformance.targets.qemu.accel import KVM
from conformance.targets.qemu.decision_grid import DecisionCase
from conformance.targets.qemu.process import find_qemu
from conformance.targets.qemu.target import QemuTarget
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB, TIB
from model.profiles import QEMU
from model.state import Answer, Config, Op, action

pytestmark = pytest.mark.usefixtures("kvm_qemu")
CASES = (
    DecisionCase(2 * GIB + 512 * MIB, 2 * MIB, 2 * GIB + 512 * MIB),
    DecisionCase(GIB, 2 * MIB, GIB, option=False),
    # Left out: its memslots take too much of the kernel's memory.
    DecisionCase(TIB, 2 * MIB, TIB),
)


@pytest.fixture
def target() -> Iterator[QemuTarget]:
    with closing(QemuTarget(find_qemu(), accel=KVM)) as made:
        yield made


def traced(target: QemuTarget, option: bool) -> Trace:
    trace = random_trace(QEMU, 11, 25, target.capabilities, fitted=target.fitted)
    return replace(trace, config=target.fitted(QEMU, replace(trace.config, option=option)))


@pytest.mark.parametrize("option", [True, False])
def test_kvm_holds_what_the_model_maps(target: QemuTarget, option: bool) -> None:
    outcome = run_trace(target, traced(target, option))
    assert outcome.finding is None
    assert sum(seen.mapped is not None for seen in outcome.seen) == (25 if option else 0)
    assert any(seen.mapped for seen in outcome.seen) == option


def test_decisions_are_compared_where_the_memslots_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_qemu, "decision_grid", lambda full: CASES)
    report = check_qemu.decided(find_qemu(), KVM)
    assert (report.configurations, report.mapped, report.differences) == (2, 3, ())


def keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    take = kvmslots.KvmSlots._take

    def forgetful(self: kvmslots.KvmSlots, line: str) -> None:
        if " size=0x0 " not in line:
            take(self, line)

    monkeypatch.setattr(kvmslots.KvmSlots, "_take", forgetful)


@pytest.mark.parametrize("kept", [False, True])
def test_kvm_holds_nothing_of_a_device_that_went(
    target: QemuTarget, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Without memslots of its own the device has one over the whole region until then."""
    if kept:
        keep_all(monkeypatch)
    config = target.fitted(QEMU, Config(region=GIB, block=2 * MIB, limit=256, option=False))
    outcome = run_trace(target, Trace(QEMU, config, (TraceStep(action(Op.UNREALIZE)),)))
    if kept:
        assert outcome.finding is not None and outcome.finding.kind is Kind.GARBAGE
        assert "KVM holds memslots of a device that is gone" in outcome.finding.message
    else:
        assert outcome.finding is None and outcome.seen[0].answer is Answer.DONE


def test_a_memslot_that_kvm_keeps_is_a_finding(
    target: QemuTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: one that goes is not taken note of."""
    keep_all(monkeypatch)
    outcome = run_trace(target, traced(target, True))
    assert outcome.finding is not None and outcome.finding.kind is Kind.GARBAGE
    assert "memslots in the device's region, QEMU's memory tree" in outcome.finding.message

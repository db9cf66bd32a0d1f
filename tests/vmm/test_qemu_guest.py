"""The bare guest in a QEMU under TCG: the same traces, over the machine's own processor."""

from conformance.check.campaign import check
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.target import QemuTarget
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Answer, Config, Op, action

CONFIG = fitted(Config(region=2 * GIB, block=2 * MIB, limit=256, requested=GIB))


def test_generated_traces_have_no_difference(guest_in_qemu: QemuTarget) -> None:
    report = check(guest_in_qemu, QEMU, seed=5, traces=3, steps=60, per_device=3)
    assert report.finding is None
    assert (report.traces, report.steps) == (3, 180)
    # What requests that came as one batch leave is seen behind the last of them.
    assert 150 < report.compared["mapped"] == report.compared["usable"] <= 3 * 61
    assert report.compared["memory"] > 100 and report.compared["notified"] > 100
    assert {"ack", "nack", "error", "busy", "violation", "silent"} <= set(report.answers)


def test_the_guest_starts_again_with_the_machine(guest_in_qemu: QemuTarget) -> None:
    guest_in_qemu.start(QEMU, CONFIG)
    assert guest_in_qemu.apply(action(Op.PLUG, addr=CONFIG.addr, blocks=3)).answer is Answer.ACK
    assert guest_in_qemu.apply(action(Op.SYSTEM_RESET)).size == 0
    seen = guest_in_qemu.apply(action(Op.PLUG, addr=CONFIG.addr, blocks=3))
    assert seen.answer is Answer.ACK and seen.memory and all(probe.held for probe in seen.memory)


def test_the_guest_goes_on_in_the_destination_of_a_migration(guest_in_qemu: QemuTarget) -> None:
    guest_in_qemu.start(QEMU, CONFIG)
    guest_in_qemu.apply(action(Op.PLUG, addr=CONFIG.addr, blocks=3))
    first = guest_in_qemu.pid
    seen = guest_in_qemu.apply(action(Op.MIGRATION_IN))
    assert guest_in_qemu.pid != first
    assert seen.size == 3 * CONFIG.block and seen.memory
    assert all(probe.held and not probe.fresh for probe in seen.memory)

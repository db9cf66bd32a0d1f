"""The bare guest in a QEMU under TCG: the same traces, over the machine's own processor."""

from dataclasses import replace
from functools import partial

import pytest

from conformance.check.campaign import check
from conformance.check.runner import run_trace
from conformance.targets.driver.bus import Access, DriverError, load, store
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.vmm.resume import pvh_entry, waking_table
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Answer, Config, Op, action

CONFIG = fitted(Config(region=2 * GIB, block=2 * MIB, limit=256, requested=GIB))


def test_generated_traces_have_no_difference(guest_in_qemu: QemuTarget) -> None:
    report = check(guest_in_qemu, QEMU, seed=17, traces=3, steps=60, per_device=3)
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
    # A general protection fault (13), of the second access: the guest tells of it and goes on.
    bus = guest_in_qemu._started().bus
    with pytest.raises(DriverError, match="exception 13 in the guest at store 0x800000000000"):
        bus.exchange(load(0x1000, 1), store(1 << 47, 1, 8), load(0x1000, 1))
    assert len(bus.exchange(load(0x1000, 1))) == 1


def test_the_guest_goes_on_in_the_destination_of_a_migration(guest_in_qemu: QemuTarget) -> None:
    guest_in_qemu.start(QEMU, CONFIG)
    guest_in_qemu.apply(action(Op.PLUG, addr=CONFIG.addr, blocks=3))
    first = guest_in_qemu.pid
    seen = guest_in_qemu.apply(action(Op.MIGRATION_IN))
    assert guest_in_qemu.pid != first
    assert seen.size == 3 * CONFIG.block and seen.memory
    assert all(probe.held and not probe.fresh for probe in seen.memory)


def test_the_guest_comes_back_from_suspend_with_its_memory(guest_in_qemu: QemuTarget) -> None:
    """By its waking vector, twice, and while a migration runs; a reset would unplug the blocks."""
    blocks = partial(action, addr=CONFIG.addr, blocks=3)
    woken = (action(Op.WAKE_UP), blocks(Op.STATE))
    moved = (action(Op.MIGRATION_START), *woken, action(Op.MIGRATION_IN))
    steps = (blocks(Op.PLUG), *woken, *moved, *woken)
    outcome = run_trace(guest_in_qemu, Trace(QEMU, CONFIG, tuple(map(TraceStep, steps))))
    assert outcome.finding is None
    assert [seen.size for seen in outcome.seen] == [3 * CONFIG.block] * len(steps)
    last = outcome.seen[-1]
    assert last.memory and all(probe.held and not probe.fresh for probe in last.memory)


def test_the_guest_gives_its_device_away(guest_in_qemu: QemuTarget) -> None:
    empty = replace(CONFIG, requested=0)
    steps = map(action, (Op.UNREALIZE, Op.STATE, Op.SYSTEM_RESET, Op.RESIZE))
    outcome = run_trace(guest_in_qemu, Trace(QEMU, empty, tuple(map(TraceStep, steps))))
    assert outcome.finding is None
    assert [seen.answer.value for seen in outcome.seen] == ["done", "silent", "refused", "refused"]


class NoMemory:
    """A machine in which every byte is 0."""

    def exchange(self, *accesses: Access) -> list[bytes]:
        return [bytes(access.width) for access in accesses]

    def number(self, access: Access) -> int:
        return 0

    def late(self, what: str) -> DriverError:
        return DriverError(what)


def test_without_the_firmwares_tables_nothing_is_suspended() -> None:
    with pytest.raises(DriverError, match="no RSDP, so nothing tells how to come back"):
        waking_table(NoMemory())
    with pytest.raises(DriverError, match="the guest has no PVH entry"):
        pvh_entry(b"\x7fELF")

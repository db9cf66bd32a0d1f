"""A real libkrun, judged by the text of VIRTIO and by what the host sees. Needs /dev/kvm."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed import Told, ended, killed

from conformance.check.campaign import check
from conformance.check.suite import judge_for, read_expected
from conformance.targets.vmm.machine import Vmm
from conformance.targets.vmm.target import VmmTarget
from model.arithmetic import MIB
from model.extents import Extents
from model.profiles import CLOUD_HYPERVISOR
from model.state import Answer, Config, Op, action

KNOWN = read_expected(Path(__file__).parents[2] / "docs" / "known-faults" / "krun.toml")
STEP = 128 * MIB


@pytest.fixture
def target(libkrun: Vmm) -> Iterator[VmmTarget]:
    made = VmmTarget(libkrun)
    yield made
    made.close()


def started(target: VmmTarget) -> Config:
    """A device of the only kind, just started."""
    config = target.fitted(CLOUD_HYPERVISOR, Config(region=STEP, block=2 * MIB, limit=1))
    target.start(CLOUD_HYPERVISOR, config)
    return config


def test_generated_traces_break_no_binding_rule_but_the_one_known(target: VmmTarget) -> None:
    report = check(
        target, CLOUD_HYPERVISOR, seed=5, traces=3, steps=40, judge=judge_for("virtio", KNOWN)
    )
    assert report.finding is None
    assert set(KNOWN) == {"memory-given-back"} <= set(report.breached)
    # What requests that came as one batch leave is seen behind the last of them.
    assert report.steps == 120 and report.exercised["config-plugged-size"] > 100


def test_kvm_has_what_was_grown(target: VmmTarget) -> None:
    started(target)
    seen = [target.apply(action(Op.RESIZE, value=size)) for size in (STEP, 3 * STEP, 2 * STEP)]
    assert [one.answer for one in seen] == [Answer.DONE, Answer.DONE, Answer.REFUSED]
    assert [one.mapped for one in seen] == [Extents.of_ranges([(0, end)]) for end in (1, 3, 3)]


def test_the_host_memory_behind_a_block_is_seen(target: VmmTarget) -> None:
    """libkrun of smolmachines 1.32.2 acknowledges UNPLUG and gives nothing back."""
    config = started(target)
    target.apply(action(Op.RESIZE, value=STEP))
    plugged = target.apply(action(Op.PLUG, addr=config.addr, blocks=2))
    unplugged = target.apply(action(Op.UNPLUG, addr=config.addr, blocks=2))
    assert (unplugged.answer, unplugged.size) == (Answer.ACK, 0)
    assert [part.held for part in plugged.held or ()] == [8192, 8192]
    assert unplugged.held == plugged.held


def test_a_vmm_and_its_tracer_end_with_a_checker_that_is_killed(
    libkrun: Vmm, tmp_path: Path
) -> None:
    told = Told(tmp_path / "pid")
    script = (
        "import signal\n"
        "from conformance.targets.vmm.krun import krun\n"
        "from conformance.targets.vmm.target import VmmTarget\n"
        "from model.profiles import CLOUD_HYPERVISOR\n"
        "from model.state import Config\n"
        "target = VmmTarget(krun(None))\n"
        f"given = Config(region={STEP}, block={2 * MIB}, limit=1)\n"
        "target.start(CLOUD_HYPERVISOR, target.fitted(CLOUD_HYPERVISOR, given))\n"
        f"{told.says('target.pid')}\n"
        f"{told.says('target._host._watch._tracer.pid')}\n"
        "signal.pause()"
    )
    try:
        assert all(map(ended, killed([sys.executable, "-c", script], told, 2)))
    finally:
        told.close()

"""Lists of events on a real Linux guest, and what its kernel told of its driver."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from conformance.commands import check_driver
from conformance.drive.run import judged
from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.driver.seen import Asked, Rested
from conformance.runlog.kernel import explain_kernel, kernel_lines
from conformance.targets.linux.debian import DEFAULT_SUITE, debian_kernel, static_busybox
from conformance.targets.linux.kernel import KernelError, installed_kernel, read_kernel
from conformance.targets.linux.target import LinuxTarget
from conformance.traces.driven import Do, Driven, Event, Setup
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Answer, Config, Op

BINDING = frozenset(rule.id for rule in DRIVER_RULES if rule.binding)


@pytest.fixture(scope="module")
def kernel() -> Path:
    """A kernel to boot; without one a skip, or a failure if a QEMU is required."""
    try:
        static_busybox()
        return installed_kernel() or debian_kernel(DEFAULT_SUITE)
    except KernelError as error:
        if os.environ.get("SLOTPROOF_REQUIRE_QEMU") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def linux(qemu_binary: Path, kernel: Path) -> Iterator[LinuxTarget]:
    """One guest, booted once for all tests."""
    target = LinuxTarget(qemu_binary, read_kernel(kernel), static_busybox())
    yield target
    target.close()


def test_five_lists_on_the_kernel_at_hand(
    linux: LinuxTarget,
    qemu_binary: Path,
    kernel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(check_driver, "opened_driver", lambda wish: (linux, qemu_binary))
    monkeypatch.setattr(linux, "close", lambda: None)
    words = ["check", "--driver", "linux", "--target", f"qemu:{qemu_binary}", "--seed", "1"]
    words += ["--kernel", str(kernel), "--failures", str(tmp_path), "--json", "--steps", "6"]
    result = CliRunner().invoke(slotproof, words)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["lists"] == 5 and told["driver"].startswith("linux ")
    assert {"busy", "fill", "migrate", "reset", "scribble", "suspend"} <= set(told["events"])
    rules = {rule["id"]: rule for rule in told["rules"]}
    assert all(rules[id]["broken"] == 0 for id in BINDING)
    # One requested size that was reached is the least.
    assert told["reached"] >= 5 and told["answers"]["plug ack"] >= 5
    for id in ("driver-reacts", "driver-unplugged-not-written", "driver-plugs-no-more"):
        assert rules[id]["exercised"] >= 5
    assert rules["driver-no-suspend"]["exercised"] == told["events"]["suspend"]
    assert [r for r in told["device_rules"] if r["broken"]] == []


def test_busy_scribbled_and_migrated_it_comes_to_rest_where_it_should(linux: LinuxTarget) -> None:
    events = (
        Event(Do.SCRIBBLE),
        Event(Do.RESIZE, 256 * MIB),
        Event(Do.SETTLE),
        Event(Do.FILL, 4 * MIB),
        Event(Do.BUSY),
        Event(Do.RESIZE, 384 * MIB),
        Event(Do.SETTLE),
        Event(Do.MIGRATE),
        Event(Do.SETTLE),
        Event(Do.RESIZE, 128 * MIB),
    )
    setup = Setup(GIB, 2 * MIB)
    played = linux.play(setup, events)
    outcome = judged(Driven(setup, events), played, BINDING)
    assert outcome.run.found is None and outcome.breaches == () == outcome.device_breaches
    asked = [seen for seen in played.seen if isinstance(seen, Asked)]
    assert {(one.op, one.answer) for one in asked} >= {
        (Op.PLUG, Answer.ACK),
        (Op.PLUG, Answer.BUSY),
        (Op.UNPLUG, Answer.ACK),
    }
    assert outcome.short == 1 and sum(outcome.reached.values()) == 3
    (*_, last) = (seen for seen in played.seen if isinstance(seen, Rested))
    assert last.intact and last.used is not None and last.used >= 128 * MIB
    # What the guest's own kernel tells of it fits the same device.
    (lines,) = kernel_lines(played.log).values()
    config = Config(region=setup.region, block=setup.block, limit=1)
    assert explain_kernel(QEMU, config, lines) == len(asked)


def test_a_kernel_started_by_kexec_unplugs_what_it_finds(linux: LinuxTarget) -> None:
    events = (Event(Do.RESIZE, 128 * MIB), Event(Do.SETTLE), Event(Do.KEXEC), Event(Do.SETTLE))
    setup = Setup(GIB, 2 * MIB)
    played = linux.play(setup, events)
    assert played.failure is None
    outcome = judged(Driven(setup, events), played, BINDING)
    assert outcome.exercised["driver-unplugs-all-first"] == 1 and outcome.breaches == ()
    assert outcome.answers["unplug-all ack"] == 1

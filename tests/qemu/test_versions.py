"""QEMU 7.2, which has no memslots, unpacked beside: traces, scenarios, and wrong use."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.check import steps
from conformance.check.campaign import check
from conformance.check.scenarios import SCENARIOS
from conformance.check.suite import read_expected, run_scenario
from conformance.cli import slotproof
from conformance.judge.judge import Judge
from conformance.judge.verdict import Verdict
from conformance.targets.qemu.process import has_memslots, lacking, qemu_version
from conformance.targets.qemu.target import QemuTarget
from model.profiles import QEMU_7_2, QEMU_8_2
from model.state import Op

pytestmark = pytest.mark.qemu
HERE = Path(__file__).parent
KNOWN = HERE.parents[1] / "docs" / "known-faults" / "qemu-7.2.toml"
BUSY = "empty-unplug-all-acknowledged"
TOLERANT = Judge(tolerated=frozenset({BUSY}))


@pytest.fixture(scope="session")
def old_qemu() -> Path:
    """The QEMU of Debian 12, fetched once; without it a skip, or a failure if one is required."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    there = cache / "slotproof" / "qemu" / "bookworm" / "qemu-system-x86_64"
    if there.exists():
        return there
    if os.environ.get("SLOTPROOF_REQUIRE_QEMU") != "1":
        pytest.skip("no QEMU 7.2: tests/qemu/unpack.sh bookworm fetches it")
    run = subprocess.run([HERE / "unpack.sh", "bookworm"], capture_output=True, text=True)
    if run.returncode != 0:
        pytest.fail(f"tests/qemu/unpack.sh bookworm: {run.stderr[-500:]}")
    return Path(run.stdout.strip())


@pytest.fixture
def target(old_qemu: Path) -> Iterator[QemuTarget]:
    made = QemuTarget(old_qemu, memslots=False, lacking=lacking(old_qemu))
    yield made
    made.close()


def test_it_is_the_version_without_memslots(old_qemu: Path) -> None:
    assert qemu_version(old_qemu).startswith("7.2.")
    assert not has_memslots(old_qemu)
    assert lacking(old_qemu) == {"wake-up", "unrealize", "persistent-suspend"}


def test_generated_traces_have_no_difference(target: QemuTarget) -> None:
    report = check(target, QEMU_7_2, seed=7, traces=6, steps=60, judge=TOLERANT, per_device=2)
    assert report.finding is None
    assert report.compared["memory"] > 500 and "mapped" not in report.compared


def test_scenarios_pass(target: QemuTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its one memslot neither comes nor goes: a few turns are as many as a thousand.
    monkeypatch.setattr(steps, "TURNS", 4)
    results = [run_scenario(one, target, QEMU_7_2, TOLERANT) for one in SCENARIOS]
    assert {one.message for one in results if one.verdict is not Verdict.PASS} == {
        "the target cannot do persistent-suspend",
        "the target cannot do unrealize",
        "the device has one memslot, which borders on no other",
        "the device has no short last memslot of several blocks",
        "the target has no region across the address 2^32",
        "the target has no region across the address 2^63",
    }


def test_its_busy_rule_tells_it_from_later_ones(target: QemuTarget) -> None:
    # From this seed its first trace has an UNPLUG ALL that meets nothing plugged while busy.
    report = check(target, QEMU_8_2, seed=6, traces=4, steps=60, per_device=2)
    assert report.failing is not None and report.finding is not None
    assert report.finding.message == "answer: allowed ack, seen busy"
    assert report.failing.steps[-1].action.op is Op.UNPLUG_ALL


def test_it_is_checked_by_its_own_profile_only(old_qemu: Path, tmp_path: Path) -> None:
    arguments = ["check", "--target", f"qemu:{old_qemu}", "--failures", str(tmp_path)]
    wrong = CliRunner().invoke(slotproof, arguments)
    assert wrong.exit_code == 2 and wrong.stderr.endswith("; or --profile qemu-7.2\n")
    few = ["--profile", "qemu-7.2", "--traces", "2", "--steps", "20", "--expect", str(KNOWN)]
    assert BUSY in read_expected(KNOWN)
    result = CliRunner().invoke(slotproof, [*arguments, *few, "--only", "reboot"])
    assert result.exit_code == 0, result.output

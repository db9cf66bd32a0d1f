"""Each bug of the example device is found, made small and explained; without one it agrees."""

import importlib.util
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.check.campaign import check
from conformance.check.shrink import shrink
from conformance.cli import slotproof
from conformance.judge.finding import Kind
from conformance.targets.command import CommandTarget
from model.arithmetic import GIB, MIB
from model.profiles import PROFILES, QEMU

DEVICE = Path(__file__).parents[2] / "docs" / "example_device.py"
COMMAND = f"{sys.executable} {DEVICE}"
SPEC = importlib.util.spec_from_file_location("example_device", DEVICE)
assert SPEC and SPEC.loader
EXAMPLE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(EXAMPLE)

# The field that gives a bug away, and the fewest operations that can.
EXPECTED = {
    "floor-slots": ("slots", []),
    "last-slot-full-size": ("slots", []),
    "no-minimum": ("slots", []),
    "forget-activate": ("mapped", ["plug"]),
    "never-unmap": ("mapped", ["plug", "unplug"]),
    "unmap-early": ("mapped", ["plug", "unplug"]),
    "no-rollback": ("mapped", ["plug"]),
    "busy-ack": ("answer", ["plug", "migration-start", "unplug"]),
    "size-drift": ("size", ["plug", "unplug"]),
    "usable-edge": ("answer", ["plug"]),
    "over-request": ("answer", ["plug"]),
    "state-mixed": ("state", ["plug", "state"]),
    "silent-resize": ("notified", ["resize"]),
    "migration-forgets": ("mapped", ["plug", "migration-in"]),
}


def test_every_bug_has_its_control() -> None:
    assert set(EXPECTED) == set(EXAMPLE.BUGS)
    assert len(EXPECTED) >= 6


@pytest.mark.parametrize("profile", ["qemu", "seed-v2"])
def test_the_example_without_a_bug_never_differs(profile: str) -> None:
    target = CommandTarget(COMMAND)
    try:
        for seed in range(40):
            report = check(target, PROFILES[profile], seed=seed, traces=2, steps=60)
            # The profile of the patch breaks claims, with which the device agrees.
            claims = {Kind.INVARIANT, Kind.CONTRACT}
            assert report.finding is None or report.finding.kind in claims
            assert profile == "seed-v2" or report.finding is None
    finally:
        target.close()


@pytest.mark.parametrize("bug", list(EXPECTED))
def test_a_bug_is_found_within_twenty_traces_and_made_small(bug: str) -> None:
    target = CommandTarget(f"{COMMAND} --bug {bug}")
    try:
        report = check(target, QEMU, seed=3, traces=20, steps=60)
        assert report.failing is not None
        small = shrink(target, report.failing)
    finally:
        target.close()
    assert small.finding is not None
    assert small.finding.kind is Kind.DIVERGENCE
    field, operations = EXPECTED[bug]
    assert small.finding.what == field
    assert small.config.region <= 4 * max(1 << 30, small.config.block)
    if not operations:
        assert small.finding.step == len(small.steps) == 0
        return
    assert len(small.steps) <= len(operations) + 1
    last = small.steps[-1].action.op.value
    assert last.startswith(operations[-1]) or bug in ("never-unmap", "size-drift", "usable-edge")


@pytest.mark.parametrize("bug", ["floor-slots", "last-slot-full-size"])
def test_a_region_cut_wrongly_shrinks_to_the_smallest_device_that_shows_it(bug: str) -> None:
    target = CommandTarget(f"{COMMAND} --bug {bug}")
    try:
        report = check(target, QEMU, seed=2, traces=20, steps=60)
        assert report.failing is not None
        small = shrink(target, report.failing)
    finally:
        target.close()
    config = small.config
    assert (config.region, config.block, config.limit) == (GIB + MIB, MIB, 2)
    assert config.requested == 0


def test_a_bug_is_fixed_by_running_its_trace_on_a_device_without_it(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(slotproof, [*arguments])
        return result.exit_code, result.stdout

    bad = f"cmd:{COMMAND} --bug unmap-early"
    code, text = run("check", "--target", bad, "--failures", str(tmp_path))
    assert code == 1
    assert "divergence: mapped" in text
    (kept,) = map(str, tmp_path.iterdir())
    assert run("trace", "replay", kept)[0] == 1
    code, text = run("trace", "replay", kept, "--target", bad)
    assert (code, text.splitlines()[0]) == (1, "still fails")
    code, text = run("trace", "replay", kept, "--target", f"cmd:{COMMAND}")
    assert (code, text.split(":")[0]) == (0, "fixed")
    code, text = run("trace", "shrink", kept, "--target", bad, "--failures", str(tmp_path))
    assert (code, text.splitlines()[0]) == (0, f"2 steps made 2, kept as {kept}")


def test_a_profile_that_the_example_does_not_know_is_refused() -> None:
    target = CommandTarget(COMMAND)
    try:
        report = check(target, PROFILES["qemu-8.2"], seed=0, traces=1, steps=5)
    finally:
        target.close()
    assert report.finding is not None
    assert report.finding.kind is Kind.REFUSED

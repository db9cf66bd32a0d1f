"""Each scenario fails on a device with its fault under the text oracle, and passes on a right one;
without the view that it needs it is skipped."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.check.catalogue import PROGRAM, opened
from conformance.check.explain import explain, failure_of
from conformance.check.scenarios import SCENARIO_NAMED, SCENARIOS
from conformance.check.shrink import shrink
from conformance.check.suite import judge_for, of_scenario, run_scenario
from conformance.cli import slotproof
from conformance.judge.judge import EXACT
from conformance.judge.verdict import Verdict
from conformance.targets.command import CommandTarget
from conformance.targets.reference import ReferenceTarget
from model.profiles import QEMU

# The scenario's fault, and the rule that names it.
FAULTS = {
    "huge-requested-size": ("huge-size-wraps", "resize-as-set"),
    "memslots-in-a-snapshot": ("snapshot-at-borders", "memory-plugged-kept"),
    "reboot": ("system-reset-keeps", "reset-unplugs-all"),
    "restore-then-unplug": ("migration-drops-memory", "memory-plugged-kept"),
    "memslots-reused": ("only-thousand-turns", "plug-possible"),
    "resize-before-driver": ("resize-before-driver-lost", "resize-as-set"),
    "unknown-request": ("unknown-stays-broken", "answers-every-request"),
    "option-off": ("size-of-unplug-all", "unplug-all-empties"),
    "nothing-requested": ("usable-edge", "plug-outside-is-error"),
    "mixed-range": ("mixed-is-plugged", "state-mixed"),
    "four-in-a-batch": ("batch-second-lost", "answers-every-request"),
    "plug-and-unplug-in-a-batch": ("batch-second-lost", "answers-every-request"),
}
# What takes descriptors, which a program has none of: tests/unit/test_layouts.py.
OF_DESCRIPTORS = {
    *("request-in-parts", "response-beyond-memory", "response-that-wraps"),
    *("response-in-the-device", "other-rings", "suspend-with-plugged-blocks"),
}
OF_THE_PROFILE = "unplug-all-of-nothing-while-busy"
TEXT = judge_for("virtio", {"plug-plugged-is-error"})


@contextmanager
def device(fault: str | None) -> Iterator[CommandTarget]:
    with closing(opened(fault)) as target:
        yield target


def test_every_scenario_has_its_fault() -> None:
    assert {*FAULTS, OF_THE_PROFILE, *OF_DESCRIPTORS} == {scenario.id for scenario in SCENARIOS}


@pytest.mark.parametrize("id", FAULTS)
def test_a_scenario_fails_on_its_fault_and_is_explained(id: str) -> None:
    fault, rule = FAULTS[id]
    scenario = SCENARIO_NAMED[id]
    with device(fault) as target:
        result = run_scenario(scenario, target, QEMU, TEXT)
        assert result.verdict is Verdict.FAIL, result
        assert result.trace is not None and result.trace.finding is not None
        assert result.trace.finding.what == rule
        if id == "memslots-reused":
            assert len(result.trace.steps) > 2000
            return
        small = shrink(target, result.trace, judge=of_scenario(scenario, TEXT))
    assert len(small.steps) <= 4
    assert explain(failure_of(small), "again")[0].startswith("virtio: ")


def test_every_scenario_passes_on_the_right_device() -> None:
    with closing(CommandTarget(shlex.join([sys.executable, str(PROGRAM), "--queue"]))) as target:
        for scenario in SCENARIOS:
            skipped = Verdict.SKIPPED if scenario.id in OF_DESCRIPTORS else Verdict.PASS
            due = Verdict.SKIPPED if scenario.id == OF_THE_PROFILE else skipped
            assert run_scenario(scenario, target, QEMU, TEXT).verdict is due, scenario.id
            assert run_scenario(scenario, target, QEMU, EXACT).verdict is skipped, scenario.id


def test_what_only_the_profile_says_fails_with_the_profile() -> None:
    scenario = SCENARIO_NAMED[OF_THE_PROFILE]
    with device("empty-unplug-all-busy") as target:
        assert run_scenario(scenario, target, QEMU, EXACT).verdict is Verdict.FAIL


@pytest.mark.parametrize("id", ["memslots-in-a-snapshot", "restore-then-unplug"])
def test_without_a_view_of_memory_a_scenario_about_it_is_skipped(id: str) -> None:
    result = run_scenario(SCENARIO_NAMED[id], ReferenceTarget(), QEMU)
    assert result.verdict is Verdict.SKIPPED
    assert result.message.startswith("memory-plugged-kept never applied")


def test_a_scenario_that_nothing_ran_of_decides_nothing() -> None:
    target = f"cmd:{shlex.join([sys.executable, str(PROGRAM), '--queue'])}"
    arguments = ["check", "--target", target, "--only", "request-in-parts"]
    result = CliRunner().invoke(slotproof, arguments)
    assert result.exit_code == 3, result.output
    assert "request-in-parts: the target cannot do framing" in result.stdout
    assert "holds" not in result.stdout


def test_a_scenario_that_fails_is_explained(tmp_path: Path) -> None:
    fault = shlex.join([sys.executable, str(PROGRAM), "--fault", "batch-second-lost"])
    arguments = ["check", "--target", f"cmd:{fault}", "--only", "four-in-a-batch"]
    arguments += ["--oracle", "virtio", "--failures", str(tmp_path)]
    result = CliRunner().invoke(slotproof, arguments)
    assert result.exit_code == 1, result.output
    for part in ("\nvirtio: ", "\n  step 1", ", sent together with the next", "\nreplay: "):
        assert part in result.stdout

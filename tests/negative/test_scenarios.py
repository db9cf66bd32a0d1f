"""Each scenario fails on a device with its fault under the text oracle, and passes on a right one;
without the view that it needs it is skipped."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.check.asked import Made, made
from conformance.check.catalogue import PROGRAM, opened
from conformance.check.explain import explain, failure_of
from conformance.check.scenarios import SCENARIO_NAMED, SCENARIOS
from conformance.check.shrink import shrink
from conformance.check.suite import judge_for, of_scenario, run_scenario
from conformance.cli import slotproof
from conformance.judge.judge import EXACT
from conformance.judge.verdict import Verdict
from conformance.targets.command import CommandTarget
from conformance.targets.limits import Bound, Limits
from conformance.targets.reference import ReferenceTarget
from model.arithmetic import MIB
from model.observation import Observation
from model.profiles import QEMU, Profile
from model.state import Answer, ConcreteAction, Config, Op
from model.state import action as action_of

# The scenario's fault, and the rule that names it.
FAULTS = {
    "huge-requested-size": ("huge-size-wraps", "resize-as-set"),
    "memslots-in-a-snapshot": ("snapshot-at-borders", "memory-plugged-kept"),
    "reboot": ("system-reset-keeps", "reset-unplugs-all"),
    "restore-then-unplug": ("migration-drops-memory", "memory-plugged-kept"),
    "memslots-reused": ("only-thousand-turns", "plug-possible"),
    "full-memslot": ("counts-in-sixteen-bits", "memory-plugged-kept"),
    "many-plugged-ranges": ("unplug-all-six-ranges", "unplug-all-empties"),
    "short-last-memslot": ("short-last-unmapped-too-soon", "memory-plugged-kept"),
    "largest-request": ("one-hole-unseen", "state-mixed"),
    "long-life": ("twentieth-resize-silent", "config-change-notified"),
    "region-across-2-to-the-32": ("across-four-gibibytes", "plug-possible"),
    "region-across-2-to-the-63": ("address-in-double", "state-misaligned-is-error"),
    "resize-before-driver": ("resize-before-driver-lost", "resize-as-set"),
    "unknown-request": ("unknown-stays-broken", "answers-every-request"),
    "one-memslot-fails": ("memslots-before-discarded", "memory-plugged-kept"),
    "option-off": ("size-of-unplug-all", "unplug-all-empties"),
    "readable-memory": ("driver-refused", "init-accepts-not-offered"),
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
# What only a profile says, and the fault that differs from it.
OF_THE_PROFILE = {
    "unplug-all-of-nothing-while-busy": "empty-unplug-all-busy",
    "broken-through-a-migration": "migration-cures",
    "unplugged-from-the-machine": "goes-while-busy",
}
SHRUNK_TO = {"long-life": 20, "many-plugged-ranges": 8}
"""Steps that are left of a scenario whose fault takes many; 4 at most for the others."""
TEXT = judge_for("virtio", {"plug-plugged-is-error"})
NEEDS = judge_for("virtio", {"plug-plugged-is-error"}, needs=True)


@contextmanager
def device(fault: str | None) -> Iterator[CommandTarget]:
    with closing(opened(fault)) as target:
        yield target


def test_every_scenario_has_its_fault() -> None:
    assert {*FAULTS, *OF_THE_PROFILE, *OF_DESCRIPTORS} == {scenario.id for scenario in SCENARIOS}


@pytest.mark.parametrize("id", FAULTS)
def test_a_scenario_fails_on_its_fault_and_is_explained(id: str) -> None:
    fault, rule = FAULTS[id]
    scenario = SCENARIO_NAMED[id]
    with device(fault) as target:
        result = run_scenario(scenario, target, QEMU, NEEDS)
        assert result.verdict is Verdict.FAIL, result
        assert result.trace is not None and result.trace.finding is not None
        assert result.trace.finding.what == rule
        if id == "memslots-reused":
            assert len(result.trace.steps) > 2000
            return
        small = shrink(target, result.trace, judge=of_scenario(scenario, NEEDS))
    assert len(small.steps) <= SHRUNK_TO.get(id, 4)
    assert explain(failure_of(small), "again")[0].startswith("virtio: ")


def test_every_scenario_passes_on_the_right_device() -> None:
    with closing(CommandTarget(shlex.join([sys.executable, str(PROGRAM), "--queue"]))) as target:
        for scenario in SCENARIOS:
            skipped = Verdict.SKIPPED if scenario.id in OF_DESCRIPTORS else Verdict.PASS
            due = Verdict.SKIPPED if scenario.id in OF_THE_PROFILE else skipped
            assert run_scenario(scenario, target, QEMU, TEXT).verdict is due, scenario.id
            assert run_scenario(scenario, target, QEMU, EXACT).verdict is skipped, scenario.id


@pytest.mark.parametrize(
    ("id", "fault"),
    [
        *OF_THE_PROFILE.items(),
        ("unplugged-from-the-machine", "goes-while-requested"),
        ("unplugged-from-the-machine", "gone-answers"),
    ],
)
def test_what_only_the_profile_says_fails_with_the_profile(id: str, fault: str) -> None:
    with device(fault) as target:
        assert run_scenario(SCENARIO_NAMED[id], target, QEMU, EXACT).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("id", "fault"),
    [
        ("long-life", "late-state"),
        ("long-life", "late-migration"),
        ("long-life", "fifth-reset-keeps"),
        ("long-life", "sixteenth-nonsense-stays"),
        ("long-life", "late-unplug-all"),
        ("many-plugged-ranges", "migration-eight-ranges"),
        ("many-plugged-ranges", "reset-twenty-ranges"),
        ("many-plugged-ranges", "wake-up-twelve-ranges"),
        ("region-across-2-to-the-63", "signed-addresses"),
        ("largest-request", "largest-at-last-block"),
        ("mixed-range", "state-remembered"),
        ("one-memslot-fails", "memslots-before-kept"),
        ("one-memslot-fails", "failed-memslot-kept"),
        ("plug-and-unplug-in-a-batch", "batch-sixteenth-lost"),
        ("plug-and-unplug-in-a-batch", "batch-answered-backwards"),
    ],
)
def test_a_scenario_finds_the_other_faults_of_its_kind(id: str, fault: str) -> None:
    with device(fault) as target:
        assert run_scenario(SCENARIO_NAMED[id], target, QEMU, NEEDS).verdict is Verdict.FAIL


class BusyNowAndThen(ReferenceTarget):
    """Answers every third PLUG by BUSY, as any device may."""

    plugs = 0

    def apply(self, action: ConcreteAction) -> Observation:
        self.plugs += action.op is Op.PLUG
        if action.op is not Op.PLUG or self.plugs % 3:
            return super().apply(action)
        return replace(super().apply(action_of(Op.NEGOTIATE, value=1)), answer=Answer.BUSY)


@pytest.mark.parametrize("id", ["memslots-reused", "resize-before-driver", "long-life"])
def test_what_drivers_need_fails_a_scenario_where_it_is_asked_for_only(id: str) -> None:
    target, scenario = BusyNowAndThen(), SCENARIO_NAMED[id]
    target.plugs = 2
    assert run_scenario(scenario, target, QEMU, NEEDS).verdict is Verdict.FAIL
    target.plugs = 2
    result = run_scenario(scenario, target, QEMU, TEXT)
    if "plug-possible" in scenario.rules:
        # It has not passed either: its own fault may look like this.
        assert result.verdict is Verdict.SKIPPED
        assert result.message.startswith("plug-possible, what drivers need, is broken at step")
        assert result.message.endswith(": busy: with --needs it fails")
    else:
        assert result.verdict is Verdict.PASS


class Fitted(ReferenceTarget):
    """Has devices within its limits only."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits

    def fitted(self, profile: Profile, config: Config) -> Config:
        return self.limits.fitted(config)


def test_borders_of_memslots_are_those_of_the_device() -> None:
    scenario = SCENARIO_NAMED["memslots-in-a-snapshot"]
    slot = 80 * MIB
    asked = made(scenario, Fitted(Limits({"region": Bound(high=5 * slot)}, {}, slot)), QEMU)
    assert isinstance(asked, Made)
    trace = asked.trace
    plugs = [one.action for one in trace.steps if one.action.op is Op.PLUG]
    ends = [plug.addr + trace.config.block - trace.config.addr for plug in plugs]
    assert ends == [slot, 2 * slot, 3 * slot, 4 * slot]


def test_a_scenario_about_memslots_starts_its_device_once() -> None:
    target = Counting()
    assert run_scenario(SCENARIO_NAMED["short-last-memslot"], target, QEMU).verdict is Verdict.PASS
    assert target.starts == 1


class Counting(ReferenceTarget):
    starts = 0

    def start(self, profile: Profile, config: Config) -> Observation:
        self.starts += 1
        return super().start(profile, config)


def test_a_device_too_small_for_a_scenario_is_told_so() -> None:
    few = Fitted(Limits({"region": Bound(high=3 * MIB), "block": Bound(high=MIB)}, {}))
    told = {
        "four-in-a-batch": "a region of 3 blocks is too small for it",
        "restore-then-unplug": "a region of 3 blocks is too small for it",
        "memslots-in-a-snapshot": "the device has one memslot, which borders on no other",
        "short-last-memslot": "the device has no short last memslot of several blocks",
    }
    few.capabilities = few.capabilities | {"batch"}
    for id, why in told.items():
        assert run_scenario(SCENARIO_NAMED[id], few, QEMU).message == why
    fixed = Fitted(Limits({"addr": Bound(1 << 40, 1 << 40)}, {}))
    result = run_scenario(SCENARIO_NAMED["region-across-2-to-the-63"], fixed, QEMU)
    assert result.message == "the target has no region across the address 2^63"


def test_a_request_that_was_rejected_is_why_a_rule_never_applied() -> None:
    target = BusyNowAndThen()
    target.plugs = 2
    result = run_scenario(SCENARIO_NAMED["mixed-range"], target, QEMU, TEXT)
    assert result.verdict is Verdict.SKIPPED
    assert "never applied: the request of step 1, plug, was answered by busy" in result.message


@pytest.mark.parametrize("id", ["memslots-in-a-snapshot", "restore-then-unplug"])
def test_without_a_view_of_memory_a_scenario_about_it_is_skipped(id: str) -> None:
    result = run_scenario(SCENARIO_NAMED[id], ReferenceTarget(), QEMU)
    assert result.verdict is Verdict.SKIPPED
    assert result.message == "memory-plugged-kept never applied: the target does not show memory"


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

"""The lockstep run: what counts as a finding, and what is counted."""

from dataclasses import replace
from typing import Any

import pytest

from conformance.check.campaign import TraceDone, check
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.generate.traces import random_trace
from conformance.judge.finding import Finding, Kind
from conformance.judge.judge import EXACT
from conformance.judge.oracle import (
    BY_THEMSELVES,
    FIELDS,
    broken_by_layout,
    broken_by_state,
    differing,
)
from conformance.targets.recorded import RecordedTarget
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import VIEWS, TargetError
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.device import ReferenceDevice
from model.extents import Extents
from model.invariants import INVARIANTS
from model.observation import Constants, Observation, Probe, SlotLayout
from model.profiles import QEMU, SEED_V2, Profile
from model.state import Answer, BlockState, ConcreteAction, ConcreteState, Config, Op, action

CONFIG = Config(region=4 * GIB, block=MIB, limit=4, requested=4 * GIB)
PLUG = action(Op.PLUG, addr=CONFIG.addr, blocks=1)


def trace_of(*actions: ConcreteAction, profile: Profile = QEMU, config: Config = CONFIG) -> Trace:
    return Trace(profile, config, tuple(map(TraceStep, actions)))


class Odd(ReferenceTarget):
    """The reference device, but one step shows something else."""

    def __init__(self, step: int, **changes: Any) -> None:
        super().__init__()
        self.left, self.changes = step, changes

    def start(self, profile: Profile, config: Config) -> Observation:
        return self.changed(super().start(profile, config))

    def apply(self, action: ConcreteAction) -> Observation:
        return self.changed(super().apply(action))

    def changed(self, seen: Observation) -> Observation:
        self.left -= 1
        return replace(seen, **self.changes) if self.left == -1 else seen


CHANGES: dict[str, Any] = {
    "answer": Answer.BUSY,
    "state": BlockState.MIXED,
    "size": 7,
    "requested": 7,
    "usable": 7,
    "mapped": Extents.of_ranges([(2, 3)]),
    "notified": True,
}


@pytest.mark.parametrize("name", list(CHANGES))
@pytest.mark.parametrize("step", [1, 2])
def test_a_differing_field_is_a_divergence(name: str, step: int) -> None:
    target = Odd(step, **{FIELDS[name]: CHANGES[name]})
    found = run_trace(target, trace_of(PLUG, PLUG)).finding
    assert found is not None
    assert (found.kind, found.what, found.step) == (Kind.DIVERGENCE, name, step)


def test_a_device_that_starts_wrong_is_found_at_step_0() -> None:
    found = run_trace(Odd(0, usable=0), trace_of(PLUG)).finding
    assert found == Finding(Kind.DIVERGENCE, "usable", 0, f"usable: allowed {4 * GIB}, seen 0")


def test_every_field_has_its_place_to_differ() -> None:
    assert set(CHANGES) == set(FIELDS) - {"slots", "constants", *BY_THEMSELVES}


CUT = SlotLayout(count=4, size=GIB, last=GIB)


@pytest.mark.parametrize(
    "cut",
    [replace(CUT, count=5), replace(CUT, size=2 * GIB), replace(CUT, last=MIB)],
    ids=["count", "size", "last"],
)
def test_a_region_that_is_cut_otherwise_is_found_at_the_start(cut: SlotLayout) -> None:
    found = run_trace(Odd(0, slots=cut), trace_of(PLUG)).finding
    assert found is not None
    assert (found.kind, found.what, found.step) == (Kind.DIVERGENCE, "slots", 0)
    assert found.message == (
        f"slots: allowed count 4 size {GIB} last {GIB}, "
        f"seen count {cut.count} size {cut.size} last {cut.last}"
    )


def test_how_the_region_is_cut_is_promised_for_the_start_only() -> None:
    found = run_trace(Odd(0, slots=None), trace_of(PLUG)).finding
    assert found is not None
    assert (found.what, found.step) == ("slots", 0)
    silent = Odd(0, slots=None)
    silent.capabilities = ReferenceTarget.capabilities - {"slots"}  # type: ignore[misc]
    assert run_trace(silent, trace_of(PLUG)).finding is None
    assert run_trace(ReferenceTarget(), trace_of(PLUG)).compared["slots"] == 1
    assert run_trace(Odd(1, slots=CUT), trace_of(PLUG)).finding is None


@pytest.mark.parametrize(
    ("profile", "changes", "cut"),
    [
        (QEMU, {"region": 4 * GIB + MIB, "limit": 8}, SlotLayout(5, GIB, MIB)),
        (QEMU, {"limit": 1}, SlotLayout(1, 4 * GIB, 4 * GIB)),
        (QEMU, {"option": False}, None),
        (SEED_V2, {"option": False}, SlotLayout(1, 4 * GIB, 4 * GIB)),
    ],
)
def test_the_model_says_how_it_cut_the_region(
    profile: Profile, changes: dict[str, Any], cut: SlotLayout | None
) -> None:
    assert ReferenceTarget().start(profile, replace(CONFIG, **changes)).slots == cut


# The model has no queue, so nothing is compared with `used`: a rule of VIRTIO judges it.
AFTER_A_STEP = sorted(VIEWS - {"slots", "constants", "memory", "used"})


@pytest.mark.parametrize("name", AFTER_A_STEP)
def test_a_promised_view_that_is_not_shown_is_a_divergence(name: str) -> None:
    found = run_trace(Odd(1, **{name: None}), trace_of(PLUG)).finding
    assert found is not None
    assert (found.what, found.step) == (name, 1)


@pytest.mark.parametrize("name", AFTER_A_STEP)
def test_a_view_that_is_not_promised_may_be_missing(name: str) -> None:
    target = Odd(1, **{name: None})
    target.capabilities = ReferenceTarget.capabilities - {name}  # type: ignore[misc]
    outcome = run_trace(target, trace_of(PLUG))
    assert outcome.finding is None
    assert outcome.compared[name] == (0 if name in {"notified", "told"} else 1)
    assert outcome.compared["answer"] == 2


OTHERWISE = Constants(block=2 * MIB, addr=CONFIG.addr, region=CONFIG.region)


def test_other_constants_are_found_at_the_start_and_another_node_is_not() -> None:
    assert OTHERWISE.block != CONFIG.block
    found = run_trace(Odd(0, constants=OTHERWISE), trace_of(PLUG)).finding
    assert found is not None and (found.what, found.step) == ("constants", 0)
    same = replace(OTHERWISE, block=CONFIG.block, node=3)
    assert run_trace(Odd(0, constants=same), trace_of(PLUG)).finding is None


def test_promised_memory_that_is_not_shown_is_a_divergence() -> None:
    blind = ReferenceTarget()
    blind.capabilities = ReferenceTarget.capabilities | {"memory"}  # type: ignore[misc]
    found = run_trace(blind, trace_of(PLUG)).finding
    assert found is not None and (found.what, found.step) == ("memory", 1)


FIRST, SECOND, FAR = CONFIG.addr, CONFIG.addr + CONFIG.block, CONFIG.addr + 2 * GIB


@pytest.mark.parametrize(
    ("probe", "fault"),
    [
        (Probe(FIRST, fresh=True, held=True), None),
        (Probe(FIRST, fresh=True, held=False), "is plugged and does not hold what was written"),
        (Probe(FIRST, fresh=False, held=False), "does not hold what was written earlier"),
        # Unplugged, in a mapped memslot: as the device likes.
        (Probe(SECOND, fresh=True, held=True), None),
        (Probe(SECOND, fresh=True, held=False), None),
        (Probe(FAR, fresh=True, held=False), None),
        (Probe(FAR, fresh=True, held=True), "(memslot 2) is in a memslot that is not mapped"),
        (Probe(CONFIG.addr - 1, fresh=True, held=False), "is outside the region"),
        (Probe(CONFIG.addr + CONFIG.region, fresh=True, held=False), "is outside the region"),
    ],
)
def test_memory_is_judged_by_what_is_plugged_and_mapped(probe: Probe, fault: str | None) -> None:
    found = run_trace(Odd(1, memory=(probe,)), trace_of(PLUG)).finding
    if fault is None:
        assert found is None
        return
    assert found is not None and (found.kind, found.what) == (Kind.DIVERGENCE, "memory")
    assert fault in found.message


def test_a_block_state_counts_as_compared_where_either_side_shows_one() -> None:
    ask = action(Op.STATE, addr=CONFIG.addr, blocks=1)
    assert run_trace(ReferenceTarget(), trace_of(PLUG, ask, PLUG)).compared["state"] == 1
    assert run_trace(Odd(1, block_state=None), trace_of(ask)).compared["state"] == 1
    assert run_trace(Odd(1, block_state=BlockState.MIXED), trace_of(PLUG)).compared["state"] == 1
    assert run_trace(ReferenceTarget(), trace_of(PLUG)).compared["state"] == 0


def test_a_run_keeps_what_the_start_showed() -> None:
    trace = trace_of(PLUG)
    run = as_run(trace, run_trace(Odd(0, usable=0), trace))
    assert run.seen is not None and run.seen.usable == 0
    assert run.seen_at(0) == run.seen
    assert run_trace(RecordedTarget(run), run).finding == run.finding


def test_a_block_state_that_is_missing_is_a_divergence() -> None:
    ask = action(Op.STATE, addr=CONFIG.addr, blocks=1)
    found = run_trace(Odd(1, block_state=None), trace_of(ask)).finding
    assert found is not None
    assert found.what == "state"


def test_nobody_need_look_into_a_device_that_is_gone() -> None:
    config = replace(CONFIG, requested=0)
    hidden = dict.fromkeys(VIEWS)
    outcome = run_trace(Odd(1, **hidden), trace_of(action(Op.UNREALIZE), config=config))
    assert outcome.finding is None


def test_an_invariant_that_the_profile_breaks_is_a_finding() -> None:
    trace = trace_of(PLUG, action(Op.MIGRATION_IN), PLUG, profile=SEED_V2)
    outcome = run_trace(ReferenceTarget(), trace)
    assert outcome.finding == Finding(
        Kind.INVARIANT, "plugged-in-mapped", 2, "plugged-in-mapped does not hold"
    )
    run = as_run(trace, outcome)
    assert len(run.steps) == 2
    assert run.steps[1].seen is not None
    assert RecordedTarget(run).state() is None
    assert run_trace(RecordedTarget(run), run).finding == outcome.finding


class Hidden(ReferenceTarget):
    """A device whose own state is wrong though it shows nothing of it."""

    def state(self) -> ConcreteState:
        return replace(super().state(), size=1)


def test_the_devices_own_state_is_checked_where_it_is_open() -> None:
    found = run_trace(Hidden(), trace_of(PLUG)).finding
    assert found is not None
    assert (found.kind, found.what, found.step) == (Kind.INVARIANT, "size-matches-bitmap", 0)


def test_a_layout_that_breaks_an_invariant_is_found_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def one_more(config: Config, fixed: Any, passes: Any) -> tuple[str | None, int]:
        slots = replace(fixed.slots, count=fixed.slots.count + 1)
        return broken_by_layout(config, replace(fixed, slots=slots), passes)

    monkeypatch.setattr("conformance.check.runner.broken_by_layout", one_more)
    found = run_trace(ReferenceTarget(), trace_of(PLUG)).finding
    assert found is not None
    assert (found.kind, found.what, found.step) == (Kind.INVARIANT, "count-in-limit", 0)


def test_the_oracle_names_the_first_invariant_that_a_state_breaks() -> None:
    device = ReferenceDevice(QEMU, CONFIG)
    device.apply(PLUG)
    bad = replace(device.state, mapped=Extents.of_ranges([(1, 2)]))
    assert broken_by_state(device.fixed, bad) == ("plugged-in-mapped", 1)
    assert broken_by_state(device.fixed, device.state)[0] is None


def test_a_known_fault_hides_no_other_of_the_same_step() -> None:
    """QEMU after a migration that maps nothing: one claim is known, the next one is found."""
    wrong = replace(QEMU, post_load_maps=False)
    steps = TraceStep(PLUG), TraceStep(action(Op.MIGRATION_IN))
    found, judge = [], EXACT
    while (seen := run_trace(ReferenceTarget(), Trace(wrong, CONFIG, steps), judge)).finding:
        found.append(seen.finding.what)
        judge = replace(judge, tolerated=frozenset(found))
    assert found == ["plugged-in-mapped", "plugged-seen-mapped"]
    assert seen.tolerated == {"plugged-in-mapped": 1, "plugged-seen-mapped": 1}


def test_every_invariant_is_checked_for_some_mapping() -> None:
    checks = 0
    for profile, config in (
        (QEMU, CONFIG),
        (SEED_V2, replace(CONFIG, inaccessible=False)),
        (QEMU, replace(CONFIG, option=False)),
    ):
        device = ReferenceDevice(profile, config)
        checks += broken_by_state(device.fixed, device.state)[1]
        layout = broken_by_layout(config, device.fixed)
        assert layout[0] is None
    # The mappings share all state invariants but one each.
    assert checks // 3 + 2 + layout[1] == len(INVARIANTS)


def test_a_check_counts_what_it_did() -> None:
    events: list[TraceDone] = []
    target = ReferenceTarget()
    report = check(target, QEMU, seed=1, traces=7, steps=9, listeners=[events.append])
    assert (report.traces, report.steps, report.failing, report.finding) == (7, 63, None, None)
    assert sum(report.answers.values()) == 63
    assert report.compared["answer"] == 70
    assert report.compared["state"] < 20
    assert report.invariant_checks > 0
    assert events == [TraceDone(n, 7, 9) for n in range(1, 8)]
    assert report == check(target, QEMU, seed=1, traces=7, steps=9)


def test_a_check_stops_at_the_first_failing_trace() -> None:
    report = check(ReferenceTarget(), SEED_V2, seed=1, traces=50, steps=100)
    assert report.traces < 50
    assert report.failing is not None
    assert report.finding is not None
    assert report.finding.step == len(report.failing.steps)


@pytest.mark.parametrize("kind", [Kind.DIED, Kind.HUNG, Kind.GARBAGE])
def test_a_target_that_fails_ends_the_trace_with_its_finding(kind: Kind) -> None:
    class Failing(ReferenceTarget):
        def apply(self, action: ConcreteAction) -> Observation:
            if action.op is Op.SHORT:
                raise TargetError(kind, "it failed")
            return super().apply(action)

    trace = trace_of(PLUG, action(Op.SHORT), PLUG)
    outcome = run_trace(Failing(), trace)
    assert outcome.finding == Finding(kind, "", 2, "it failed")
    run = as_run(trace, outcome)
    assert [step.seen is None for step in run.steps] == [False, True]


def test_a_recorded_trace_holds_as_it_was_recorded() -> None:
    trace = random_trace(QEMU, 4, 50)
    assert run_trace(RecordedTarget(trace), trace).finding is None
    forged = replace(trace.steps[9], seen=Observation(Answer.SILENT))
    bad = replace(trace, steps=(*trace.steps[:9], forged, *trace.steps[10:]))
    found = run_trace(RecordedTarget(bad), bad).finding
    assert found is not None
    assert found.step == 10


def test_a_device_that_was_not_started_says_so() -> None:
    target = ReferenceTarget()
    with pytest.raises(RuntimeError, match="not started"):
        target.apply(PLUG)
    target.close()


def test_differing_names_the_first_field_only() -> None:
    seen = Observation(Answer.ACK, size=1, usable=2)
    assert differing(seen, seen) is None
    assert differing(seen, replace(seen, size=3, usable=4)) == "size"
    assert differing(seen, replace(seen, size=None)) is None

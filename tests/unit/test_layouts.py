"""How requests lie in the queue: trace files, generated layouts, batches in a run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.check.asked import Made, made
from conformance.check.campaign import check
from conformance.check.runner import run_trace
from conformance.check.scenarios import SCENARIO_NAMED
from conformance.check.shrink import shrink
from conformance.check.suite import judge_for, run_scenario
from conformance.generate.layouts import laid_out
from conformance.generate.traces import random_trace
from conformance.judge.judge import Judge
from conformance.judge.verdict import Verdict
from conformance.judge.virtio.rules import RULES
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import (
    BATCH,
    FRAMING,
    ONE_EACH,
    PERSISTENT,
    RINGS,
    STRAY,
    Asked,
    needs,
)
from conformance.traces.batches import batched, together
from conformance.traces.codec import CodecError
from conformance.traces.layout import (
    MAX_BATCH,
    PLAIN,
    SETS_UP,
    Layout,
    Place,
    layout_from_json,
    layout_to_json,
)
from conformance.traces.trace import Trace, TraceError, TraceStep, read_trace, write_trace
from model.arithmetic import GIB, MIB
from model.observation import Observation
from model.profiles import QEMU
from model.state import NO_FAULTS, REQUESTS, Answer, ConcreteAction, Config, Op, action

LAYOUTS = (PLAIN, Layout(parts=16, indirect=True), Layout(room=4096, more=True))
QUEUES = (Layout(packed=True), Layout(event_index=True, persistent_suspend=True))
BINDING = frozenset(rule.id for rule in RULES if rule.binding) - {"plug-plugged-is-error"}
BOTH = Judge(rules=BINDING)
CONFIG = Config(region=GIB, block=MIB, limit=2)


class Queued(ReferenceTarget):
    """The reference device with a queue: answers as `said` makes of them, with their lengths."""

    def __init__(self, said: Callable[[int, Observation], Observation] | None = None) -> None:
        super().__init__()
        self.capabilities = self.capabilities | {BATCH, FRAMING, "used"}  # type: ignore[misc]
        self.said = said or (lambda _, seen: seen)
        self.batches: list[int] = []

    def together(self, asked: Sequence[Asked]) -> list[Observation]:
        self.batches.append(len(asked))
        seen = [super(Queued, self).apply(one.action) for one in asked]
        only = [Observation(one.answer, one.block_state) for one in seen[:-1]]
        last = replace(seen[-1], told=tuple(told for one in seen for told in one.told or ()))
        return [self.said(at, measured(one)) for at, one in enumerate((*only, last))]

    def apply(self, action: ConcreteAction) -> Observation:
        return self.said(0, measured(super().apply(action)))


def measured(seen: Observation) -> Observation:
    answered = seen.answer in (Answer.ACK, Answer.NACK, Answer.BUSY, Answer.ERROR)
    return replace(seen, used=10) if answered else seen


def lost(at: int, seen: Observation) -> Observation:
    return silent(seen) if at == 1 else seen


def twelve(at: int, seen: Observation) -> Observation:
    return replace(seen, used=12) if seen.used is not None and at else seen


@pytest.mark.parametrize("layout", (*LAYOUTS, *QUEUES))
def test_a_layout_comes_back_from_its_json(layout: Layout) -> None:
    assert layout_from_json(layout_to_json(layout)) == layout


def test_what_is_unlike_a_plain_layout_is_told() -> None:
    assert PLAIN.told() == []
    assert Layout(parts=16, room=4096, more=True).told() == [
        "request in 16 descriptors",
        "4096 bytes for the response",
        "sent together with the next",
    ]
    assert Layout(packed=True).told() == ["then a packed ring"]
    values = {"response_parts": 2, "place": Place.WRAPS, "indirect": True}
    others = {"event_index": True, "persistent_suspend": True}
    assert all(Layout(**{name: value}).told() for name, value in {**values, **others}.items())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"parts": 17}, "layout.parts is 17: expected a whole number within 1..16"),
        ({"room": 9}, "layout.room is 9"),
        ({"more": 1}, "layout.more is 1: expected true or false"),
        ({"place": "here"}, "layout.place is 'here': known are own, beyond"),
        ({"kick": True}, "layout has 'kick'"),
    ],
)
def test_a_wrong_layout_is_one_line(value: object, told: str) -> None:
    with pytest.raises(CodecError, match=told):
        layout_from_json(value)


def test_a_trace_file_keeps_layouts(tmp_path: Path) -> None:
    steps = tuple(TraceStep(action(Op.UNPLUG_ALL), layout=layout) for layout in LAYOUTS)
    trace = Trace(QEMU, Config(region=GIB, block=MIB, limit=2), steps)
    write_trace(trace, tmp_path / "t.jsonl")
    assert read_trace(tmp_path / "t.jsonl") == trace
    assert "layout" not in (tmp_path / "t.jsonl").read_text().splitlines()[1]


@pytest.mark.parametrize("layout", QUEUES)
def test_a_queue_is_set_up_after_a_reset_alone(layout: Layout, tmp_path: Path) -> None:
    config, path = Config(region=GIB, block=MIB, limit=2), tmp_path / "t.jsonl"
    trace = Trace(QEMU, config, (TraceStep(action(Op.DEVICE_RESET), layout=layout),))
    write_trace(trace, path)
    assert read_trace(path) == trace
    path.write_text(path.read_text().replace("device-reset", "unplug-all"))
    with pytest.raises(TraceError, match="expected after device-reset or system-reset"):
        read_trace(path)


def test_an_event_of_the_host_is_in_no_batch() -> None:
    """What shrinking leaves of a batch: the request behind is gone."""
    requests = [action(op, addr=4 * GIB, blocks=1) for op in (Op.PLUG, Op.UNPLUG)]
    resize = action(Op.RESIZE, value=GIB)
    steps = [
        TraceStep(one, layout=Layout(more=True)) for one in (*requests, resize, *requests, resize)
    ]
    assert [(number, len(part)) for number, part in together(steps)] == [
        *((1, 2), (3, 1), (4, 2), (6, 1))
    ]
    assert [len(part) for _, part in together(steps[:2])] == [2]


def test_layouts_come_from_the_seed_and_leave_the_actions_alone() -> None:
    able = frozenset({BATCH, FRAMING})
    made = [random_trace(QEMU, seed, 120) for seed in range(8)]
    for trace in made:
        assert laid_out(trace, frozenset()) is trace
        again = laid_out(trace, able)
        assert again == laid_out(trace, able)
        assert [one.action for one in again.steps] == [one.action for one in trace.steps]
        for _, steps in together(again.steps):
            assert len(steps) <= MAX_BATCH
            if len(steps) > 1:
                assert {one.action.op for one in steps} <= REQUESTS - {Op.UNKNOWN, Op.SHORT}
    every = [step for trace in made for step in laid_out(trace, able).steps]
    assert sum(step.layout.more for step in every) > 50
    assert sum(replace(step.layout, more=False) != PLAIN for step in every) > 50
    only = [step for trace in made for step in laid_out(trace, frozenset({BATCH})).steps]
    assert {replace(step.layout, more=False) for step in only} == {PLAIN}
    whole = [step for trace in made for step in laid_out(trace, able | {ONE_EACH}).steps]
    assert {(step.layout.parts, step.layout.response_parts) for step in whole} == {(1, 1)}
    assert len({step.layout.room for step in whole}) == 3


def test_a_request_for_which_the_host_fails_stays_by_itself() -> None:
    alone = replace(action(Op.UNPLUG_ALL), faults=replace(NO_FAULTS, discard=True))
    trace = Trace(QEMU, CONFIG, (TraceStep(action(Op.UNPLUG_ALL)), TraceStep(alone)) * 100, seed=1)
    steps = laid_out(trace, frozenset({BATCH, FRAMING})).steps
    assert {step.layout for step in steps if step.action.faults.discard} == {PLAIN}
    assert not any(step.layout.more for step in steps)
    assert {step.layout for step in steps} > {PLAIN}


def test_batches_of_every_size_are_sent() -> None:
    requests = [TraceStep(action(Op.STATE, addr=4 * GIB, blocks=1))] * 300
    trace = Trace(QEMU, Config(region=GIB, block=MIB, limit=2), tuple(requests), seed=1)
    sizes = {len(steps) for _, steps in together(laid_out(trace, frozenset({BATCH})).steps)}
    assert sizes == {1, 2, 3, 4, 8, 16}


def test_no_batch_is_larger_than_sixteen() -> None:
    requests = [TraceStep(action(Op.UNPLUG_ALL))] * 40
    steps = [*requests, TraceStep(action(Op.DEVICE_RESET)), *requests[:3]]
    assert [len(batch) for _, batch in together(batched(steps))] == [16, 16, 8, 1, 3]


def test_a_scenario_sends_as_many_together_as_can_be() -> None:
    scenario = SCENARIO_NAMED["memslots-reused"]
    one, other = made(scenario, ReferenceTarget(), QEMU), made(scenario, Queued(), QEMU)
    assert isinstance(one, Made) and isinstance(other, Made)
    alone, queued = one.trace, other.trace
    assert [step.action for step in alone.steps] == [step.action for step in queued.steps]
    assert {len(steps) for _, steps in together(alone.steps)} == {1}
    assert max(len(steps) for _, steps in together(queued.steps)) == MAX_BATCH
    assert sum(1 for _ in together(queued.steps)) < len(alone.steps) / 6


def test_what_a_layout_takes() -> None:
    asked = action(Op.UNPLUG_ALL)
    assert needs(asked, Layout(more=True)) == {"unplug-all", BATCH}
    assert needs(asked, Layout(parts=2)) == {"unplug-all", FRAMING}
    assert needs(asked, Layout(place=Place.WRAPS)) == {"unplug-all", STRAY}
    reset = action(Op.DEVICE_RESET)
    assert needs(reset, Layout(packed=True)) == {"device-reset", RINGS}
    assert needs(reset, Layout(event_index=True)) == {"device-reset", RINGS}
    assert needs(reset, Layout(persistent_suspend=True)) == {"device-reset", PERSISTENT}


@pytest.mark.parametrize("able", [RINGS, PERSISTENT])
def test_queues_are_set_up_as_the_device_offers_them(able: str) -> None:
    steps = [
        step
        for seed in range(8)
        for step in laid_out(random_trace(QEMU, seed, 120), frozenset({able})).steps
    ]
    resets = [step for step in steps if step.action.op in SETS_UP]
    assert {step.layout for step in steps if step.action.op not in SETS_UP} == {PLAIN}
    rings = {(step.layout.packed, step.layout.event_index) for step in resets}
    assert len(rings) == (4 if able is RINGS else 1)
    assert {step.layout.persistent_suspend for step in resets} == {False, able is PERSISTENT}


def test_batches_of_a_right_device_are_no_difference() -> None:
    target = Queued()
    report = check(target, QEMU, seed=3, traces=12, steps=60, judge=BOTH)
    assert report.finding is None
    assert max(target.batches) >= 3
    assert report.exercised["used-length"] > 100


def test_what_unplug_all_closes_in_a_batch_is_closed_to_the_next_request() -> None:
    config = Config(region=4 * GIB, block=2 * MIB, limit=4, requested=4 * GIB)
    steps = (
        TraceStep(action(Op.RESIZE, value=GIB)),
        TraceStep(action(Op.UNPLUG_ALL), layout=Layout(more=True)),
        TraceStep(action(Op.PLUG, addr=config.addr + 3 * GIB, blocks=1)),
    )
    outcome = run_trace(Queued(), Trace(QEMU, config, steps), judge_for("virtio", needs=True))
    assert outcome.finding is None and not outcome.breaches
    assert [seen.answer for seen in outcome.seen] == [Answer.DONE, Answer.ACK, Answer.ERROR]


@pytest.mark.parametrize(
    ("said", "rule"), [(lost, "answers-every-request"), (twelve, "used-length")]
)
def test_a_fault_in_a_batch_is_found_and_made_small(
    said: Callable[[int, Observation], Observation], rule: str
) -> None:
    target = Queued(said)
    report = check(target, QEMU, seed=3, traces=12, steps=60, judge=BOTH)
    assert report.failing is not None
    small = shrink(target, report.failing, judge=BOTH)
    assert small.finding is not None and small.finding.what == rule
    assert [step.layout.more for step in small.steps] == [True, False]


def test_a_target_without_batches_gets_the_requests_one_by_one() -> None:
    target = Queued(lost)
    report = check(target, QEMU, seed=3, traces=12, steps=60, judge=BOTH)
    assert report.failing is not None
    assert run_trace(ReferenceTarget(), report.failing, BOTH).finding is None


def test_scenarios_of_the_queue_pass_and_fail() -> None:
    names = ("four-in-a-batch", "plug-and-unplug-in-a-batch", "request-in-parts")
    for name in names:
        scenario = SCENARIO_NAMED[name]
        assert run_scenario(scenario, Queued(), QEMU).verdict is Verdict.PASS, name
    for name in names[:2]:
        failing = run_scenario(SCENARIO_NAMED[name], Queued(lost), QEMU)
        assert failing.verdict is Verdict.FAIL and "no response" in failing.message
    skipped = run_scenario(SCENARIO_NAMED["response-that-wraps"], Queued(), QEMU)
    assert skipped.verdict is Verdict.SKIPPED and "cannot do stray" in skipped.message


class Strict(Queued):
    """Wants each request and each response in one descriptor, and stays broken after a response
    that had no place."""

    def __init__(self, *, strict: bool = True) -> None:
        super().__init__()
        self.capabilities = self.capabilities | {STRAY}  # type: ignore[misc]
        self.strict, self.stuck = strict, False

    def together(self, asked: Sequence[Asked]) -> list[Observation]:
        seen = super().together(asked)
        layout = asked[-1].layout
        self.stuck = self.strict and layout.place is not Place.OWN
        refuses = self.strict and layout.parts > 1
        return [*seen[:-1], silent(seen[-1]) if refuses else seen[-1]]

    def apply(self, action: ConcreteAction) -> Observation:
        seen = super().apply(action)
        return silent(seen) if self.stuck and action.op in REQUESTS else seen


def silent(seen: Observation) -> Observation:
    return replace(seen, answer=Answer.SILENT, block_state=None, used=None)


@pytest.mark.parametrize(
    "id",
    [
        *("request-in-parts", "response-beyond-memory", "response-that-wraps"),
        "response-in-the-device",
    ],
)
def test_scenarios_of_descriptors_pass_and_fail(id: str) -> None:
    scenario = SCENARIO_NAMED[id]
    assert run_scenario(scenario, Strict(strict=False), QEMU).verdict is Verdict.PASS
    failing = run_scenario(scenario, Strict(), QEMU)
    assert failing.verdict is Verdict.FAIL and "no response" in failing.message


class Unlike(Queued):
    """A device that is another with another queue: with a packed ring the second request of a batch
    is lost, and so is memory in a suspend once PERSISTENT_SUSPEND was accepted."""

    def __init__(self, *, right: bool = False) -> None:
        super().__init__()
        self.capabilities = self.capabilities | {RINGS, PERSISTENT}  # type: ignore[misc]
        self.right, self.queue = right, PLAIN

    def together(self, asked: Sequence[Asked]) -> list[Observation]:
        seen = super().together(asked)
        if asked[0].action.op in SETS_UP:
            self.queue = asked[0].layout
        loses = self.queue.packed and not self.right
        return [lost(at, one) if loses else one for at, one in enumerate(seen)]

    def apply(self, action: ConcreteAction) -> Observation:
        forgets = self.queue.persistent_suspend and not self.right
        if action.op is Op.WAKE_UP and forgets:
            action = replace(action, op=Op.SYSTEM_RESET)
        return super().apply(action)


@pytest.mark.parametrize(
    ("id", "told"),
    [
        ("other-rings", "plug had no response"),
        ("suspend-with-plugged-blocks", "4194304 became 0 in wake-up"),
    ],
)
def test_scenarios_of_queues_pass_and_fail(id: str, told: str) -> None:
    scenario = SCENARIO_NAMED[id]
    assert run_scenario(scenario, Unlike(right=True), QEMU).verdict is Verdict.PASS
    failing = run_scenario(scenario, Unlike(), QEMU, Judge(rules=BINDING, exact=False))
    assert failing.verdict is Verdict.FAIL and told in failing.message

"""A target that does not show what it promised is told so, and accused of nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.check.campaign import check
from conformance.check.explain import explain, failure_of
from conformance.check.failed import allowed_by_text
from conformance.check.runner import run_trace
from conformance.check.shrink import shrink
from conformance.check.suite import judge_for
from conformance.generate.traces import random_trace
from conformance.judge.finding import Finding, Kind
from conformance.judge.host import unaccounted
from conformance.judge.judge import Judge
from conformance.judge.oracle import FIELDS
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import VIEWS
from conformance.traces.trace import Trace, trace_text
from model.extents import Extents
from model.observation import HostMemory, Observation
from model.profiles import FIRECRACKER, QEMU
from model.state import Answer, ConcreteAction, Op

JUDGES = {"exact": judge_for("exact"), "virtio": judge_for("virtio", needs=True)}
# QEMU breaks this rule itself, as the report of every check says.
JUDGES["virtio"] = replace(
    JUDGES["virtio"], rules=JUDGES["virtio"].rules - {"plug-plugged-is-error", "reset-unplugs-all"}
)
TRACE = random_trace(QEMU, 8, 60)


class Stopping(ReferenceTarget):
    """Shows fields no longer from a step on, and goes on answering rightly."""

    def __init__(self, at: int, *names: str, promised: bool = True) -> None:
        super().__init__()
        self.at, self.names = at, names
        if not promised:
            self.capabilities = ReferenceTarget.capabilities - {*names}  # type: ignore[misc]

    def start(self, *arguments: object) -> Observation:
        self.step = 0
        return self.without(super().start(*arguments))  # type: ignore[arg-type]

    def apply(self, action: ConcreteAction) -> Observation:
        self.step += 1
        return self.without(super().apply(action))

    def without(self, seen: Observation) -> Observation:
        if self.step < self.at:
            return seen
        return replace(seen, **{FIELDS[name]: None for name in self.names})  # type: ignore[arg-type]


@pytest.mark.parametrize("oracle", JUDGES)
@pytest.mark.parametrize("names", [("size",), ("usable", "size", "requested"), ("held",)])
def test_views_that_stop_are_named_with_the_step(oracle: str, names: tuple[str, ...]) -> None:
    found = run_trace(Stopping(30, *names), TRACE, JUDGES[oracle]).finding
    first, *_ = told = sorted(names)
    message = f"{', '.join(told)}: promised, and not shown from step 30 on"
    assert found == Finding(Kind.UNSHOWN, first, 30, message)
    assert run_trace(ReferenceTarget(), TRACE, JUDGES[oracle]).finding is None


@pytest.mark.parametrize("oracle", JUDGES)
@pytest.mark.parametrize("name", sorted(ReferenceTarget.capabilities & VIEWS))
def test_a_view_that_never_comes_is_a_finding_whatever_judges(oracle: str, name: str) -> None:
    after = name in {"notified", "told"}
    since = "from step 1 on" if after else "at the start"
    found = run_trace(Stopping(0, name), TRACE, JUDGES[oracle]).finding
    message = f"{name}: promised, and not shown {since}"
    assert found == Finding(Kind.UNSHOWN, name, int(after), message)
    unpromised = Stopping(0, name, promised=False)
    assert run_trace(unpromised, TRACE, JUDGES[oracle]).finding is None


@pytest.mark.parametrize("oracle", JUDGES)
def test_memslots_are_due_of_a_device_that_has_some(oracle: str) -> None:
    """A device without any of its own shows none; one that showed some goes on showing them."""
    single = replace(TRACE, config=replace(TRACE.config, option=False), steps=TRACE.steps[:5])
    assert run_trace(ReferenceTarget(), single, JUDGES[oracle]).finding is None
    if oracle == "virtio":
        found = run_trace(OwnMemslots(), single, JUDGES[oracle]).finding
        assert found is not None and (found.kind, found.what) == (Kind.UNSHOWN, "mapped")
        assert found.step == 3


class OwnMemslots(ReferenceTarget):
    """Shows memslots that the profile has none of, and stops."""

    step = 0

    def apply(self, action: ConcreteAction) -> Observation:
        self.step += 1
        mapped = Extents.EMPTY if self.step < 3 else None
        return replace(super().apply(action), mapped=mapped)


def test_the_model_promises_no_listeners_to_a_profile_without() -> None:
    target = ReferenceTarget()
    assert "told" in target.capabilities
    trace = random_trace(FIRECRACKER, 8, 20)
    assert run_trace(target, trace, Judge(exact=False)).finding is None
    assert target.capabilities == ReferenceTarget.capabilities - {"told"}


@pytest.mark.parametrize("oracle", JUDGES)
def test_host_memory_that_nothing_is_told_of_is_judged(oracle: str) -> None:
    """An empty list counts as shown, and not as an answer, once a block is plugged."""
    found = run_trace(Telling(()), TRACE, JUDGES[oracle]).finding
    assert found is not None
    assert (found.kind, found.what) == (Kind.VIRTIO, "memory-accounted")
    plugged = next(n for n, one in enumerate(TRACE.steps, 1) if one.action.op is Op.PLUG)
    assert found.step >= plugged
    assert found.message == "blocks are plugged, and no range is told of"
    before = replace(TRACE, steps=TRACE.steps[: plugged - 1])
    assert run_trace(Telling(()), before, JUDGES[oracle]).finding is None


class Telling(ReferenceTarget):
    """Tells of the same host memory whatever happens."""

    def __init__(self, told: tuple[HostMemory, ...]) -> None:
        super().__init__()
        self.told = told

    def start(self, *arguments: object) -> Observation:
        return replace(super().start(*arguments), held=self.told)  # type: ignore[arg-type]

    def apply(self, action: ConcreteAction) -> Observation:
        return replace(super().apply(action), held=self.told)


@pytest.mark.parametrize(
    ("kept", "held", "wrong"),
    [
        ((), ((0, 10, 0),), None),
        ((), (), "blocks are plugged, and no range is told of"),
        ((), ((0, 0, 0),), "blocks are plugged, and no range is told of"),
        ((5,), ((0, 10, 1),), None),
        ((5,), ((0, 10, 0),), "no host memory behind 10 bytes at 0x0, though 0x5 holds what was"),
        ((5,), ((0, 10, 1), (4, 2, 0)), "no host memory behind 2 bytes at 0x4, though 0x5 holds"),
        ((10,), ((0, 10, 1),), "no range is told of that has 0xa, which holds what was written"),
        ((10, 5), ((0, 10, 1),), None),
    ],
)
def test_what_was_written_takes_memory(
    kept: tuple[int, ...], held: tuple[tuple[int, int, int], ...], wrong: str | None
) -> None:
    said = unaccounted(kept, [HostMemory(*part) for part in held])
    assert said == wrong if wrong is None or said is None else said.startswith(wrong)


def test_a_view_that_is_not_promised_may_stop() -> None:
    target = Stopping(30, "size", promised=False)
    assert run_trace(target, TRACE, JUDGES["exact"]).finding is None


def test_nothing_is_due_of_a_device_that_is_gone_and_be_it_wrongly() -> None:
    plugged = next(step for step in TRACE.steps if step.action.op is Op.RESIZE)
    steps = (plugged, replace(plugged, action=replace(plugged.action, op=Op.UNREALIZE, value=0)))
    assert plugged.action.value
    found = run_trace(Gone(), Trace(QEMU, TRACE.config, steps)).finding
    assert found is not None and (found.kind, found.what) == (Kind.DIVERGENCE, "answer")


class Gone(Stopping):
    """Lets itself be removed when it must not, and then shows nothing."""

    def __init__(self) -> None:
        super().__init__(2, "size", "usable", "requested")

    def without(self, seen: Observation) -> Observation:
        shown = super().without(seen)
        return replace(shown, answer=Answer.DONE) if self.step == 2 else shown


@pytest.mark.parametrize("oracle", JUDGES)
def test_a_check_makes_it_small_and_explains_it(oracle: str) -> None:
    report = check(Stopping(9, "mapped"), QEMU, seed=2, traces=3, steps=20, judge=JUDGES[oracle])
    assert report.failing is not None
    small = shrink(Stopping(9, "mapped"), report.failing, judge=JUDGES[oracle])
    assert small.finding == Finding(
        Kind.UNSHOWN, "mapped", 9, "mapped: promised, and not shown from step 9 on"
    )
    lines = explain(failure_of(small), "again")
    assert "  allowed  mapped among what is seen" in lines
    assert any(line.startswith("  seen     answer ") and "mapped" not in line for line in lines)
    assert (
        "  claim    a target shows every view that its hello promises, whenever it is due" in lines
    )
    assert not allowed_by_text(small)
    assert '"kind":"unshown"' in trace_text(small)


def test_what_is_judged_by_a_view_that_stopped_would_be_out_of_date() -> None:
    """Without a finding of its own the device is accused of what it did rightly."""
    unpromised = Stopping(12, "size", "requested", promised=False)
    traces = [random_trace(QEMU, seed, 60) for seed in range(6)]
    found = [run_trace(unpromised, trace, JUDGES["virtio"]).finding for trace in traces]
    assert {one.kind for one in found if one is not None} == {Kind.VIRTIO}

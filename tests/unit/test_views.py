"""A target that stops showing what it promised is told so, and accused of nothing else."""

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
from conformance.judge.oracle import FIELDS
from conformance.targets.reference import ReferenceTarget
from conformance.traces.trace import Trace, trace_text
from model.observation import Observation
from model.profiles import QEMU
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


def test_a_view_that_never_was_shown_is_no_failure_by_the_text_alone() -> None:
    assert run_trace(Stopping(0, "size"), TRACE, JUDGES["virtio"]).finding is None
    message = "size: promised, and not shown at the start"
    found = run_trace(Stopping(0, "size"), TRACE, JUDGES["exact"]).finding
    assert found == Finding(Kind.UNSHOWN, "size", 0, message)


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

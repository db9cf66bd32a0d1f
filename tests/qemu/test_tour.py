"""The transition tour of a small device on a real QEMU, and what tells other profiles from it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.check.runner import run_trace
from conformance.explore.compare import compare
from conformance.explore.graph import explore
from conformance.explore.product import Part
from conformance.explore.scale import scaled_config
from conformance.explore.tour import as_traces, transition_tour
from conformance.judge.finding import Kind
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.target import needs
from model.profiles import QEMU, SEED_V2
from model.state import Op


@pytest.fixture
def target(qemu_binary: Path) -> Iterator[QemuTarget]:
    made = QemuTarget(qemu_binary)
    yield made
    made.close()


def test_every_transition_of_a_small_device_on_qemu_has_no_difference(target: QemuTarget) -> None:
    """All but its end: each unrealize would be followed by a start of QEMU."""
    config = scaled_config(QEMU, 2, 2)
    assert target.fitted(QEMU, config) == config
    graph = explore(QEMU, config, target.capabilities - {Op.UNREALIZE.value})
    tour = transition_tour(graph)
    assert graph.complete and tour.covered == len(graph.states) * len(graph.actions) > 1500
    for trace in as_traces(graph, tour):
        outcome = run_trace(target, trace)
        assert outcome.finding is None
        assert len(outcome.seen) == len(trace.steps)


def test_the_traces_that_tell_the_patch_from_qemu_do_so_on_a_real_one(target: QemuTarget) -> None:
    """QEMU can do all of them; the model of the patch is the one that differs."""
    told = 0
    for found in compare(SEED_V2, QEMU, 2, 2).causes:
        trace = found.trace
        assert not any(needs(step.action) - target.capabilities for step in trace.steps)
        assert target.fitted(trace.profile, trace.config) == trace.config
        finding = run_trace(target, trace).finding
        assert finding is not None and finding.kind is Kind.DIVERGENCE
        assert finding.step == len(trace.steps)
        assert run_trace(target, replace(trace, profile=QEMU)).finding is None
        told += found.part in (Part.RESPONSE, Part.MAPPED)
    assert told == 3

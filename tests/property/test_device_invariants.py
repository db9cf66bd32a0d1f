"""Properties of generated traces on the reference device."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from strategies import actions, configs, traces

from conformance.check.runner import run_trace
from conformance.judge.oracle import broken_by_layout, broken_by_state
from conformance.targets.recorded import RecordedTarget
from conformance.targets.reference import ReferenceTarget
from conformance.traces.trace import Trace, read_trace, trace_text, write_trace
from model.arithmetic import MIB
from model.device import ReferenceDevice, fix
from model.profiles import QEMU, QEMU_8_2, SEED_V2
from model.state import Config, Op

slow_to_draw = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@slow_to_draw
@given(trace=st.one_of(traces(QEMU, 40), traces(QEMU_8_2, 40)))
def test_no_invariant_is_violated_on_a_device_of_qemu(trace: Trace) -> None:
    device = ReferenceDevice(trace.profile, trace.config)
    assert broken_by_layout(trace.config, device.fixed)[0] is None
    assert broken_by_state(device.fixed, device.state)[0] is None
    for step in trace.steps:
        assert device.apply(step.action) == step.seen
        assert broken_by_state(device.fixed, device.state)[0] is None


@slow_to_draw
@given(trace=traces(SEED_V2, 25))
def test_a_trace_survives_file_and_replay(trace: Trace) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "t.jsonl"
        write_trace(trace, path)
        assert read_trace(path) == trace
        assert path.read_text() == trace_text(trace)
    live, recorded = run_trace(ReferenceTarget(), trace), run_trace(RecordedTarget(trace), trace)
    assert live.finding == recorded.finding


@pytest.mark.parametrize("profile", [QEMU, QEMU_8_2, SEED_V2], ids=lambda p: p.name)
def test_drawn_configurations_and_actions_are_accepted(profile: object) -> None:
    @slow_to_draw
    @given(data=st.data())
    def drawn(data: st.DataObject) -> None:
        config = data.draw(configs(profile))  # type: ignore[arg-type]
        device = ReferenceDevice(profile, config)  # type: ignore[arg-type]
        device.apply(data.draw(actions(fix(device.profile, config), device.state)))

    drawn()


@pytest.mark.slow
def test_hypothesis_shrinks_the_migration_of_the_patch_to_few_steps() -> None:
    def fails(trace: Trace) -> bool:
        found = run_trace(ReferenceTarget(), trace).finding
        return found is not None and found.what == "plugged-in-mapped"

    small = find(
        traces(SEED_V2, 30),
        fails,
        settings=settings(max_examples=2000, deadline=None, derandomize=True),
    )
    # What is drawn after a step depends on it, so some that do nothing may be left between.
    operations = [step.action.op for step in small.steps]
    assert operations[-1] is Op.MIGRATION_IN and Op.PLUG in operations
    assert len(operations) <= 5


def test_hypothesis_shrinks_to_the_simplest_configuration() -> None:
    assert find(configs(QEMU), lambda config: True, settings=settings(derandomize=True)) == Config(
        region=MIB, block=MIB, limit=256, requested=MIB
    )

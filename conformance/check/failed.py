"""What a person is told of a failing trace, by a command and under pytest."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from conformance.check.explain import explain, failure_of
from conformance.check.runner import run_trace
from conformance.check.suite import judge_for
from conformance.judge.finding import Kind
from conformance.targets.recorded import RecordedTarget
from conformance.traces.trace import Trace

LAST_LINES: Final = 8
"""Lines of a target's standard error that are printed; the file beside the trace has all."""


def failed(trace: Trace, replay: str, left: str) -> list[str]:
    """A failing trace explained, with the end of what its target `left` on standard error."""
    lines = explain(failure_of(trace), replay)
    if allowed_by_text(trace):
        lines.append("VIRTIO allows this: with --oracle virtio it is no failure")
    if left:
        last = [line for line in left.splitlines() if line.strip()][-LAST_LINES:]
        lines += ["standard error, the last lines:", *(f"  {line}" for line in last)]
    return lines


def allowed_by_text(trace: Trace) -> bool:
    """A difference to the profile that breaks no binding rule of VIRTIO or of the host."""
    found = trace.finding
    if found is None or found.kind is not Kind.DIVERGENCE:
        return False
    # Made small, a trace was judged by the profile, and its rules are broken as it was recorded.
    judge = judge_for("virtio")
    return run_trace(RecordedTarget(trace), replace(trace, finding=None), judge).finding is None

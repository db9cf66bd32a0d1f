"""Why a rule never applied while a scenario ran, in one line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from conformance.check.outcome import Outcome
from conformance.targets.target import Target
from conformance.traces.trace import Trace
from model.state import REQUESTS, Answer

_SIZES: Final = ("size", "requested", "usable")
_SEEN_IN: Final = {
    "memory-plugged-kept": ("memory",),
    "used-length": ("used",),
    "config-plugged-size": ("size",),
    "config-usable-covers-requested": ("usable", "requested"),
    "init-reset-keeps-blocks": ("size",),
    "reset-unplugs-all": ("size",),
    "unplug-all-empties": ("size",),
    "resize-as-set": ("requested",),
    "plug-outside-is-error": ("usable",),
    "state-outside-is-error": ("usable",),
    "plug-possible": _SIZES,
    "unplug-possible": ("usable",),
}
"""The views without which a rule of a scenario says nothing, where it takes any."""
_REJECTED: Final = frozenset({Answer.BUSY, Answer.NACK, Answer.ERROR, Answer.REFUSED})


def why_unseen(rules: Iterable[str], target: Target, trace: Trace, outcome: Outcome) -> str:
    """Which view is missing, else what the device rejected of what was asked for."""
    views = (view for rule in rules for view in _SEEN_IN.get(rule, ()))
    if missing := [view for view in dict.fromkeys(views) if view not in target.capabilities]:
        return f"the target does not show {', '.join(missing)}"
    for number, (step, seen) in enumerate(zip(trace.steps, outcome.seen, strict=False), 1):
        if seen.answer in _REJECTED:
            what = step.action.op.value
            kind = "request" if step.action.op in REQUESTS else "operation"
            return f"the {kind} of step {number}, {what}, was answered by {seen.answer.value}"
    return "nothing in its steps was about it"

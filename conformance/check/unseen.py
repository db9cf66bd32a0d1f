"""Why a rule never applied, in one line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from conformance.check.outcome import Outcome
from conformance.targets.target import Target
from conformance.traces.trace import Trace
from model.state import REQUESTS, Answer

NOT_WITHOUT: Final[Mapping[str, frozenset[str]]] = {
    view: frozenset(rules.split())
    for view, rules in {
        "constants": "config-block-power-of-two config-constant",
        "usable": "config-usable-covers-requested config-usable-only-grows plug-possible "
        "config-usable-within-region state-is-acknowledged state-mixed state-plugged "
        "state-unplugged unplug-all-may-resize unplug-possible unusable-blocks-unplugged",
        "size": "config-plugged-not-notified config-plugged-size init-all-unplugged "
        "init-reset-keeps-blocks plug-done-is-ack plug-enough-is-rejected plug-in-plugged-size "
        "plug-possible rejected-changes-nothing reset-may-change-blocks reset-unplugs-all "
        "unplug-all-empties unplug-all-may-resize unplug-done-is-ack unplug-in-plugged-size "
        "unusable-blocks-unplugged",
        "requested": "config-usable-covers-requested plug-enough-is-rejected plug-possible "
        "resize-as-set resize-possible",
        "notified": "config-change-notified config-may-notify config-plugged-not-notified",
        "slots": "memory-unmapped-gone memslot-exists memslot-goes-with-last-block "
        "memslot-mapped-for-block memslot-of-plugged-mapped memslots-tile-region "
        "memslots-whole-blocks",
        "mapped": "memory-unmapped-gone memslot-exists memslot-goes-with-last-block "
        "memslot-mapped-for-block memslot-of-plugged-mapped",
        "memory": "init-reset-keeps-memory memory-plugged-kept memory-plugged-usable "
        "memory-unmapped-gone",
        "held": "memory-accounted memory-given-back",
        "told": "listeners-know-plugged",
        "used": "used-length",
    }.items()
}
"""The rules that never apply where a view is not shown."""
_IN_SCENARIOS: Final = frozenset({"plug-outside-is-error", "state-outside-is-error"})
"""Rules that say little without the usable region: the scenario that has them is about it."""
_REJECTED: Final = frozenset({Answer.BUSY, Answer.NACK, Answer.ERROR, Answer.REFUSED})


def views_missing(rule: str, capabilities: frozenset[str]) -> list[str]:
    """The views for want of which a rule cannot apply to a target."""
    return [
        view for view, rules in NOT_WITHOUT.items() if rule in rules and view not in capabilities
    ]


def why_unseen(rules: Collection[str], target: Target, trace: Trace, outcome: Outcome) -> str:
    """Which view is missing, else what the device rejected of what was asked for."""
    able = target.capabilities
    views = [view for rule in rules for view in views_missing(rule, able)]
    if _IN_SCENARIOS.intersection(rules) and "usable" not in able:
        views.append("usable")
    if views:
        return f"the target does not show {', '.join(dict.fromkeys(views))}"
    for number, (step, seen) in enumerate(zip(trace.steps, outcome.seen, strict=False), 1):
        if seen.answer in _REJECTED:
            what = step.action.op.value
            kind = "request" if step.action.op in REQUESTS else "operation"
            return f"the {kind} of step {number}, {what}, was answered by {seen.answer.value}"
    return "nothing in its steps was about it"

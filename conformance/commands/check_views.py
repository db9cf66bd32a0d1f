"""What a check says of what it did not do: views, rules and scenarios, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from conformance.check.outcome import often
from conformance.check.suite import Result
from conformance.check.unseen import views_missing
from conformance.judge.verdict import Verdict
from conformance.targets.target import VIEWS

RULES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "slots": ("memslots-tile-region", "memslots-whole-blocks"),
    "mapped": (
        *("memslot-exists", "memslot-of-plugged-mapped", "memslot-mapped-for-block"),
        *("memslot-goes-with-last-block", "memory-unmapped-gone"),
    ),
    "held": ("memory-given-back", "memory-accounted"),
    "told": ("listeners-know-plugged",),
    "memory": (
        *("memory-plugged-usable", "memory-plugged-kept", "init-reset-keeps-memory"),
        "memory-unmapped-gone",
    ),
    "used": ("used-length",),
    "constants": ("config-block-power-of-two", "config-constant"),
    "notified": ("config-change-notified", "config-plugged-not-notified", "config-may-notify"),
    "size": ("config-plugged-size",),
    "requested": ("resize-as-set", "config-usable-covers-requested"),
    "usable": ("config-usable-within-region", "config-usable-covers-requested"),
}
"""The rules that judge a view, and that never apply where it is not shown."""
_OF_MEMSLOTS: Final = frozenset({"mapped", "slots"})
"""The views that are not due of every device."""


def views_told(
    promised: frozenset[str],
    shown: Mapping[str, int],
    compared: Mapping[str, int],
    exercised: Mapping[str, int],
    profile: str | None,
) -> Iterator[str]:
    """A line for each promised view that was not compared with the profile, None where the text
    alone judges; the counts are those of a check."""
    for name in sorted(promised & VIEWS):
        if name not in shown:
            why = ": no device here has memslots of its own" if name in _OF_MEMSLOTS else ""
            yield f"  warning           {name}: promised, and never shown{why}"
            continue
        if profile is not None and compared.get(name):
            continue
        rules = [f"{id} {often(exercised[id])}" for id in RULES_OF[name] if exercised.get(id)]
        if not rules:
            beside = f"compared with profile {profile} or " if profile else ""
            yield f"  warning           {name}: shown, and never {beside}judged by a rule"
        elif profile is not None:
            judged = f"profile {profile} has no word on it here; judged by {', '.join(rules)}"
            yield f"  not compared      {name}: {judged}"


def never_told(rules: Iterable[str], promised: frozenset[str]) -> Iterator[str]:
    """Lines for rules that never applied, with the views that each takes and that are not shown."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for rule in rules:
        groups.setdefault(tuple(views_missing(rule, promised)), []).append(rule)
    for missing, group in sorted(groups.items()):
        why = f": the target does not show {', '.join(missing)}" if missing else ""
        yield f"  never exercised   {', '.join(group)}{why}"


def skipped_told(results: Iterable[Result]) -> Iterator[str]:
    """A line for each reason for which scenarios were skipped."""
    why: dict[str, list[str]] = {}
    for result in results:
        if result.verdict is Verdict.SKIPPED:
            why.setdefault(result.message, []).append(result.id)
    for message, ids in why.items():
        if len(ids) == 1:
            yield f"  skipped           {ids[0]}: {message}"
        else:
            yield f"  skipped           {len(ids)} scenarios: {message}: {', '.join(ids)}"

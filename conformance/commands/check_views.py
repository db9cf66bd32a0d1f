"""What became of the views that a target promised: compared with what, judged by which rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

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
            yield f"  warning           {name}: promised, and never shown"
            continue
        if profile is not None and compared.get(name):
            continue
        rules = [f"{id} {exercised[id]} times" for id in RULES_OF[name] if exercised.get(id)]
        if not rules:
            beside = f"compared with profile {profile} or " if profile else ""
            yield f"  warning           {name}: shown, and never {beside}judged by a rule"
        elif profile is not None:
            judged = f"profile {profile} has no word on it here; judged by {', '.join(rules)}"
            yield f"  not compared      {name}: {judged}"

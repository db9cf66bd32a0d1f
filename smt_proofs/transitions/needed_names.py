"""The contracts without which some transition is not determined, by name.

One that is no longer claimed is named where a theorem fails. That each is needed is shown by
`transitions.needed`; a test holds the list against the contracts.
"""

from __future__ import annotations

from typing import Final

NEEDED: Final = frozenset(
    {
        "starts-empty",
        "starts-as-requested",
        "starts-idle",
        "plug-error",
        "plug-nack",
        "plug-busy",
        "plug-acknowledged",
        "plug-marks-blocks",
        "unplug-error",
        "unplug-busy",
        "unplug-acknowledged",
        "unplug-clears-blocks",
        "unplug-all-busy",
        "empty-unplug-all-answered",
        "unplug-all-empties",
        "unplug-all-fits-usable",
        "silent-when-broken-or-gone",
        "violation-breaks",
        "state-error",
        "state-payload",
        "no-payload",
        "negotiate-done",
        "negotiate-records",
        "resize-done",
        "resize-sets-requested",
        "resize-grows-usable",
        "reset-forgets-driver",
        "reset-unplugs",
        "busy-reset-keeps-usable",
        "hindered-reset-keeps",
        "migration-sets-busy",
        "migration-in-maps",
        "unrealize-done",
        "unrealize-ends",
        "event-done",
        "rest-left-alone",
        "refusal-changes-nothing",
        "notified-exactly",
        "plug-does",
        "unplug-does",
        "resize-does",
        "migration-in-does",
        "nothing-done",
        "effects-name-range",
        "map-adds-touched",
        "effects-show-state",
        "effects-take-place",
        "prealloc-sees-start",
    }
)

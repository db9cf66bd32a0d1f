"""Every fault by its name."""

import answers
import events
import layouts
import lives
import mappings
import memory
import queues
import requests
import sizes
from fault import Fault, name_of

MODULES = (layouts, mappings, requests, answers, sizes, events, memory, queues, lives)
FAULTS = {
    name_of(found): found
    for module in MODULES
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, Fault) and found.found_by
}
TO_RECORD = {
    *("late-state", "late-migration", "twentieth-resize-silent", "fifth-reset-keeps"),
    *("leaks-after-thousand-turns", "late-unplug-all", "sixteenth-nonsense-stays"),
    *("unplug-all-six-ranges", "migration-eight-ranges", "reset-twenty-ranges"),
    *("wake-up-twelve-ranges", "address-in-double", "signed-addresses", "across-four-gibibytes"),
    *("migration-cures", "one-hole-unseen", "largest-at-last-block"),
}
"""Faults that ../catalogue.json has no search for yet; tests of scenarios have them."""
LISTED = {name: found for name, found in FAULTS.items() if name not in TO_RECORD}

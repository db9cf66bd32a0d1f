"""The hunks of hw/virtio/virtio-mem.c in the patch, behaviour by behaviour: data of `patchbook`."""

from __future__ import annotations

from dataclasses import dataclass

C = "hw/virtio/virtio-mem.c"
PCI = "hw/virtio/virtio-mem-pci.c"
H = "include/hw/virtio/virtio-mem.h"
HUNKS = {
    C: (66, 490, 595, 624, 712, 727, 766, 925, 1093, 1100, 1145, 1418, 1617, 1644, 1813, 1832),
    PCI: (48, 169),
    H: (33, 45, 98, 115),
}
"""Every hunk of the patch, by the line of the new file where it starts."""
WIRING = "it registers a function that other rows are about"


@dataclass(frozen=True, slots=True)
class Line:
    """One behaviour of a hunk: `rules` and `claims` say it (by id), `theorems` prove something of
    it; or `why_not` says why it is not modelled."""

    file: str
    hunk: int
    what: str
    rules: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    theorems: tuple[str, ...] = ()
    why_not: str = ""


LINES_OF_C = (
    Line(
        C,
        66,
        "a memslot but the last is at least 1 GiB, and at least one block",
        ("decide_memslots",),
        ("slot-minimum",),
        ("slots_no_smaller_than_minimum",),
    ),
    Line(
        C,
        490,
        "a memslot lies at index times the memslot size in the container",
        ("slot_start",),
        ("slot-aligned",),
        ("every_slot_aligned_to_block", "slots_tile_region_last_smaller"),
    ),
    Line(
        C,
        490,
        "(de)activating asks first whether the memslot is mapped: nothing is done a second time",
        ("mapped_for_plug", "mapped_after_unplug"),
        why_not="mapped memslots are a set, in which a member added again changes nothing; "
        "that the "
        "guard is needed for the core's own assertion is no matter of the device's state",
    ),
    Line(
        C,
        490,
        "plugging activates the memslots from the first to the last that the range touches",
        ("first_slot", "end_slot", "mapped_for_plug"),
        ("plugged-in-mapped", "map-adds-touched"),
        ("plug_activates_slot_of_every_block", "plug_keeps_plugged_in_mapped"),
    ),
    Line(
        C,
        490,
        "both do nothing where the memslots of the usable region are mapped anyway",
        ("mapped_for_plug", "mapped_after_unplug"),
        ("legacy-usable-mapped",),
        ("plug_keeps_legacy_usable_mapped", "unplug_keeps_legacy_usable_mapped"),
    ),
    Line(
        C,
        490,
        "all memslots of a step are changed in one transaction",
        ("plug", "unplug"),
        ("plug-does", "unplug-does"),
        ("plug_is_determined", "unplug_is_determined"),
    ),
    Line(
        C,
        490,
        "unplugging deactivates a memslot that lies in the range, and one that the range "
        "cuts if no "
        "block of it is plugged; the last one may be smaller",
        ("mapped_after_unplug", "slot_length"),
        ("mapped-needs-plugged",),
        ("unplug_keeps_mapped_needs_plugged", "unplug_keeps_plugged_in_mapped"),
    ),
    Line(
        C,
        595,
        "UNPLUG deactivates after the blocks are marked, which is after the discard",
        ("unplug",),
        ("unplug-does", "effects-show-state"),
        ("unplug_obeys_unplug_does", "unplug_is_determined"),
    ),
    Line(
        C,
        624,
        "PLUG activates before it notifies; who registers then skips the blocks being plugged",
        ("plug",),
        ("plug-does", "map-adds-touched", "plugged-seen-mapped"),
        ("plug_obeys_plug_does", "plug_obeys_plugged_seen_mapped"),
    ),
    Line(
        C,
        624,
        "where a listener refuses, the memslots are deactivated again before the memory is "
        "discarded",
        ("plug",),
        ("plug-does", "refusal-changes-nothing"),
        ("plug_obeys_refusal_changes_nothing", "plug_is_determined"),
    ),
    Line(
        C,
        712,
        "memslots whose start the usable region covers are activated, all others "
        "deactivated, in one "
        "transaction",
        ("resize_usable_region", "remapped"),
        ("legacy-usable-mapped", "resize-does"),
        ("resize_keeps_legacy_usable_mapped", "resize_is_determined"),
    ),
    Line(
        C,
        727,
        "UNPLUG_ALL and a system reset ask for a migration before they look for plugged blocks",
        ("unplug_everything",),
        ("empty-unplug-all-answered", "busy-reset-keeps-usable"),
        ("unplug_all_obeys_empty_unplug_all_answered", "unplug_all_is_determined"),
    ),
    Line(
        C,
        766,
        "UNPLUG_ALL deactivates all memslots after the blocks are marked",
        ("unplug_everything",),
        ("unplug-does", "effects-show-state"),
        ("unplug_all_keeps_mapped_needs_plugged", "unplug_all_obeys_unplug_does"),
    ),
    Line(
        C,
        925,
        "the container is as large as the memory backend",
        ("realized_memslots",),
        ("last-slot-smaller",),
        ("slots_tile_region_last_smaller",),
    ),
    Line(
        C,
        925,
        "the container takes the backend's alignment",
        why_not="it guides the core in placing the device; the address is an input here, and only "
        "that it is whole blocks is used",
    ),
    Line(
        C,
        925,
        "memslots are prepared, not mapped: each an alias of its part of the backend",
        ("slot_start", "slot_length"),
        ("last-slot-smaller",),
        ("slots_tile_region_last_smaller",),
    ),
    Line(
        C,
        925,
        "there is at least one memslot to prepare",
        ("check_config", "realized_memslots"),
        ("count-in-limit",),
        ("count_never_exceeds_limit", "stored_count_fits_16_bits"),
    ),
    Line(
        C,
        925,
        "a memslot's name has 20 bytes",
        theorems=("stored_count_fits_16_bits",),
        why_not="the name is no state; of at most 65535 memslots it takes 13 characters and "
        "the end",
    ),
    Line(
        C,
        925,
        "the container and the memslots are made once (assertions)",
        why_not="the model has no pointers to be set twice; realize and the core's two "
        "callbacks are "
        "all that call",
    ),
    Line(
        C,
        1100,
        "a single memslot, or none decided, spans the region",
        ("realized_memslots",),
        theorems=("falls_back_to_one_slot", "unset_size_means_one_slot"),
    ),
    Line(
        C,
        1093,
        "the usable region is fitted once the memslots are prepared, since that may map them",
        ("realize",),
        ("starts-as-requested", "legacy-usable-mapped"),
        ("realize_establishes_legacy_usable_mapped", "realize_is_determined"),
    ),
    Line(
        C,
        1145,
        "a device that goes shrinks its usable region to nothing, which unmaps what follows it",
        ("unrealize",),
        ("unrealize-ends",),
        ("unrealize_obeys_unrealize_ends", "unrealize_is_determined"),
    ),
    Line(
        C,
        1418,
        "the core is given the container and not the backend's memory",
        why_not="it hands out a pointer; what is mapped in the container is the set of memslots",
    ),
    Line(
        C,
        1418,
        "one memslot where the limit is 1 or less, the option is off, there is no memory, or "
        "realize "
        "will fail",
        ("decide_memslots",),
        theorems=("falls_back_to_one_slot",),
    ),
    Line(
        C,
        1418,
        "the default block size is settled first, where none was given",
        ("default_block_size", "decide_memslots"),
        theorems=("default_block_as_if_configured", "default_block_covers_pages"),
    ),
    Line(
        C,
        1418,
        "the memslot size is an equal share in whole blocks, or the minimum; the count "
        "covers the region",
        ("decide_memslots",),
        ("count-in-limit", "slots-as-fine-as-allowed"),
        ("count_never_exceeds_limit", "slots_as_fine_as_allowed", "invariants_determine_decision"),
    ),
    Line(
        C,
        1418,
        "the size is stored only for several memslots",
        ("decide_memslots",),
        theorems=("size_unset_for_one_slot",),
    ),
    Line(
        C,
        1418,
        "the decision is asked for exactly once, and counted only after (assertions)",
        why_not="the order of the core's calls; here the decision is a function of its inputs, so "
        "that asking twice decides the same",
    ),
    Line(
        C,
        1617,
        "finalize frees the arrays",
        why_not="memory of the process, no state of the device",
    ),
    Line(
        C,
        1644,
        "the option is off by default",
        why_not="the option is an input: theorems are about both, and a command says which",
    ),
    Line(C, 1813, "the class gets its two functions", why_not=WIRING),
    Line(C, 1832, "the type gets its finalize", why_not=WIRING),
)

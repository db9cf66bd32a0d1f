"""Helpers that nobody reads (A.7)."""

from source_edits.edit import edit

HELPERS = (
    edit(
        "busy only while memory comes in",
        "A.7",
        "is_busy",
        (
            "return migration_in_incoming_postcopy() || migration_is_running();",
            "return migration_in_incoming_postcopy();",
        ),
    ),
    edit(
        "the first listener alone hears",
        "A.7",
        "notify_unplug",
        (
            "rdl->notify_discard(rdl, &tmp);",
            "rdl->notify_discard(rdl, &tmp); break;",
        ),
    ),
    edit(
        "a failing listener is not told to forget",
        "A.7",
        "notify_plug",
        (
            "rdl2->notify_discard(rdl2, &tmp);",
            "",
        ),
    ),
    edit(
        "listeners' failures are lost",
        "A.7",
        "notify_plug",
        (
            "ret = rdl->notify_populate(rdl, &tmp);",
            "rdl->notify_populate(rdl, &tmp);",
        ),
    ),
    edit(
        "nobody hears that all is gone",
        "A.7",
        "notify_unplug_all",
        (
            "if (!vmem->size) {",
            "if (vmem->size) {",
        ),
    ),
    edit(
        "the page is taken for huge",
        "A.7",
        "thp_size",
        (
            "thp_size = tmp;",
            "thp_size = 2 * tmp;",
        ),
    ),
    edit(
        "a section past its end",
        "A.7",
        "intersect_memory_section",
        (
            "s->offset_within_region = start;",
            "s->offset_within_region = offset;",
        ),
    ),
    edit(
        "sections of plugged blocks one short",
        "A.7",
        "for_each_plugged_section",
        (
            "size = (last_bit - first_bit + 1) * vmem->block_size;",
            "size = (last_bit - first_bit) * vmem->block_size;",
        ),
    ),
)

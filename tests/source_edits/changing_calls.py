"""Calls that count for nothing, and what they are handed (A.5)."""

from source_edits.edit import edit

CALLS = (
    edit(
        "a trace of the file's own that forgets",
        "A.5",
        "unplug_all",
        (
            "unplug_all",
            "",
            "static void trace_virtio_mem_forget(VirtIOMEM *vmem)\n"
            "{\n"
            "    vmem->requested_size = 0;\n"
            "}\n"
            "\n",
        ),
        (
            "trace_virtio_mem_unplugged_all();",
            "trace_virtio_mem_forget(vmem);",
        ),
    ),
    edit(
        "a trace that is a macro",
        "A.5",
        "resize_usable_region",
        (
            "resize_usable_region",
            "",
            "#define trace_virtio_mem_resized_usable_region(a, b) (vmem->size = (b))\n\n",
        ),
    ),
    edit(
        "a trace whose argument counts",
        "A.5",
        "resize_usable_region",
        (
            "(vmem->usable_region_size, newsize);",
            "(vmem->usable_region_size, newsize++);",
        ),
    ),
    edit(
        "a trace whose argument stores",
        "A.5",
        "resize_usable_region",
        (
            "(vmem->usable_region_size, newsize);",
            "(vmem->size = 0, newsize);",
        ),
    ),
    edit(
        "a trace that unplugs",
        "A.5",
        "resize_usable_region",
        (
            "(vmem->usable_region_size, newsize);",
            "(virtio_mem_unplug_all(vmem), newsize);",
        ),
    ),
    edit(
        "a name too long for its array",
        "A.5",
        "prepare_memslots",
        ("char name[20];", "char name[8];"),
        ("snprintf(name, sizeof(name),", "snprintf(name, 20,"),
    ),
    edit(
        "memslots may be merged",
        "A.5",
        "prepare_memslots",
        (
            "(&vmem->memslots[idx], true);",
            "(&vmem->memslots[idx], false);",
        ),
    ),
    edit(
        "nothing is said of merging",
        "A.5",
        "prepare_memslots",
        (
            "memory_region_set_unmergeable(&vmem->memslots[idx], true);",
            "",
        ),
    ),
    edit(
        "one memslot alone may not be merged",
        "A.5",
        "prepare_memslots",
        (
            "(&vmem->memslots[idx], true);",
            "(&vmem->memslots[0], true);",
        ),
    ),
    edit(
        "notifiers are handed another size",
        "A.5",
        "state_change_request",
        (
            "notifiers, &vmem->size);",
            "notifiers, &vmem->requested_size);",
        ),
    ),
    edit(
        "notifiers are not told",
        "A.5",
        "unplug_all",
        (
            "notifier_list_notify(&vmem->size_change_notifiers, &vmem->size);",
            "",
        ),
    ),
    edit(
        "notifiers are handed the old size",
        "A.5",
        "unplug_all",
        (
            "vmem->size = 0; notifier_list_notify(&vmem->size_change_notifiers, &vmem->size);",
            "notifier_list_notify(&vmem->size_change_notifiers, &vmem->size); vmem->size = 0;",
        ),
    ),
    edit(
        "memslots of another type",
        "A.5",
        "prepare_memslots",
        (
            "g_new0(MemoryRegion, vmem",
            "g_new0(uint8_t, vmem",
        ),
    ),
    edit(
        "a function at the end of the block",
        "A.5",
        "set_range_plugged",
        (
            "bitmap_set(vmem->bitmap, bit, nbits);",
            "__attribute__((cleanup(wipe))) int guard = 0; bitmap_set(vmem->bitmap, bit, nbits);",
        ),
    ),
    edit(
        "the same, as C23 has it",
        "A.5",
        "set_range_plugged",
        (
            "bitmap_set(vmem->bitmap, bit, nbits);",
            "[[gnu::cleanup(wipe)]] int guard = 0; bitmap_set(vmem->bitmap, bit, nbits);",
        ),
    ),
    edit(
        "a variable of another file",
        "A.5",
        "set_range_plugged",
        (
            "bitmap_set(vmem->bitmap, bit, nbits);",
            "extern int plugged; plugged = 1; bitmap_set(vmem->bitmap, bit, nbits);",
        ),
    ),
    edit(
        "a parameter of eight bits",
        "A.3",
        "set_range_plugged",
        (
            "uint64_t start_gpa,",
            "uint64_t start_gpa __attribute__((mode(QI))),",
        ),
    ),
)

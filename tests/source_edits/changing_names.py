"""Names to which the file gives another meaning (A.4)."""

from source_edits.edit import edit

NAMES = (
    edit(
        "MIN is the larger one",
        "A.4",
        "resize_usable_region",
        (
            "resize_usable_region",
            "",
            "#undef MIN\n#define MIN(a, b) ((a) > (b) ? (a) : (b))\n\n",
        ),
    ),
    edit(
        "MAX is the sum",
        "A.4",
        "decide_memslots default_block_size",
        (
            "default_block_size",
            "",
            "#undef MAX\n#define MAX(a, b) ((a) + (b))\n\n",
        ),
    ),
    edit(
        "aligned up is aligned down",
        "A.4",
        "resize_usable_region decide_memslots",
        (
            "resize_usable_region",
            "",
            "#undef QEMU_ALIGN_UP\n#define QEMU_ALIGN_UP(n, m) QEMU_ALIGN_DOWN(n, m)\n\n",
        ),
    ),
    edit(
        "everything is aligned",
        "A.4",
        "valid_range",
        (
            "valid_range",
            "",
            "#undef QEMU_IS_ALIGNED\n#define QEMU_IS_ALIGNED(n, m) true\n\n",
        ),
    ),
    edit(
        "GiB is MiB",
        "A.4",
        "decide_memslots",
        (
            "decide_memslots",
            "",
            "#undef GiB\n#define GiB MiB\n\n",
        ),
    ),
    edit(
        "GiB is MiB under a condition",
        "A.4",
        "decide_memslots",
        (
            "decide_memslots",
            "",
            "#if defined(__linux__)\n#undef GiB\n#define GiB MiB\n#endif\n\n",
        ),
    ),
    edit(
        "NACK is ACK",
        "A.4",
        "state_change_request",
        (
            "state_change_request",
            "",
            "#undef VIRTIO_MEM_RESP_NACK\n#define VIRTIO_MEM_RESP_NACK 0\n\n",
        ),
    ),
    edit(
        "a function of the file is a macro",
        "A.4",
        "set_block_state",
        (
            "set_block_state",
            "",
            "#define virtio_mem_set_range_unplugged(a, b, c) do { } while (0)\n\n",
        ),
    ),
    edit(
        "a primitive is a macro",
        "A.4",
        "set_block_state unplug_all",
        (
            "set_block_state",
            "",
            "#define ram_block_discard_range(a, b, c) 0\n\n",
        ),
    ),
    edit(
        "a primitive is a function of the file",
        "A.4",
        "activate_memslots_to_plug",
        (
            "activate_memslot",
            "",
            "static bool memory_region_is_mapped(MemoryRegion *mr)\n{\n    return true;\n}\n\n",
        ),
    ),
    edit(
        "an error number is 0",
        "A.4",
        "set_block_state",
        (
            "set_block_state",
            "",
            "#undef EBUSY\n#define EBUSY 0\n\n",
        ),
    ),
    edit(
        "true is false",
        "A.4",
        "valid_range",
        (
            "valid_range",
            "",
            "#undef true\n#define true 0\n\n",
        ),
    ),
    edit(
        "a keyword is something else",
        "A.4",
        "valid_range",
        (
            "valid_range",
            "",
            "#define if(x) if (!(x))\n\n",
        ),
    ),
    edit(
        "a field is another one",
        "A.4",
        "valid_range",
        (
            "valid_range",
            "",
            "#define usable_region_size requested_size\n\n",
        ),
    ),
    edit(
        "a type is narrow",
        "A.4",
        "state_change_request",
        (
            "state_change_request",
            "",
            "#define uint64_t uint32_t\n\n",
        ),
    ),
    edit(
        "the smallest memslot is small",
        "A.4",
        "decide_memslots",
        (
            "decide_memslots",
            "",
            "#undef VIRTIO_MEM_MIN_MEMSLOT_SIZE\n#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (2 * MiB)\n\n",
        ),
    ),
    edit(
        "busy is never",
        "A.4",
        "set_block_state unplug_all",
        (
            "set_block_state",
            "",
            "#define virtio_mem_is_busy() false\n\n",
        ),
    ),
)

"""Sizes, counts and sets written otherwise."""

from source_edits.edit import FILE, HEADER, edit

SIZES = (
    edit(
        "a usable size by branches",
        "logic",
        "resize_usable_region",
        (
            "if (newsize < vmem->usable_region_size && !can_shrink) { return; }",
            "if (!can_shrink) { if (vmem->usable_region_size > newsize) { return; } }",
        ),
    ),
    edit(
        "rounded up by another macro",
        "arithmetic",
        "resize_usable_region",
        (
            "QEMU_ALIGN_UP(newsize, vmem->block_size)",
            "ROUND_UP(newsize, vmem->block_size)",
        ),
    ),
    edit(
        "rounded up by a mask",
        "arithmetic",
        "resize_usable_region",
        (
            "QEMU_ALIGN_UP(newsize, vmem->block_size)",
            "(newsize + vmem->block_size - 1) & ~(vmem->block_size - 1)",
        ),
    ),
    edit(
        "nothing requested first",
        "order",
        "resize_usable_region",
        (
            "newsize = QEMU_ALIGN_UP(newsize, vmem->block_size); if (!requested_size) { "
            "newsize = 0; }",
            "if (requested_size) { newsize = QEMU_ALIGN_UP(newsize, vmem->block_size); } "
            "else { newsize = 0; }",
        ),
    ),
    edit(
        "no trace",
        "debugging",
        "resize_usable_region",
        (
            "trace_virtio_mem_resized_usable_region(vmem->usable_region_size, newsize);",
            "",
        ),
    ),
    edit(
        "a macro of the same meaning",
        "macro",
        "resize_usable_region",
        (
            "resize_usable_region",
            "",
            "#undef MIN\n#define MIN(a, b) ((a) < (b) ? (a) : (b))\n\n",
        ),
    ),
    edit(
        "a size under another macro",
        "macro",
        "decide_memslots",
        (
            FILE,
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)",
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1024 * MiB)",
        ),
    ),
    edit(
        "a count by its macro",
        "arithmetic",
        "decide_memslots",
        (
            "QEMU_ALIGN_UP(region_size, memslot_size) / memslot_size;",
            "DIV_ROUND_UP(region_size, memslot_size);",
        ),
    ),
    edit(
        "a limit below 2",
        "arithmetic",
        "decide_memslots",
        (
            "limit <= 1 ||",
            "limit < 2 ||",
        ),
    ),
    edit(
        "the larger one by its branch",
        "logic",
        "decide_memslots",
        (
            "memslot_size = MAX(memslot_size, min_memslot_size);",
            "if (memslot_size < min_memslot_size) { memslot_size = min_memslot_size; }",
        ),
    ),
    edit(
        "the smallest one first",
        "order",
        "decide_memslots",
        (
            "memslot_size = QEMU_ALIGN_UP(region_size / limit, vmem->block_size); "
            "min_memslot_size = MAX(vmem->block_size, VIRTIO_MEM_MIN_MEMSLOT_SIZE);",
            "min_memslot_size = MAX(VIRTIO_MEM_MIN_MEMSLOT_SIZE, vmem->block_size); "
            "memslot_size = QEMU_ALIGN_UP(region_size / limit, vmem->block_size);",
        ),
    ),
    edit(
        "checks in nested branches",
        "exit",
        "decide_memslots",
        (
            "if (limit <= 1 || !vmem->memdev || !vmem->memdev->mr.ram_block) {",
            "if (limit <= 1) { vmem->nb_memslots = 1; return; } if (!vmem->memdev || "
            "!vmem->memdev->mr.ram_block) {",
        ),
    ),
    edit(
        "a number by a conditional expression",
        "logic",
        "get_memslots",
        (
            "if (!vmem->dynamic_memslots) { /**/ return 1; }",
            "if (vmem->dynamic_memslots) { g_assert(vmem->nb_memslots); return "
            "vmem->nb_memslots; } if (!vmem->dynamic_memslots) { return 1; }",
        ),
    ),
    edit(
        "a count of the same width by another name",
        "type",
        "decide_memslots",
        (
            HEADER,
            "struct VirtIOMEM {",
            "typedef uint16_t SlotCount;\n\nstruct VirtIOMEM {",
        ),
        (
            HEADER,
            "uint16_t nb_memslots;",
            "SlotCount nb_memslots; /* of this device */",
        ),
    ),
    edit(
        "one more field",
        "type",
        "decide_memslots valid_range",
        (
            HEADER,
            "uint64_t usable_region_size;",
            "uint64_t usable_region_size, usable_before;",
        ),
    ),
    edit(
        "all blocks by their own call",
        "call",
        "unplug_all",
        (
            "bitmap_clear(vmem->bitmap, 0, vmem->bitmap_size);",
            "bitmap_zero(vmem->bitmap, vmem->bitmap_size);",
        ),
    ),
    edit(
        "busy and discard in one condition",
        "logic",
        "unplug_all",
        (
            "if (virtio_mem_is_busy()) { return -EBUSY; } if (ram_block_discard_range(rb, "
            "0, qemu_ram_get_used_length(rb))) { return -EBUSY; }",
            "if (virtio_mem_is_busy() || ram_block_discard_range(rb, 0, "
            "qemu_ram_get_used_length(rb))) { return -EBUSY; }",
        ),
    ),
    edit(
        "the block without its variable",
        "name",
        "unplug_all",
        (
            "RAMBlock *rb = vmem->memdev->mr.ram_block;",
            "",
        ),
        (
            "(rb, 0, qemu_ram_get_used_length(rb))",
            "(vmem->memdev->mr.ram_block, 0, qemu_ram_get_used_length(vmem->memdev->mr.ram_block))",
        ),
    ),
    edit(
        "ranges of bits by their number",
        "arithmetic",
        "is_range_plugged",
        (
            "found_bit = find_next_zero_bit(vmem->bitmap, last_bit + 1, first_bit); return "
            "found_bit > last_bit;",
            "found_bit = find_next_zero_bit(vmem->bitmap, last_bit + 1, first_bit); return "
            "found_bit == last_bit + 1;",
        ),
    ),
    edit(
        "bits without their variables",
        "name",
        "set_range_unplugged",
        (
            "bitmap_clear(vmem->bitmap, bit, nbits);",
            "bitmap_clear(vmem->bitmap, (start_gpa - vmem->addr) / vmem->block_size, size "
            "/ vmem->block_size);",
        ),
    ),
    edit(
        "a page size without its variable",
        "name",
        "default_block_size",
        (
            "return MAX(page_size, VIRTIO_MEM_MIN_BLOCK_SIZE);",
            "return MAX(VIRTIO_MEM_MIN_BLOCK_SIZE, qemu_ram_pagesize(rb));",
        ),
    ),
    edit(
        "UNPLUG_ALL is told by its answer",
        "name",
        "unplug_all_request",
        (
            "if (virtio_mem_unplug_all(vmem)) { virtio_mem_send_response_simple(vmem, "
            "elem, VIRTIO_MEM_RESP_BUSY); } else { virtio_mem_send_response_simple(vmem, "
            "elem, VIRTIO_MEM_RESP_ACK); }",
            "virtio_mem_send_response_simple(vmem, elem, virtio_mem_unplug_all(vmem) ? "
            "VIRTIO_MEM_RESP_BUSY : VIRTIO_MEM_RESP_ACK);",
        ),
    ),
)

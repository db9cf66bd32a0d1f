"""The rules themselves, one at a time."""

from source_edits.edit import edit

LOGIC = (
    edit(
        "a request for all that is requested is refused",
        "rule",
        "state_change_request",
        (
            "size > vmem->requested_size)",
            "size >= vmem->requested_size)",
        ),
    ),
    edit(
        "plugged size and request in 32 bits",
        "rule",
        "state_change_request",
        (
            "(vmem->size + size > vmem",
            "((uint32_t)(vmem->size + size) > vmem",
        ),
    ),
    edit(
        "an unplug below the request is refused",
        "rule",
        "state_change_request",
        (
            "if (plug && (vmem",
            "if (!plug && vmem->size <= vmem->requested_size) { return "
            "VIRTIO_MEM_RESP_NACK; } if (plug && (vmem",
        ),
    ),
    edit(
        "the size is told apart ahead of the range",
        "rule",
        "state_change_request",
        (
            "if (!virtio_mem_valid_range(vmem, gpa, size)) {",
            "if (plug && vmem->size + size > vmem->requested_size) { return "
            "VIRTIO_MEM_RESP_NACK; } if (!virtio_mem_valid_range(vmem, gpa, size)) {",
        ),
    ),
    edit(
        "an empty range above 4 GiB is valid",
        "rule",
        "valid_range",
        (
            "if (gpa + size < gpa || !size) {",
            "if (gpa + size < gpa || (!size && gpa < 4 * GiB)) {",
        ),
    ),
    edit(
        "a range that wraps at 2^47",
        "rule",
        "valid_range",
        (
            "return true;",
            "return gpa >> 47 == 0 || size < (1ULL << 47);",
        ),
    ),
    edit(
        "blocks above 2^32 bytes are not plugged",
        "rule",
        "set_range_plugged",
        (
            "= size / vmem->block_size;",
            "= (uint32_t)size / vmem->block_size;",
        ),
    ),
    edit(
        "the last block is not looked at",
        "rule",
        "is_range_plugged",
        (
            "return found_bit > last_bit;",
            "return found_bit >= last_bit;",
        ),
    ),
    edit(
        "blocks lose their memslot",
        "rule",
        "deactivate_unplugged_memslots",
        (
            "offset > memslot_offset ||",
            "offset >= memslot_offset &&",
        ),
    ),
    edit(
        "a usable region that shrinks by one block",
        "rule",
        "resize_usable_region",
        (
            "if (newsize < vmem",
            "if (newsize + vmem->block_size < vmem",
        ),
    ),
    edit(
        "nothing is unplugged while migrating, even of nothing",
        "rule",
        "unplug_all",
        (
            "if (vmem->size) { if (virtio_mem_is_busy()) { return -EBUSY; }",
            "if (virtio_mem_is_busy()) { return -EBUSY; } if (vmem->size) {",
        ),
    ),
    edit(
        "a block is cleared one too few",
        "rule",
        "unplug_all",
        (
            "0, vmem->bitmap_size);",
            "0, vmem->bitmap_size - 1);",
        ),
    ),
    edit(
        "memslots of an odd size when there are many",
        "rule",
        "decide_memslots",
        (
            "vmem->nb_memslots = memslots; }",
            "vmem->nb_memslots = memslots > 255 ? 255 : memslots; }",
        ),
    ),
    edit(
        "a limit of 2^31 counts as none",
        "rule",
        "decide_memslots",
        (
            "if (limit <= 1 ||",
            "if ((int)limit <= 1 ||",
        ),
    ),
    edit(
        "a warning decides",
        "rule",
        "set_block_state",
        (
            "if (!warned) {",
            "if (warned) { return 0; } if (!warned) {",
        ),
    ),
)

"""Memslots, one by one, written otherwise."""

from source_edits.edit import edit

MEMSLOTS = (
    edit(
        "a counter of another unsigned type",
        "loop",
        "activate_memslots_to_plug",
        (
            "unsigned int idx;",
            "uint64_t idx;",
        ),
    ),
    edit(
        "a while loop",
        "loop",
        "activate_memslots_to_plug",
        (
            "for (idx = start_idx; idx < end_idx; idx++) { "
            "virtio_mem_activate_memslot(vmem, idx); }",
            "idx = start_idx; while (idx < end_idx) { virtio_mem_activate_memslot(vmem, "
            "idx); idx++; }",
        ),
    ),
    edit(
        "a loop that counts down",
        "loop",
        "activate_memslots_to_plug",
        (
            "for (idx = start_idx; idx < end_idx; idx++) {",
            "for (idx = end_idx; idx-- > start_idx;) {",
        ),
    ),
    edit(
        "a counter of the loop's own",
        "loop",
        "activate_memslots_to_plug",
        (
            "unsigned int idx; assert",
            "assert",
        ),
        (
            "for (idx = start_idx;",
            "for (unsigned int idx = start_idx;",
        ),
    ),
    edit(
        "the step ahead",
        "loop",
        "activate_memslots_to_plug",
        (
            "idx++)",
            "++idx)",
        ),
    ),
    edit(
        "an early return ahead of an empty transaction",
        "exit",
        "activate_memslots_to_plug set_block_state",
        (
            "memory_region_transaction_begin();",
            "if (start_idx >= end_idx) { return; } memory_region_transaction_begin();",
        ),
    ),
    edit(
        "a quotient rounded up by its macro",
        "arithmetic",
        "activate_memslots_to_plug",
        (
            "(offset + size + vmem->memslot_size - 1) / vmem->memslot_size;",
            "DIV_ROUND_UP(offset + size, vmem->memslot_size);",
        ),
    ),
    edit(
        "no helper for one memslot",
        "helper",
        "activate_memslots_to_plug",
        (
            "virtio_mem_activate_memslot(vmem, idx);",
            "if (!memory_region_is_mapped(&vmem->memslots[idx])) { "
            "memory_region_add_subregion(vmem->mr, idx * vmem->memslot_size, "
            "&vmem->memslots[idx]); }",
        ),
    ),
    edit(
        "a memslot by pointer arithmetic",
        "pointer",
        "activate_memslots_to_plug",
        (
            "activate_memslot",
            "memslot_offset, &vmem->memslots[idx]);",
            "memslot_offset, vmem->memslots + idx);",
        ),
    ),
    edit(
        "a whole memslot is told first",
        "logic",
        "deactivate_unplugged_memslots",
        (
            "if (offset > memslot_offset || offset + size < memslot_offset + memslot_size) {",
            "if (!(offset <= memslot_offset && offset + size >= memslot_offset + memslot_size)) {",
        ),
    ),
    edit(
        "no early end of a round",
        "exit",
        "deactivate_unplugged_memslots",
        (
            "if (!virtio_mem_is_range_unplugged(vmem, gpa, memslot_size)) { continue; } } "
            "virtio_mem_deactivate_memslot(vmem, idx);",
            "if (virtio_mem_is_range_unplugged(vmem, gpa, memslot_size)) { "
            "virtio_mem_deactivate_memslot(vmem, idx); } } else { "
            "virtio_mem_deactivate_memslot(vmem, idx); }",
        ),
    ),
    edit(
        "the last memslot by its successor",
        "arithmetic",
        "deactivate_unplugged_memslots prepare_memslots",
        (
            "if (idx == vmem->nb_memslots - 1) {",
            "if (idx + 1 == vmem->nb_memslots) {",
        ),
    ),
    edit(
        "an assertion of another name",
        "assertion",
        "deactivate_unplugged_memslots",
        (
            "assert(vmem->dynamic_memslots);",
            "g_assert(vmem->dynamic_memslots);",
        ),
    ),
    edit(
        "a size by its condition",
        "logic",
        "prepare_memslots",
        (
            "uint64_t memslot_size = vmem->memslot_size; char name[20]; /**/ if (idx == "
            "vmem->nb_memslots - 1) { memslot_size = region_size - memslot_offset; }",
            "const uint64_t memslot_size = idx == vmem->nb_memslots - 1 ? region_size - "
            "memslot_offset : vmem->memslot_size; char name[20];",
        ),
    ),
    edit(
        "a longer name",
        "name",
        "prepare_memslots",
        (
            "char name[20];",
            "char name[32];",
        ),
    ),
)

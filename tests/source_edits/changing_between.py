"""Changes of what is done between other things, and more of what the rules say."""

from __future__ import annotations

from typing import Final

from source_edits.edit import Edit, edit

BETWEEN: Final[tuple[Edit, ...]] = (
    edit(
        "blocks are marked with another block size",
        "A.5",
        "set_block_state",
        (
            "virtio_mem_set_range_plugged(vmem, start_gpa, size);",
            "vmem->block_size *= 2; virtio_mem_set_range_plugged(vmem, start_gpa, size); "
            "vmem->block_size /= 2;",
        ),
    ),
    edit(
        "blocks are looked up at another address",
        "A.5",
        "state_change_request",
        (
            "/* test if really all blocks are in the opposite state */",
            "const uint64_t moved = vmem->addr; vmem->addr += vmem->block_size;",
        ),
        (
            "ret = virtio_mem_set_block_state(vmem, gpa, size, plug);",
            "vmem->addr = moved; ret = virtio_mem_set_block_state(vmem, gpa, size, plug);",
        ),
    ),
    edit(
        "an error is freed twice",
        "A.5",
        "set_block_state",
        (
            "warn_report_err(local_err); warned = true;",
            "warn_report_err(local_err); error_free(local_err); warned = true;",
        ),
    ),
    edit(
        "an error is told where there is none",
        "A.5",
        "set_block_state",
        (
            "if (!qemu_prealloc_mem(fd, area, size, 1, NULL, false, &local_err)) {",
            "bool had = qemu_prealloc_mem(fd, area, size, 1, NULL, false, &local_err);\n"
            "        if (had) {\n            warn_report_err(local_err);\n        }\n"
            "        if (!had) {",
        ),
    ),
    edit(
        "errors are never freed",
        "A.5",
        "set_block_state",
        ("} else { error_free(local_err); }", "}"),
    ),
    edit(
        "memslots are made anew once they are set up",
        "A.5",
        "prepare_memslots",
        (
            "memory_region_set_unmergeable(&vmem->memslots[idx], true); }",
            "memory_region_set_unmergeable(&vmem->memslots[idx], true); } "
            "vmem->memslots = g_new0(MemoryRegion, vmem->nb_memslots);",
        ),
    ),
    edit(
        "memslots are set up behind what is said of merging",
        "A.5",
        "prepare_memslots",
        (
            "memory_region_init_alias(",
            "memory_region_set_unmergeable(&vmem->memslots[idx], true); memory_region_init_alias(",
        ),
        (
            "memslot_size); /**/ memory_region_set_unmergeable(&vmem->memslots[idx], true);",
            "memslot_size);",
        ),
    ),
    edit(
        "memslots that nobody owns",
        "A.5",
        "prepare_memslots",
        ("OBJECT(vmem), name,", "NULL, name,"),
    ),
    edit(
        "the first memslot sets up all",
        "rule",
        "prepare_memslots",
        ("char name[20];", "char name[20]; if (idx) { continue; }"),
    ),
    edit(
        "one memslot in two",
        "rule",
        "activate_memslots_to_plug",
        (
            "idx++) { virtio_mem_activate_memslot(vmem, idx); }",
            "idx++) { virtio_mem_activate_memslot(vmem, idx); idx++; }",
        ),
    ),
    edit(
        "the end moves while memslots are mapped",
        "rule",
        "activate_memslots_to_plug",
        ("const unsigned int end_idx", "unsigned int end_idx"),
        (
            "virtio_mem_activate_memslot(vmem, idx); }",
            "virtio_mem_activate_memslot(vmem, idx); end_idx--; }",
        ),
    ),
    edit(
        "a memslot of 2^32 bytes starts at 0",
        "rule",
        "activate_memslots_to_plug",
        ("activate_memslot", "idx * vmem->memslot_size;", "(uint32_t)(idx * vmem->memslot_size);"),
    ),
    edit(
        "memslots below the first plugged block stay",
        "rule",
        "deactivate_unplugged_memslots",
        ("if (offset > memslot_offset ||", "if (offset > memslot_offset + vmem->block_size ||"),
    ),
    edit(
        "a size asked for whose lower half is 0",
        "rule",
        "resize_usable_region",
        ("if (!requested_size) {", "if (!(uint32_t)requested_size) {"),
    ),
    edit(
        "a usable size aligned to the lower half of a block",
        "rule",
        "resize_usable_region",
        (
            "QEMU_ALIGN_UP(newsize, vmem->block_size)",
            "QEMU_ALIGN_UP(newsize, (uint32_t)vmem->block_size)",
        ),
    ),
    edit(
        "a smaller usable size may be equal",
        "rule",
        "resize_usable_region",
        (
            "newsize < vmem->usable_region_size && !can_shrink",
            "newsize <= vmem->usable_region_size + 1 && !can_shrink",
        ),
    ),
    edit(
        "a host page that is a block",
        "rule",
        "default_block_size",
        (
            "if (page_size == qemu_real_host_page_size()) {",
            "if (page_size <= qemu_real_host_page_size()) {",
        ),
    ),
    edit(
        "a single memslot keeps its size",
        "rule",
        "decide_memslots",
        ("if (memslots != 1) {", "if (memslots > 2) {"),
    ),
    edit(
        "the limit is one less",
        "rule",
        "decide_memslots",
        ("QEMU_ALIGN_UP(region_size / limit,", "QEMU_ALIGN_UP(region_size / (limit - 1),"),
    ),
    edit(
        "a response is sent twice where blocks are mixed",
        "rule",
        "state_request",
        (
            "resp.u.state.state = cpu_to_le16(VIRTIO_MEM_STATE_MIXED);",
            "resp.u.state.state = cpu_to_le16(VIRTIO_MEM_STATE_MIXED); "
            "virtio_mem_send_response(vmem, elem, &resp);",
        ),
    ),
    edit(
        "an invalid state request is answered as busy",
        "rule",
        "state_request",
        ("VIRTIO_MEM_RESP_ERROR", "VIRTIO_MEM_RESP_BUSY"),
    ),
    edit(
        "the driver is not told of the same size",
        "rule",
        "set_requested_size",
        (
            "vmem->requested_size = value; } /**/ virtio_notify_config(VIRTIO_DEVICE(vmem));",
            "vmem->requested_size = value; virtio_notify_config(VIRTIO_DEVICE(vmem)); }",
        ),
    ),
    edit(
        "a wake-up unplugs and a cold reset does not",
        "rule",
        "system_reset_hold",
        ("type == RESET_TYPE_WAKEUP", "type == RESET_TYPE_COLD"),
    ),
)
"""What is done between other things, and more of what the rules say."""

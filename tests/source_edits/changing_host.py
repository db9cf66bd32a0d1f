"""Host operations and notices: whether, when, how often and on what they take place (A.1, A.6)."""

from source_edits.edit import edit

HOST = (
    edit(
        "failed plug keeps the memory",
        "A.1",
        "set_block_state",
        (
            "ram_block_discard_range(vmem->memdev->mr.ram_block, offset, size);",
            "",
        ),
    ),
    edit(
        "failed plug discards twice",
        "A.1",
        "set_block_state",
        (
            "ram_block_discard_range(vmem->memdev->mr.ram_block, offset, size);",
            "ram_block_discard_range(vmem->memdev->mr.ram_block, offset, size); "
            "ram_block_discard_range(vmem->memdev->mr.ram_block, offset, size);",
        ),
    ),
    edit(
        "discard ahead of every check",
        "A.1",
        "state_change_request",
        (
            "int ret;",
            "int ret; ram_block_discard_range(vmem->memdev->mr.ram_block, gpa - vmem->addr, size);",
        ),
    ),
    edit(
        "discard while migrating",
        "A.1",
        "set_block_state",
        (
            "int ret = 0;",
            "int ret = 0; ram_block_discard_range(rb, offset, size);",
        ),
    ),
    edit(
        "discard after a plug that succeeds",
        "A.1",
        "set_block_state",
        (
            "virtio_mem_set_range_plugged(vmem, start_gpa, size);",
            "virtio_mem_set_range_plugged(vmem, start_gpa, size); "
            "ram_block_discard_range(vmem->memdev->mr.ram_block, offset, size);",
        ),
    ),
    edit(
        "a second discard of everything",
        "A.1",
        "unplug_all",
        (
            "virtio_mem_notify_unplug_all(vmem);",
            "ram_block_discard_range(rb, 0, qemu_ram_get_used_length(rb)); "
            "virtio_mem_notify_unplug_all(vmem);",
        ),
    ),
    edit(
        "everything is discarded although nothing is plugged",
        "A.1",
        "unplug_all",
        (
            "if (vmem->size) {",
            "if (!vmem->size) { ram_block_discard_range(rb, 0, "
            "qemu_ram_get_used_length(rb)); } if (vmem->size) {",
        ),
    ),
    edit(
        "a failed discard of everything is tried again",
        "A.1",
        "unplug_all",
        (
            "return -EBUSY; } virtio_mem_n",
            "ram_block_discard_range(rb, 0, qemu_ram_get_used_length(rb)); return -EBUSY; "
            "} virtio_mem_n",
        ),
    ),
    edit(
        "preallocation in the background",
        "A.1",
        "set_block_state",
        (
            "1, NULL, false, &local_err",
            "1, NULL, true, &local_err",
        ),
    ),
    edit(
        "preallocation of the whole region",
        "A.1",
        "set_block_state",
        (
            "area, size, 1",
            "area, memory_region_size(&vmem->memdev->mr), 1",
        ),
    ),
    edit(
        "preallocation twice",
        "A.1",
        "set_block_state",
        (
            "Error *local_err = NULL;",
            "Error *local_err = NULL; qemu_prealloc_mem(fd, area, size, 1, NULL, false, NULL);",
        ),
    ),
    edit(
        "preallocation once the listeners know",
        "A.1",
        "set_block_state",
        (
            "if (vmem->prealloc) {",
            "if (virtio_mem_notify_plug(vmem, offset, size) == 0 && vmem->prealloc) {",
        ),
    ),
    edit(
        "unplug tells listeners ahead of the discard",
        "A.1",
        "set_block_state",
        (
            "if (!plug) {",
            "if (!plug) { virtio_mem_notify_unplug(vmem, offset, size);",
        ),
        (
            "return -EBUSY; } virtio_mem_notify_unplug(vmem, offset, size);",
            "return -EBUSY; }",
        ),
    ),
    edit(
        "discard behind the listeners",
        "A.1",
        "unplug_all",
        (
            "if (ram_block_discard_range(rb, 0, qemu_ram_get_used_length(rb))) { return "
            "-EBUSY; } virtio_mem_notify_unplug_all(vmem);",
            "virtio_mem_notify_unplug_all(vmem); if (ram_block_discard_range(rb, 0, "
            "qemu_ram_get_used_length(rb))) { return -EBUSY; }",
        ),
    ),
    edit(
        "discard of half of what is unplugged",
        "A.1",
        "set_block_state",
        (
            "if (ram_block_discard_range(rb, offset, size)) {",
            "if (ram_block_discard_range(rb, offset, size / 2)) {",
        ),
    ),
    edit(
        "memory is discarded while its memslots are mapped",
        "A.1",
        "set_block_state",
        (
            "ram_block_discard_range(vmem->memdev->mr.ram_block, offset, size);",
            "",
        ),
        (
            "if (ret && vmem->dynamic_memslots) {",
            "if (ret && vmem->dynamic_memslots) { "
            "ram_block_discard_range(vmem->memdev->mr.ram_block, offset, size);",
        ),
    ),
    edit(
        "preallocation of the start of the region",
        "A.6",
        "set_block_state",
        (
            "get_ram_ptr(&vmem->memdev->mr) + offset;",
            "get_ram_ptr(&vmem->memdev->mr);",
        ),
    ),
    edit(
        "the offset counts words",
        "A.6",
        "set_block_state",
        (
            "void *area = memory_region_get_ram_ptr(&vmem->memdev->mr) + offset;",
            "uint64_t *area = (uint64_t *)memory_region_get_ram_ptr(&vmem->memdev->mr) + offset;",
        ),
    ),
    edit(
        "the offset is added to an offset",
        "A.6",
        "set_block_state",
        (
            "mr) + offset;",
            "mr) + vmem->block_size + offset;",
        ),
    ),
    edit(
        "an address is taken off",
        "A.6",
        "set_block_state",
        (
            "mr) + offset;",
            "mr) + vmem->addr + (offset - 2 * vmem->addr);",
        ),
    ),
    edit(
        "the next memslot is asked for",
        "A.6",
        "activate_memslots_to_plug",
        (
            "activate_memslot",
            "if (memory_region_is_mapped(&vmem->memslots[idx]))",
            "if (memory_region_is_mapped(vmem->memslots + idx + 1))",
        ),
    ),
    edit(
        "only one failure is undone",
        "A.1",
        "set_block_state",
        (
            "if (ret && vmem->dynamic_memslots)",
            "if (ret == -EINVAL && vmem->dynamic_memslots)",
        ),
    ),
    edit(
        "only one failure is BUSY",
        "A.1",
        "unplug_all",
        (
            "if (ram_block_discard_range(rb, 0, qemu_ram_get_used_length(rb)))",
            "if (ram_block_discard_range(rb, 0, qemu_ram_get_used_length(rb)) == -EINVAL)",
        ),
    ),
    edit(
        "only one failure is told",
        "A.1",
        "unplug_all_request",
        (
            "if (virtio_mem_unplug_all(vmem))",
            "if (virtio_mem_unplug_all(vmem) == -EINVAL)",
        ),
    ),
)

"""The change of blocks written otherwise."""

from source_edits.edit import edit

BLOCKS = (
    edit(
        "busy is asked by the helper of a helper",
        "helper",
        "set_block_state",
        (
            "set_block_state",
            "",
            "static bool virtio_mem_may_not_change(void)\n"
            "{\n"
            "    return virtio_mem_is_busy();\n"
            "}\n"
            "\n",
        ),
        (
            "if (virtio_mem_is_busy()) {",
            "if (virtio_mem_may_not_change()) {",
        ),
    ),
    edit(
        "unplugging is a function of its own",
        "helper",
        "set_block_state",
        (
            "set_block_state",
            "",
            "static int virtio_mem_unplug_range(VirtIOMEM *vmem, uint64_t gpa, uint64_t "
            "size)\n"
            "{\n"
            "    const uint64_t offset = gpa - vmem->addr;\n"
            "\n"
            "    if (ram_block_discard_range(vmem->memdev->mr.ram_block, offset, size)) {\n"
            "        return -EBUSY;\n"
            "    }\n"
            "    virtio_mem_notify_unplug(vmem, offset, size);\n"
            "    virtio_mem_set_range_unplugged(vmem, gpa, size);\n"
            "    if (vmem->dynamic_memslots) {\n"
            "        virtio_mem_deactivate_unplugged_memslots(vmem, offset, size);\n"
            "    }\n"
            "    return 0;\n"
            "}\n"
            "\n",
        ),
        (
            "if (!plug) {",
            "if (!plug) { return virtio_mem_unplug_range(vmem, start_gpa, size); } if (!plug) {",
        ),
    ),
    edit(
        "another error number",
        "interface",
        "set_block_state",
        (
            "ret = -EBUSY;",
            "ret = -ENOMEM;",
        ),
    ),
    edit(
        "an offset computed where it is used",
        "name",
        "set_block_state",
        (
            "mr) + offset;",
            "mr) + (start_gpa - vmem->addr);",
        ),
    ),
    edit(
        "two independent reads in the other order",
        "order",
        "set_block_state",
        (
            "void *area = memory_region_get_ram_ptr(&vmem->memdev->mr) + offset; int fd = "
            "memory_region_get_fd(&vmem->memdev->mr);",
            "int fd = memory_region_get_fd(&vmem->memdev->mr); void *area = "
            "memory_region_get_ram_ptr(&vmem->memdev->mr) + offset;",
        ),
    ),
    edit(
        "a warning once, by its own function",
        "debugging",
        "set_block_state",
        (
            "static bool warned; /**/ if (!warned) { warn_report_err(local_err); warned = "
            "true; } else { error_free(local_err); }",
            "static bool warned; warn_report_err_once_cond(&warned, local_err);",
        ),
    ),
)

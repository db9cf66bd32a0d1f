"""What surrounds the requests: handlers, configuration, requested size, resets, loading (B.4)."""

from source_edits.edit import FILE, edit

REQUESTS = (
    edit(
        "PLUG unplugs",
        "B.4",
        "plug_request",
        (
            "gpa, nb_blocks, true);",
            "gpa, nb_blocks, false);",
        ),
    ),
    edit(
        "UNPLUG plugs",
        "B.4",
        "unplug_request",
        (
            "gpa, nb_blocks, false);",
            "gpa, nb_blocks, true);",
        ),
    ),
    edit(
        "a count of blocks in another byte order",
        "B.4",
        "plug_request",
        (
            "le16_to_cpu(req->u.plug.nb_blocks)",
            "be16_to_cpu(req->u.plug.nb_blocks)",
        ),
    ),
    edit(
        "the answer is always ACK",
        "B.4",
        "unplug_request",
        (
            "(vmem, elem, type);",
            "(vmem, elem, VIRTIO_MEM_RESP_ACK);",
        ),
    ),
    edit(
        "UNPLUG_ALL answers the other way round",
        "B.4",
        "unplug_all_request",
        (
            "if (virtio_mem_unplug_all(vmem))",
            "if (!virtio_mem_unplug_all(vmem))",
        ),
    ),
    edit(
        "UNPLUG_ALL says NACK",
        "B.4",
        "unplug_all_request",
        (
            "VIRTIO_MEM_RESP_BUSY",
            "VIRTIO_MEM_RESP_NACK",
        ),
    ),
    edit(
        "STATE tells plugged of unplugged",
        "B.4",
        "state_request",
        (
            "(VIRTIO_MEM_STATE_PLUGGED)",
            "(VIRTIO_MEM_STATE_UNPLUGGED)",
        ),
    ),
    edit(
        "STATE looks at one block less",
        "B.4",
        "state_request",
        (
            "= nb_blocks * vmem->block_size;",
            "= (nb_blocks - 1) * vmem->block_size;",
        ),
    ),
    edit(
        "STATE answers what is no range",
        "B.4",
        "state_request",
        (
            "VIRTIO_MEM_RESP_ERROR); return;",
            "VIRTIO_MEM_RESP_ERROR);",
        ),
    ),
    edit(
        "the types of request are exchanged",
        "B.4",
        "handle_request",
        (
            "case VIRTIO_MEM_REQ_PLUG:",
            "case VIRTIO_MEM_REQ_UNPLUG:",
        ),
        (
            "case VIRTIO_MEM_REQ_UNPLUG: virtio_mem_unplug_request",
            "case VIRTIO_MEM_REQ_PLUG: virtio_mem_unplug_request",
        ),
    ),
    edit(
        "a short request is taken",
        "B.4",
        "handle_request",
        (
            "0, &req, len) < len)",
            "0, &req, len) < 0)",
        ),
    ),
    edit(
        "the configuration tells requested for plugged",
        "B.4",
        "get_config",
        (
            "cpu_to_le64(vmem->size)",
            "cpu_to_le64(vmem->requested_size)",
        ),
    ),
    edit(
        "the configuration tells no usable size",
        "B.4",
        "get_config",
        (
            "config->usable_region_size = cpu_to_le64(vmem->usable_region_size);",
            "",
        ),
    ),
    edit(
        "a requested size need not be aligned",
        "B.4",
        "set_requested_size",
        (
            "if (!QEMU_IS_ALIGNED(value, vmem->block_size)) {",
            "if (!QEMU_IS_ALIGNED(value, 1)) {",
        ),
    ),
    edit(
        "a requested size above the region",
        "B.4",
        "set_requested_size",
        (
            "value > memory_region_size(&vmem->memdev->mr)) {",
            "value / 2 > memory_region_size(&vmem->memdev->mr)) {",
        ),
    ),
    edit(
        "the host may shrink the usable region",
        "B.4",
        "set_requested_size",
        (
            "(vmem, value, false);",
            "(vmem, value, true);",
        ),
    ),
    edit(
        "the guest is not told of a requested size",
        "B.4",
        "set_requested_size",
        (
            "virtio_notify_config(VIRTIO_DEVICE(vmem));",
            "",
        ),
    ),
    edit(
        "a wake-up unplugs",
        "B.4",
        "system_reset_hold",
        (
            "if (type == RESET_TYPE_WAKEUP)",
            "if (type != RESET_TYPE_WAKEUP)",
        ),
    ),
    edit(
        "a reset keeps the memory",
        "B.4",
        "system_reset_hold",
        (
            "virtio_mem_unplug_all(vmem);",
            "",
        ),
    ),
    edit(
        "memslots are not mapped after loading",
        "B.4",
        "post_load_bitmap",
        (
            "if (vmem->dynamic_memslots) {",
            "if (!vmem->dynamic_memslots) {",
        ),
    ),
    edit(
        "loading ahead of the blocks",
        "B.4",
        "post_load",
        (
            "if (!vmem->early_migration) {",
            "if (vmem->early_migration) {",
        ),
    ),
    edit(
        "unplugged memory is kept after loading",
        "B.4",
        "post_load",
        (
            "return virtio_mem_restore_unplugged(vmem);",
            "return 0;",
        ),
    ),
    edit(
        "one memslot of no size",
        "B.4",
        "device_realize",
        (
            "vmem->memslot_size = memory_region_size(&vmem->memdev->mr);",
            "",
        ),
    ),
    edit(
        "memslots ahead of their number",
        "B.4",
        "device_realize",
        (
            "if (!vmem->memslots) {",
            "if (vmem->memslots) {",
        ),
    ),
    edit(
        "the usable region begins small",
        "B.4",
        "device_realize",
        (
            "virtio_mem_resize_usable_region(vmem, vmem->requested_size, true);",
            "virtio_mem_resize_usable_region(vmem, 0, true);",
        ),
    ),
    edit(
        "a reset that the device never gets",
        "B.4",
        "system_reset_class_init",
        (
            FILE,
            "rc->phases.hold = virtio_mem_system_reset_hold;",
            "",
        ),
    ),
)

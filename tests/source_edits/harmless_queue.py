"""The queue and what follows a migration, written otherwise."""

from source_edits.edit import edit

QUEUE = (
    edit(
        "an endless loop without a condition",
        "loop",
        "handle_request",
        ("while (true) {", "for (;;) {"),
    ),
    edit(
        "the size of the variable that is read",
        "size",
        "handle_request",
        ("&req, len) < len)", "&req, sizeof(req)) < sizeof(req))"),
    ),
    edit(
        "an if for one of the cases",
        "logic",
        "handle_request",
        (
            "switch (type) { case VIRTIO_MEM_REQ_PLUG: virtio_mem_plug_request(vmem, elem, &req); "
            "break;",
            "if (type == VIRTIO_MEM_REQ_PLUG) { virtio_mem_plug_request(vmem, elem, &req); "
            "g_free(elem); continue; } switch (type) {",
        ),
    ),
    edit(
        "the room is looked at first",
        "order",
        "handle_request",
        (
            "if (!elem) {",
            "if (elem == NULL) {",
        ),
        (
            "if (iov_to_buf(",
            "if (iov_size(elem->in_sg, elem->in_num) < sizeof(struct virtio_mem_resp)) { "
            'virtio_error(vdev, "too little room"); virtqueue_detach_element(vq, elem, 0); '
            "g_free(elem); return; } if (iov_to_buf(",
        ),
    ),
    edit(
        "one return after loading",
        "exit",
        "post_load",
        (
            "if (migration_in_incoming_postcopy()) { return 0; } "
            "return virtio_mem_restore_unplugged(vmem);",
            "return migration_in_incoming_postcopy() ? 0 : virtio_mem_restore_unplugged(vmem);",
        ),
    ),
    edit(
        "shared memory and none to take in one condition",
        "logic",
        "post_load_early",
        (
            "if (!vmem->prealloc) { goto post_load_bitmap; }",
            "",
        ),
        (
            "if (migrate_ram_is_ignored(rb)) {",
            "if (!vmem->prealloc || migrate_ram_is_ignored(rb)) {",
        ),
    ),
    edit(
        "a variable of the queue starts as null",
        "requests",
        "handle_request",
        (
            "VirtQueueElement *elem;",
            "VirtQueueElement *elem = NULL;",
        ),
    ),
    edit(
        "the size of a request is a size_t",
        "requests",
        "handle_request",
        (
            "const int len = sizeof",
            "const size_t len = sizeof",
        ),
    ),
    edit(
        "what is broken has an exit of its own",
        "requests",
        "handle_request",
        (
            'size: %d", len); virtqueue_detach_element(vq, elem, 0); g_free(elem); return;',
            'size: %d", len); goto broken;',
        ),
        (
            "} g_free(elem); } }",
            "} g_free(elem); } broken: virtqueue_detach_element(vq, elem, 0); g_free(elem); }",
        ),
    ),
    edit(
        "the type has no variable",
        "requests",
        "handle_request",
        (
            "switch (type) {",
            "switch (le16_to_cpu(req.type)) {",
        ),
    ),
    edit(
        "a failure to discard as it is",
        "requests",
        "discard_range_cb",
        (
            "return ram_block_discard_range(rb, offset, size) ? -EINVAL : 0;",
            "return ram_block_discard_range(rb, offset, size);",
        ),
    ),
    edit(
        "the blocks in a conditional expression",
        "requests",
        "post_load",
        (
            "if (!vmem->early_migration) { ret = virtio_mem_post_load_bitmap(vmem); "
            "if (ret) { return ret; } }",
            "ret = vmem->early_migration ? 0 : virtio_mem_post_load_bitmap(vmem); if "
            "(ret < 0) { return ret; }",
        ),
    ),
    edit(
        "a return for a jump",
        "requests",
        "post_load_early",
        (
            "if (!vmem->prealloc) { goto post_load_bitmap; }",
            "if (!vmem->prealloc) { return virtio_mem_post_load_bitmap(vmem); }",
        ),
    ),
    edit(
        "the region has a name",
        "requests",
        "rdm_is_populated",
        (
            "g_assert(s->mr == &vmem->memdev->mr);",
            "MemoryRegion *mr = &vmem->memdev->mr; g_assert(mr == s->mr);",
        ),
    ),
    edit(
        "the error is told last",
        "requests",
        "handle_request",
        (
            'virtio_error(vdev, "virtio-mem protocol violation: invalid request" " '
            'size: %d", len); virtqueue_detach_element(vq, elem, 0);',
            'virtqueue_detach_element(vq, elem, 0); virtio_error(vdev, "virtio-mem '
            'protocol violation: invalid request" " size: %d", len);',
        ),
    ),
)

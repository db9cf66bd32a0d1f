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
)

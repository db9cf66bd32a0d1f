"""Requests taken from the queue: to whom they go, and what becomes of them (B.4)."""

from source_edits.edit import FILE, edit

QUEUE = (
    edit(
        "the whole check of the room for a response is gone",
        "B.4",
        "handle_request",
        ("iov_size(elem->in_sg, elem->in_num) < sizeof(struct virtio_mem_resp)", "false"),
    ),
    edit(
        "a response may have one byte too few",
        "B.4",
        "handle_request",
        ("sizeof(struct virtio_mem_resp)) {", "sizeof(struct virtio_mem_resp) - 1) {"),
    ),
    edit(
        "the room of what is read is looked at",
        "B.4",
        "handle_request",
        (
            "if (iov_size(elem->in_sg, elem->in_num) <",
            "if (iov_size(elem->out_sg, elem->out_num) <",
        ),
    ),
    edit(
        "buffers counted by those of the other way",
        "B.4",
        "handle_request",
        ("iov_to_buf(elem->out_sg, elem->out_num,", "iov_to_buf(elem->out_sg, elem->in_num,"),
    ),
    edit(
        "a request is read past its start",
        "B.4",
        "handle_request",
        ("elem->out_num, 0, &req, len)", "elem->out_num, 8, &req, len)"),
    ),
    edit(
        "a request is read in part",
        "B.4",
        "handle_request",
        ("sizeof(struct virtio_mem_req);", "sizeof(struct virtio_mem_resp);"),
    ),
    edit(
        "the first request alone is taken",
        "B.4",
        "handle_request",
        ("} g_free(elem); } }", "} g_free(elem); return; } }"),
    ),
    edit(
        "a request is not freed",
        "B.4",
        "handle_request",
        ("} g_free(elem); } }", "} } }"),
    ),
    edit(
        "a request is freed twice",
        "B.4",
        "handle_request",
        ("} g_free(elem); } }", "} g_free(elem); g_free(elem); } }"),
    ),
    edit(
        "a request is used once it is freed",
        "B.4",
        "handle_request",
        ("type = le16_to_cpu(req.type);", "type = le16_to_cpu(req.type); g_free(elem);"),
        ("} g_free(elem); } }", "} } }"),
    ),
    edit(
        "an unknown type is passed over",
        "B.4",
        "handle_request",
        (
            'type: %d", type); virtqueue_detach_element(vq, elem, 0); g_free(elem); return;',
            'type: %d", type); virtqueue_detach_element(vq, elem, 0); break;',
        ),
    ),
    edit(
        "an unknown type is a STATE",
        "B.4",
        "handle_request",
        ("case VIRTIO_MEM_REQ_STATE:", "case VIRTIO_MEM_REQ_STATE: case 4:"),
    ),
    edit(
        "an unknown type breaks nothing",
        "B.4",
        "handle_request",
        (
            'virtio_error(vdev, "virtio-mem protocol violation: unknown request"',
            'qemu_log("virtio-mem protocol violation: unknown request"',
        ),
    ),
    edit(
        "a type of eight bits",
        "B.4",
        "handle_request",
        ("uint16_t type;", "uint8_t type;"),
    ),
    edit(
        "STATE answers UNPLUG_ALL",
        "B.4",
        "handle_request",
        (
            "virtio_mem_unplug_all_request(vmem, elem);",
            "virtio_mem_state_request(vmem, elem, &req);",
        ),
    ),
    edit(
        "a request is carried out twice",
        "B.4",
        "handle_request",
        (
            "virtio_mem_plug_request(vmem, elem, &req);",
            "virtio_mem_plug_request(vmem, elem, &req); virtio_mem_plug_request(vmem, elem, &req);",
        ),
    ),
    edit(
        "the type of the request before",
        "B.4",
        "handle_request",
        ("uint16_t type;", "uint16_t type = 0, next;"),
        ("type = le16_to_cpu(req.type);", "next = le16_to_cpu(req.type);"),
        ("} g_free(elem); } }", "} type = next; g_free(elem); } }"),
    ),
    edit(
        "only so many requests, counted ahead of the loop",
        "B.4",
        "handle_request",
        ("uint16_t type;", "uint16_t type; unsigned left = 64;"),
        ("if (!elem) {", "left--; if (!elem || !left) {"),
    ),
    edit(
        "another size for what is asked, ahead of all requests",
        "B.4",
        "handle_request",
        ("while (true) {", "vmem->requested_size = 0; while (true) {"),
    ),
    edit(
        "types by other numbers",
        "B.4",
        "handle_request",
        (
            FILE,
            "static void virtio_mem_handle_request(",
            "#undef VIRTIO_MEM_REQ_PLUG\n#define VIRTIO_MEM_REQ_PLUG 5\n"
            "static void virtio_mem_handle_request(",
        ),
    ),
)

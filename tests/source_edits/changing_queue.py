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
    edit(
        "a request's count is changed on the way",
        "B.4",
        "handle_request",
        (
            "virtio_mem_plug_request(vmem, elem, &req);",
            "req.u.plug.nb_blocks = cpu_to_le16(1); virtio_mem_plug_request(vmem, elem, &req);",
        ),
    ),
    edit(
        "a request's address is changed on the way",
        "B.4",
        "handle_request",
        (
            "type = le16_to_cpu(req.type);",
            "type = le16_to_cpu(req.type); if (type == VIRTIO_MEM_REQ_STATE) { "
            "req.u.state.addr = cpu_to_le64(vmem->addr); }",
        ),
    ),
    edit(
        "the buffers for the response are dropped",
        "B.4",
        "handle_request",
        (
            "type = le16_to_cpu(req.type);",
            "type = le16_to_cpu(req.type); elem->in_num = 0;",
        ),
    ),
    edit(
        "every other request is dropped",
        "B.4",
        "handle_request",
        (
            "if (!elem) {",
            "elem = virtqueue_pop(vq, sizeof(VirtQueueElement)); if (!elem) {",
        ),
    ),
    edit(
        "each request is answered once more",
        "B.4",
        "handle_request",
        (
            "} g_free(elem); } }",
            "} virtio_mem_send_response_simple(vmem, elem, VIRTIO_MEM_RESP_ACK); g_free(elem); } }",
        ),
    ),
    edit(
        "a helper that may never end",
        "B.4",
        "handle_request",
        (
            "",
            "static bool virtio_mem_spin(VirtIOMEM *vmem)\n{\n    while (true) {\n       "
            " if (vmem->size) {\n            return true;\n        }\n    }\n}\n\n",
        ),
        (
            "if (!elem) {",
            "if (!elem || virtio_mem_spin(vmem)) {",
        ),
    ),
    edit(
        "one request in the life of the device",
        "B.4",
        "handle_request",
        (
            "if (!elem) {",
            "static bool done; if (done) { return; } done = true; if (!elem) {",
        ),
    ),
    edit(
        "an UNPLUG is never given back",
        "B.4",
        "handle_request",
        (
            "virtio_mem_unplug_request(vmem, elem, &req); break;",
            "virtio_mem_unplug_request(vmem, elem, &req); continue;",
        ),
    ),
    edit(
        "a busy device takes no request",
        "B.4",
        "handle_request",
        (
            "while (true) {",
            "while (true) { if (virtio_mem_is_busy()) { return; }",
        ),
    ),
    edit(
        "the usable region shrinks with a request",
        "B.4",
        "handle_request",
        (
            "type = le16_to_cpu(req.type);",
            "type = le16_to_cpu(req.type); virtio_mem_resize_usable_region(vmem, "
            "vmem->requested_size, true);",
        ),
    ),
    edit(
        "a size that the file computes itself",
        "B.4",
        "handle_request",
        (
            "",
            "static size_t iov_size(const struct iovec *iov, unsigned int n)\n{\n    "
            "return 24;\n}\n\n",
        ),
    ),
    edit(
        "the size of a request changes with the first one",
        "B.4",
        "handle_request",
        (
            "const int len = sizeof(struct virtio_mem_req);",
            "int len = sizeof(struct virtio_mem_req);",
        ),
        (
            "if (!elem) { return; }",
            "if (!elem) { return; } len = 8;",
        ),
    ),
    edit(
        "a short request is given back only with buffers",
        "B.4",
        "handle_request",
        (
            'size: %d", len); virtqueue_detach_element(vq, elem, 0);',
            'size: %d", len); if (elem->out_num) { virtqueue_detach_element(vq, elem, 0); }',
        ),
    ),
)

"""Requests and their checks written otherwise."""

from source_edits.edit import FILE, edit

REQUESTS = (
    edit(
        "the range in another order",
        "order",
        "valid_range",
        (
            "if (!QEMU_IS_ALIGNED(gpa, vmem->block_size)) { return false; }",
            "",
        ),
        (
            "return true;",
            "return QEMU_IS_ALIGNED(gpa, vmem->block_size);",
        ),
    ),
    edit(
        "the range as one expression",
        "logic",
        "valid_range",
        (
            "if (gpa + size < gpa || !size) { return false; }",
            "if (!(size && gpa + size >= gpa)) { return false; }",
        ),
    ),
    edit(
        "the end has a name",
        "name",
        "valid_range",
        (
            "{ if (!QEMU_IS_ALIGNED(gpa,",
            "{ const uint64_t end = gpa + size; if (!QEMU_IS_ALIGNED(gpa,",
        ),
        (
            "if (gpa + size > vmem",
            "if (end > vmem",
        ),
    ),
    edit(
        "a remainder for an alignment",
        "arithmetic",
        "valid_range",
        (
            "!QEMU_IS_ALIGNED(gpa, vmem->block_size)",
            "gpa % vmem->block_size != 0",
        ),
    ),
    edit(
        "a negated comparison",
        "logic",
        "valid_range",
        (
            "gpa >= vmem->addr + vmem->usable_region_size)",
            "!(gpa < vmem->usable_region_size + vmem->addr))",
        ),
    ),
    edit(
        "parameters by other names",
        "name",
        "valid_range",
        (
            "uint64_t gpa, uint64_t size)",
            "uint64_t start, uint64_t size)",
        ),
        (
            "{ if (!QEMU",
            "{ const uint64_t gpa = start; if (!QEMU",
        ),
    ),
    edit(
        "an answer in a variable",
        "exit",
        "valid_range",
        (
            "{ if (!QEMU",
            "{ bool valid = false; if (!QEMU",
        ),
        (
            "return true;",
            "valid = true; return valid;",
        ),
    ),
    edit(
        "a debugging print",
        "debugging",
        "valid_range",
        (
            "{ if (!QEMU",
            '{\n#ifdef DEBUG_VIRTIO_MEM\n    printf("range\\n");\n#endif\n    if (!QEMU',
        ),
    ),
    edit(
        "an assertion of what is so",
        "assertion",
        "state_change_request",
        (
            "ret = virtio_mem_set_block_state",
            "assert(size); ret = virtio_mem_set_block_state",
        ),
    ),
    edit(
        "parentheses, a comment and a blank line",
        "comment",
        "state_change_request",
        (
            "if (plug) { vmem->size += size;",
            "/* Adjust. */ if ((plug)) { vmem->size = (vmem->size + size);",
        ),
    ),
    edit(
        "a conditional expression for a branch",
        "logic",
        "state_change_request",
        (
            "if (plug) { vmem->size += size; } else { vmem->size -= size; }",
            "vmem->size = plug ? vmem->size + size : vmem->size - size;",
        ),
    ),
    edit(
        "unplugging first",
        "logic",
        "state_change_request",
        (
            "if (plug) { vmem->size += size; } else { vmem->size -= size; }",
            "if (!plug) { vmem->size -= size; } else { vmem->size += size; }",
        ),
    ),
    edit(
        "a switch of the sign",
        "arithmetic",
        "state_change_request",
        (
            "vmem->size -= size;",
            "vmem->size += -size;",
        ),
    ),
    edit(
        "the check of blocks in two",
        "logic",
        "state_change_request",
        (
            "if ((plug && !virtio_mem_is_range_unplugged(vmem, gpa, size)) || (!plug && "
            "!virtio_mem_is_range_plugged(vmem, gpa, size))) { return "
            "VIRTIO_MEM_RESP_ERROR; }",
            "if (plug) { if (!virtio_mem_is_range_unplugged(vmem, gpa, size)) { return "
            "VIRTIO_MEM_RESP_ERROR; } } else if (!virtio_mem_is_range_plugged(vmem, gpa, "
            "size)) { return VIRTIO_MEM_RESP_ERROR; }",
        ),
    ),
    edit(
        "no variable for what fails",
        "name",
        "state_change_request",
        (
            "int ret;",
            "",
        ),
        (
            "ret = virtio_mem_set_block_state(vmem, gpa, size, plug); if (ret) {",
            "if (virtio_mem_set_block_state(vmem, gpa, size, plug)) {",
        ),
    ),
    edit(
        "the range is helped by true for ERROR",
        "helper",
        "state_change_request",
        (
            "state_change_request",
            "",
            "static bool virtio_mem_invalid_range(VirtIOMEM *vmem, uint64_t gpa, uint64_t "
            "size)\n"
            "{\n"
            "    return !virtio_mem_valid_range(vmem, gpa, size);\n"
            "}\n"
            "\n",
        ),
        (
            "if (!virtio_mem_valid_range(vmem, gpa, size)) {",
            "if (virtio_mem_invalid_range(vmem, gpa, size)) {",
        ),
    ),
    edit(
        "a helper with parameters in another order",
        "interface",
        "state_change_request valid_range rdm_is_populated",
        (
            FILE,
            "virtio_mem_valid_range(const VirtIOMEM *vmem, uint64_t gpa, uint64_t size)",
            "virtio_mem_valid_range(const VirtIOMEM *vmem, uint64_t size, uint64_t gpa)",
        ),
        (
            "if (!virtio_mem_valid_range(vmem, gpa, size)) {",
            "if (!virtio_mem_valid_range(vmem, size, gpa)) {",
        ),
        (
            "state_request",
            "if (!virtio_mem_valid_range(vmem, gpa, size)) {",
            "if (!virtio_mem_valid_range(vmem, size, gpa)) {",
        ),
        (
            "rdm_is_populated",
            "valid_range(vmem, start_gpa, end_gpa - start_gpa)",
            "valid_range(vmem, end_gpa - start_gpa, start_gpa)",
        ),
    ),
    edit(
        "a helper that answers 0 or an error",
        "interface",
        "state_change_request valid_range rdm_is_populated",
        (
            "valid_range",
            "static bool",
            "static int",
        ),
        (
            "valid_range",
            "return true;",
            "return 0;",
        ),
        (
            "valid_range",
            "if (!QEMU_IS_ALIGNED(gpa, vmem->block_size)) { return false; }",
            "if (!QEMU_IS_ALIGNED(gpa, vmem->block_size)) { return -EINVAL; }",
        ),
        (
            "valid_range",
            "if (gpa + size < gpa || !size) { return false; }",
            "if (gpa + size < gpa || !size) { return -EINVAL; }",
        ),
        (
            "valid_range",
            "if (gpa < vmem->addr || gpa >= vmem->addr + vmem->usable_region_size) { "
            "return false; }",
            "if (gpa < vmem->addr || gpa >= vmem->addr + vmem->usable_region_size) { "
            "return -EINVAL; }",
        ),
        (
            "valid_range",
            "return false;",
            "return -EINVAL;",
        ),
        (
            "if (!virtio_mem_valid_range(vmem, gpa, size)) {",
            "if (virtio_mem_valid_range(vmem, gpa, size)) {",
        ),
        (
            "state_request",
            "if (!virtio_mem_valid_range(vmem, gpa, size)) {",
            "if (virtio_mem_valid_range(vmem, gpa, size)) {",
        ),
        (
            "rdm_is_populated",
            "if (!virtio_mem_valid_range(",
            "if (virtio_mem_valid_range(",
        ),
    ),
    edit(
        "a common exit",
        "exit",
        "state_change_request",
        (
            "int ret;",
            "int ret, answer = VIRTIO_MEM_RESP_ERROR;",
        ),
        (
            "{ return VIRTIO_MEM_RESP_ERROR; } if (plug && (vmem",
            "{ goto out; } if (plug && (vmem",
        ),
        (
            "return VIRTIO_MEM_RESP_NACK;",
            "answer = VIRTIO_MEM_RESP_NACK; goto out;",
        ),
        (
            "return VIRTIO_MEM_RESP_ERROR;",
            "goto out;",
        ),
        (
            "return VIRTIO_MEM_RESP_BUSY;",
            "answer = VIRTIO_MEM_RESP_BUSY; goto out;",
        ),
        (
            "return VIRTIO_MEM_RESP_ACK;",
            "answer = VIRTIO_MEM_RESP_ACK; out: return answer;",
        ),
    ),
    edit(
        "the section's size has a name",
        "name",
        "rdm_is_populated",
        (
            "uint64_t end_gpa = start_gpa + int128_get64(s->size);",
            "const uint64_t size = int128_get64(s->size); uint64_t end_gpa = start_gpa + size;",
        ),
        (
            "if (!virtio_mem_valid_range(vmem, start_gpa, end_gpa - start_gpa)) { return false; } "
            "return virtio_mem_is_range_plugged(vmem, start_gpa, end_gpa - start_gpa);",
            "return virtio_mem_valid_range(vmem, start_gpa, end_gpa - start_gpa) && "
            "virtio_mem_is_range_plugged(vmem, start_gpa, end_gpa - start_gpa);",
        ),
    ),
)

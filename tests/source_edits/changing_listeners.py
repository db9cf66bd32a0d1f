"""What listeners are told when they ask whether memory is populated (A.10, B.4)."""

from source_edits.edit import edit

LISTENERS = (
    edit(
        "a helper's parameters in another order, one caller as before",
        "A.10",
        "rdm_is_populated",
        (
            "valid_range",
            "uint64_t gpa, uint64_t size)",
            "uint64_t size, uint64_t gpa)",
        ),
    ),
    edit(
        "a helper that answers the other way round, one caller as before",
        "A.10",
        "rdm_is_populated",
        (
            "valid_range",
            "return true;",
            "return 0;",
        ),
        (
            "valid_range",
            "if (gpa + size < gpa || !size) { return false; }",
            "if (gpa + size < gpa || !size) { return -EINVAL; }",
        ),
    ),
    edit(
        "part of a block counts as none",
        "A.10",
        "rdm_is_populated",
        (
            "start_gpa = QEMU_ALIGN_DOWN(",
            "start_gpa = QEMU_ALIGN_UP(",
        ),
    ),
    edit(
        "any plugged block counts as all",
        "A.10",
        "rdm_is_populated",
        (
            "return virtio_mem_is_range_plugged(vmem, start_gpa, end_gpa - start_gpa);",
            "return !virtio_mem_is_range_unplugged(vmem, start_gpa, end_gpa - start_gpa);",
        ),
    ),
    edit(
        "what is outside the usable region counts as populated",
        "A.10",
        "rdm_is_populated",
        (
            "return false;",
            "return true;",
        ),
    ),
    edit(
        "the section of another region",
        "A.10",
        "rdm_is_populated",
        (
            "g_assert(s->mr == &vmem->memdev->mr);",
            "g_assert(s->mr != &vmem->memdev->mr);",
        ),
    ),
    edit(
        "the last block of a section is not looked at",
        "A.10",
        "rdm_is_populated",
        (
            "end_gpa = QEMU_ALIGN_UP(end_gpa,",
            "end_gpa = QEMU_ALIGN_DOWN(end_gpa,",
        ),
    ),
    edit(
        "nothing is populated while busy",
        "A.10",
        "rdm_is_populated",
        (
            "g_assert(s->mr",
            "if (virtio_mem_is_busy()) { return false; } g_assert(s->mr",
        ),
    ),
    edit(
        "a section ends in 32 bits",
        "A.10",
        "rdm_is_populated",
        (
            "uint64_t end_gpa =",
            "uint32_t end_gpa =",
        ),
    ),
)

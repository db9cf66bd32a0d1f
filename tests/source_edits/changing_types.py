"""Fields of other types, declared in every way that C has (A.3)."""

from source_edits.edit import FILE, HEADER, edit

TYPES = (
    edit(
        "an 8-bit count behind a comment",
        "A.3",
        "decide_memslots",
        (
            HEADER,
            "uint16_t nb_memslots;",
            "uint8_t nb_memslots; /* at most 255 */",
        ),
    ),
    edit(
        "a 32-bit memslot size",
        "A.3",
        "decide_memslots",
        (
            HEADER,
            "uint64_t memslot_size;",
            "uint32_t memslot_size;",
        ),
    ),
    edit(
        "two fields in one declaration, narrow",
        "A.3",
        "state_change_request",
        (
            HEADER,
            "uint64_t size;",
            "uint32_t size, unused;",
        ),
    ),
    edit(
        "a bit-field count",
        "A.3",
        "decide_memslots",
        (
            HEADER,
            "uint16_t nb_memslots;",
            "uint16_t nb_memslots : 6;",
        ),
    ),
    edit(
        "a narrow type behind a typedef",
        "A.3",
        "decide_memslots",
        (
            HEADER,
            "struct VirtIOMEM {",
            "typedef uint8_t SlotCount;\n\nstruct VirtIOMEM {",
        ),
        (
            HEADER,
            "uint16_t nb_memslots;",
            "SlotCount nb_memslots;",
        ),
    ),
    edit(
        "a narrow usable size",
        "A.3",
        "resize_usable_region",
        (
            HEADER,
            "uint64_t usable_region_size;",
            "unsigned int usable_region_size;",
        ),
    ),
    edit(
        "a narrow requested size",
        "A.3",
        "state_change_request",
        (
            HEADER,
            "uint64_t requested_size;",
            "uint32_t requested_size;",
        ),
    ),
    edit(
        "a narrow block size",
        "A.3",
        "valid_range decide_memslots",
        (
            HEADER,
            "uint64_t block_size;",
            "uint32_t block_size;",
        ),
    ),
    edit(
        "a narrow address as a macro",
        "A.3",
        "valid_range",
        (
            HEADER,
            "struct VirtIOMEM {",
            "#define ADDRESS uint32_t\nstruct VirtIOMEM {",
        ),
        (
            HEADER,
            "uint64_t addr;",
            "ADDRESS addr;",
        ),
    ),
    edit(
        "a signed size",
        "A.3",
        "state_change_request",
        (
            HEADER,
            "uint64_t size;",
            "int32_t size;",
        ),
    ),
    edit(
        "a size in 32 bits on the way",
        "A.3",
        "state_change_request",
        (
            "const uint64_t size",
            "const uint32_t size",
        ),
    ),
    edit(
        "a parameter of 16 bits",
        "A.3",
        "decide_memslots",
        (
            FILE,
            "decide_memslots(VirtIOMEM *vmem, unsigned int limit)",
            "decide_memslots(VirtIOMEM *vmem, uint16_t limit)",
        ),
    ),
    edit(
        "an end in 32 bits",
        "A.3",
        "valid_range",
        (
            "{ if (!QEMU_IS_ALIGNED(gpa,",
            "{ const uint32_t end = gpa + size; if (!QEMU_IS_ALIGNED(gpa,",
        ),
        (
            "if (gpa + size > vmem",
            "if (end > vmem",
        ),
    ),
    edit(
        "a block index in 32 bits",
        "A.3",
        "set_range_plugged",
        (
            "const unsigned long bit",
            "const unsigned int bit",
        ),
    ),
    edit(
        "an offset in 32 bits",
        "A.3",
        "set_block_state",
        (
            "const uint64_t offset",
            "const uint32_t offset",
        ),
    ),
)

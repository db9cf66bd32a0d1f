"""Changes hidden from a reader of the text: comments, conditions, macros, types of the header."""

from __future__ import annotations

from typing import Final

from source_edits.edit import FILE, HEADER, Edit, edit

_ENDS: Final = (
    "if (gpa + size > vmem->addr + vmem->usable_region_size) { return false; } return true;"
)
_FIRST: Final = "/*\n * Virtio MEM device\n"
_MIN: Final = '#include "trace.h"\n'

HIDDEN: Final[tuple[Edit, ...]] = (
    edit(
        "a comment that ends at a mark split over two lines",
        "text",
        "valid_range",
        (_ENDS, "/* the last check *\\\n/ return true; /* */ " + _ENDS),
    ),
    edit(
        "a comment that begins at a mark split over two lines",
        "text",
        "valid_range",
        (_ENDS, "/\\\n* note */ " + _ENDS.replace("> vmem", ">= vmem")),
    ),
    edit(
        "two lines that make a step of a counter",
        "text",
        "resize_usable_region",
        (
            "if (!requested_size) {",
            "uint64_t more = +\\\n+newsize; if (!requested_size || !more) {",
        ),
    ),
    edit(
        "a macro between texts that look like a comment",
        "text",
        "resize_usable_region",
        (
            FILE,
            _MIN,
            '#include "trace.h"\nstatic const char *opens = "/*";\n#undef MIN\n'
            '#define MIN(a, b) (b)\nstatic const char *closes = "*/";\n',
        ),
    ),
    edit(
        "a macro that a comment of two lines hides",
        "text",
        "decide_memslots",
        (
            FILE,
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)",
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (2 * GiB)\n// once it was \\\n"
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)",
        ),
    ),
    edit(
        "a macro that goes on behind a comment",
        "text",
        "decide_memslots",
        (
            FILE,
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)",
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB) /* twice\n */ * 2",
        ),
    ),
    edit(
        "a narrow type by a macro that is gone behind the struct",
        "text",
        "valid_range",
        (HEADER, "struct VirtIOMEM {", "#define uint64_t uint32_t\nstruct VirtIOMEM {"),
        (HEADER, "struct VirtioMemSystemReset {", "#undef uint64_t\nstruct VirtioMemSystemReset {"),
    ),
    edit(
        "neither of two conditions",
        "text",
        "valid_range",
        (
            _ENDS,
            "\n#if A && B\n#elif !A && B\n#else\nreturn true;\n#endif\n" + _ENDS,
        ),
    ),
    edit(
        "a condition that is zero in octal",
        "text",
        "decide_memslots",
        (
            FILE,
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)",
            "#if 00\n#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)\n#else\n"
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (2 * GiB)\n#endif",
        ),
    ),
    edit(
        "a branch by #elifndef",
        "text",
        "decide_memslots",
        (
            FILE,
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)",
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)\n#if 0\n#elifndef NOBODY_HAS_IT\n"
            "#undef VIRTIO_MEM_MIN_MEMSLOT_SIZE\n"
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (2 * GiB)\n#endif",
        ),
    ),
    edit(
        "a condition that changes its mind",
        "text",
        "decide_memslots",
        (
            FILE,
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)",
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)\n#define MIND 1\n#if MIND\n"
            "#define MADE_UP\n#endif\n#undef MIND\n#define MIND 0\n#if MIND\n#else\n"
            "#ifdef MADE_UP\n#undef VIRTIO_MEM_MIN_MEMSLOT_SIZE\n"
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (2 * GiB)\n#endif\n#endif",
        ),
    ),
    edit(
        "a macro put back by a pragma",
        "text",
        "decide_memslots",
        (
            FILE,
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)",
            "#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (2 * GiB)\n"
            '#pragma push_macro("VIRTIO_MEM_MIN_MEMSLOT_SIZE")\n'
            "#undef VIRTIO_MEM_MIN_MEMSLOT_SIZE\n#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)\n"
            '#pragma pop_macro("VIRTIO_MEM_MIN_MEMSLOT_SIZE")',
        ),
    ),
    edit(
        "another function takes the name by a macro",
        "text",
        "valid_range",
        (
            "valid_range",
            "",
            "#define MADE(name) static bool virtio_mem_##name(const VirtIOMEM *vmem, uint64_t gpa, "
            "uint64_t size) { return true; }\nMADE(valid_range)\n"
            "#define virtio_mem_valid_range virtio_mem_valid_range_of_old\n",
        ),
        ("activate_memslot", "", "#undef virtio_mem_valid_range\n"),
    ),
    edit(
        "a macro defined inside the function",
        "text",
        "resize_usable_region",
        ("uint64_t newsize", "\n#define MIN(a, b) MAX(a, b)\nuint64_t newsize"),
    ),
    edit(
        "a file included inside the function",
        "text",
        "valid_range",
        (_ENDS, '\n#include "more-checks.inc"\n' + _ENDS),
    ),
    edit(
        "two fields in one place",
        "text",
        "valid_range",
        (
            HEADER,
            "uint64_t addr; /**/ uint64_t usable_region_size;",
            "union { uint64_t addr; uint64_t usable_region_size; };",
        ),
    ),
    edit(
        "a struct under a condition ahead of the struct",
        "text",
        "valid_range",
        (
            HEADER,
            "struct VirtIOMEM { VirtIODevice parent_obj;",
            "#if 0\nstruct VirtIOMEM {\n"
            "    int32_t bitmap_size; unsigned long *bitmap; MemoryRegion *mr;\n"
            "    MemoryRegion *memslots; uint16_t nb_memslots; HostMemoryBackend *memdev;\n"
            "    uint64_t memslot_size, addr, usable_region_size, size, requested_size;\n"
            "    uint64_t block_size; uint32_t node; OnOffAuto unplugged_inaccessible;\n"
            "    bool prealloc, dynamic_memslots;\n};\n#endif\n"
            "struct VirtIOMEM { VirtIODevice parent_obj;",
        ),
        (HEADER, "/* block size and alignment */ uint64_t block_size;", "uint32_t block_size;"),
    ),
    edit(
        "a field of either type",
        "text",
        "valid_range",
        (
            HEADER,
            "/* block size and alignment */ uint64_t block_size;",
            "#ifdef SMALL\n    uint32_t block_size;\n#else\n    uint64_t block_size;\n#endif\n",
        ),
    ),
    edit(
        "a field of that name in a struct inside",
        "text",
        "valid_range",
        (
            HEADER,
            "/* block size and alignment */ uint64_t block_size;",
            "uint32_t block_size; struct { uint64_t block_size; } other;",
        ),
    ),
)
"""What the reader of a text may take for something else."""

OUTSIDE: Final[tuple[Edit, ...]] = (
    edit(
        "an extent that depends on the device",
        "A.4",
        "resize_usable_region",
        (
            FILE,
            "#define VIRTIO_MEM_USABLE_EXTENT (2 * (128 * MiB))",
            "#define VIRTIO_MEM_USABLE_EXTENT (vmem->size)",
        ),
    ),
    edit(
        "an extent that stores",
        "A.4",
        "resize_usable_region",
        (
            FILE,
            "#define VIRTIO_MEM_USABLE_EXTENT (2 * (512 * MiB))",
            "#define VIRTIO_MEM_USABLE_EXTENT (vmem->usable_region_size = 2 * MiB)",
        ),
    ),
    edit(
        "the size of huge pages from another file",
        "A.7",
        "thp_size",
        (
            FILE,
            '"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"',
            '"/sys/kernel/mm/transparent_hugepage/enabled"',
        ),
    ),
    edit(
        "the size of huge pages is set from the start",
        "A.7",
        "thp_size",
        (FILE, "static uint32_t thp_size;", "static uint32_t thp_size = 4 * KiB;"),
    ),
    edit(
        "listeners are told of the other thing by a macro",
        "A.7",
        "notify_plug",
        (FILE, _MIN, '#include "trace.h"\n#define notify_populate notify_discard_wrong\n'),
    ),
    edit(
        "a helper that is in another file",
        "A.7",
        "notify_unplug_all",
        (
            FILE,
            "static void virtio_mem_notify_unplug_all(VirtIOMEM *vmem)\n{",
            "static void virtio_mem_notify_unplug_all_of_old(VirtIOMEM *vmem)\n{",
        ),
    ),
    edit(
        "the smallest block is larger",
        "A.7",
        "thp_size",
        (FILE, "((uint32_t)(1 * MiB))", "((uint32_t)(64 * MiB))"),
    ),
)
"""What stands outside the functions that it changes."""

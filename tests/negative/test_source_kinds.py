"""Kinds of changes that must never pass as equal, each on a source of our own that is equal."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from model.profiles import PROFILES, QEMU_7_2, QEMU_8_2
from smt_proofs.source.findings import Finding, Verdict
from smt_proofs.source.header import read_header
from smt_proofs.source.lower import Lowering
from smt_proofs.source.parse import Source, SourceError, read_c
from smt_proofs.source.rules import RULE_NAMED
from smt_proofs.source.verify import timed

SOURCES = Path(__file__).parents[1] / "unit" / "sources"
REQUESTS = (SOURCES / "requests.c").read_text()
SMALL = (SOURCES / "small.c").read_text()
HEADER = """\
#ifndef HEADER_H
#define HEADER_H
struct VirtIOMEM {
    VirtIODevice parent_obj;
    int32_t bitmap_size;
    unsigned long *bitmap;
    MemoryRegion *mr;
    MemoryRegion *memslots;
    uint16_t nb_memslots;
    uint64_t memslot_size;
    HostMemoryBackend *memdev;
    uint32_t node;
    uint64_t addr, usable_region_size; /* bytes */
    uint64_t size;
    uint64_t requested_size;
    uint64_t block_size;
    OnOffAuto unplugged_inaccessible;
    bool prealloc;
    bool dynamic_memslots;
};
#endif
"""


def source_of(text: str, header: str = HEADER) -> Source:
    fields, macros = read_header(header)
    source = read_c(text, "x.c")
    return replace(source, fields=fields, complete=True, macros=[*macros, *source.macros])


def judged(text: str, name: str, header: str = HEADER, profile: str = "qemu-8.2") -> Finding:
    source = source_of(text, header)
    rule = RULE_NAMED[f"virtio_mem_{name}"]
    return timed(rule, source, Lowering(source), PROFILES[profile], "x.c")


@cache
def small(name: str) -> Verdict:
    """The verdict on a function as it is."""
    return judged(SMALL, name, profile="qemu").verdict


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{text.count(old)} places: {old}"
    return text.replace(old, new)


CHEAP = ("is_busy", "resize_usable_region", "plug_request", "unplug_all_request", "get_config")


@pytest.mark.parametrize("name", [*CHEAP, "unplug_all"])
def test_the_source_is_equal_as_it_is(name: str) -> None:
    found = judged(REQUESTS, name)
    assert (found.verdict, found.reason) == (Verdict.EQUAL, "")
    assert found.assumed == ()


DISCARDS = "virtio_mem_notify_unplug_all(vmem);"
HOST = [
    # A host operation that is missing, one too many, one too early or late, of another range.
    ("set_block_state", "        give_back(vmem, offset, size);\n    } else", "    } else"),
    ("set_block_state", "    int failed = 0;", "    int failed = give_back(vmem, offset, size);"),
    (
        "set_block_state",
        "        give_back(vmem, offset, size);\n    } else {",
        "        give_back(vmem, offset, size);\n"
        "        give_back(vmem, offset, size);\n    } else {",
    ),
    (
        "set_block_state",
        "        virtio_mem_set_range_plugged(vmem, gpa, size);",
        "        virtio_mem_set_range_plugged(vmem, gpa, size);\n"
        "        give_back(vmem, offset, size);",
    ),
    ("set_block_state", "size, 1, NULL, false,", "size, 1, NULL, true,"),
    ("set_block_state", "size, 1, NULL, false,", "vmem->size, 1, NULL, false,"),
    ("set_block_state", "(&vmem->memdev->mr) + offset;", "(&vmem->memdev->mr);"),
    ("set_block_state", "(&vmem->memdev->mr) + offset;", "(&vmem->memdev->mr) + 2 + offset;"),
    ("set_block_state", "    void *from = m", "    uint64_t *from = (uint64_t *)m"),
    ("unplug_all", DISCARDS, f"give_back(vmem, 0, whole);\n        {DISCARDS}"),
    ("unplug_all", "|| give_back(vmem, 0, whole)", "|| give_back(vmem, 0, whole / 2)"),
    (
        "unplug_all",
        "    if (vmem->size) {",
        "    give_back(vmem, 0, whole);\n    if (vmem->size) {",
    ),
    (
        "unplug_all",
        " || give_back(vmem, 0, whole)) {\n            return -EBUSY;\n        }\n"
        f"        {DISCARDS}",
        f") {{\n            return -EBUSY;\n        }}\n        {DISCARDS}\n"
        "        if (give_back(vmem, 0, whole)) {\n            return -EBUSY;\n        }",
    ),
]
TOLD = "        notifier_list_notify(&vmem->size_change_notifiers, &vmem->size);"
CALLS = [
    ("unplug_all", "&vmem->size);", "&vmem->requested_size);"),
    (
        "unplug_all",
        "        notifier_list_notify(&vmem->size_change_notifiers, &vmem->size);\n",
        "",
    ),
    (
        "unplug_all",
        f"        vmem->size = 0;\n{TOLD}",
        f"{TOLD}\n        vmem->size = 0;",
    ),
    ("unplug_all", "vmem->bitmap_size);", "vmem->bitmap_size / 2);"),
    ("plug_request", "count, true)", "count, false)"),
    ("plug_request", "le16_to_cpu(req->u.plug.nb_blocks)", "req->u.plug.nb_blocks"),
    ("unplug_all_request", "VIRTIO_MEM_RESP_BUSY", "VIRTIO_MEM_RESP_NACK"),
    ("get_config", "cpu_to_le64(vmem->size)", "cpu_to_le64(vmem->requested_size)"),
    ("get_config", "    config->addr = cpu_to_le64(vmem->addr);\n", ""),
    ("is_busy", "() || migration_in", "() && migration_in"),
    # An error that is freed twice, and one that nobody frees.
    ("set_block_state", "warn_report_err(why);", "warn_report_err(why);\n    error_free(why);"),
    ("set_block_state", "    warn_report_err(why);\n", ""),
    # What helpers take from the device is another thing while they run.
    (
        "set_block_state",
        "        virtio_mem_set_range_plugged(vmem, gpa, size);",
        "        vmem->addr += size;\n        virtio_mem_set_range_plugged(vmem, gpa, size);\n"
        "        vmem->addr -= size;",
    ),
]


@pytest.mark.parametrize(("name", "old", "new"), [*HOST, *CALLS])
def test_what_is_done_counts_and_its_order(name: str, old: str, new: str) -> None:
    found = judged(edited(REQUESTS, old, new), name)
    assert found.verdict in (Verdict.DIFFERS, Verdict.NOT_VERIFIED), found
    if found.verdict is Verdict.DIFFERS and RULE_NAMED[found.function].stubbed:
        assert found.confirmed or found.reason


MERGED = "        memory_region_set_unmergeable(&vmem->memslots[i], true);\n"
MADE = "    vmem->memslots = g_new0(MemoryRegion, vmem->nb_memslots);\n"
SET_UP = "        memory_region_init_alias(&vmem->memslots[i]"
MEMSLOTS = [
    ((f"{MERGED}    }}\n", f"{MERGED}    }}\n{MADE}"),),
    ((MADE, MADE + MADE),),
    (("OBJECT(vmem)", "NULL"),),
    ((MERGED, ""), (SET_UP, MERGED + SET_UP)),
]
"""Made twice, owned by nobody, set up behind what is said of merging."""


@pytest.mark.parametrize("edits", MEMSLOTS)
def test_memslots_are_made_and_set_up_once(edits: tuple[tuple[str, str], ...]) -> None:
    assert small("prepare_memslots") is Verdict.EQUAL
    text = SMALL
    for old, new in edits:
        text = edited(text, old, new)
    found = judged(text, "prepare_memslots", profile="qemu")
    assert found.verdict in (Verdict.DIFFERS, Verdict.NOT_VERIFIED), found


def test_preallocation_as_qemu_8_2_has_it() -> None:
    """One argument less, and a failure told by the error alone."""
    text = edited(
        REQUESTS,
        "if (qemu_prealloc_mem(fd, from, size, 1, NULL, false, &why)) {",
        "qemu_prealloc_mem(fd, from, size, 1, NULL, &why);\n    if (!why) {",
    )
    assert judged(text, "set_block_state").verdict is Verdict.EQUAL
    wrong = edited(text, "if (!why)", "if (why)")
    assert judged(wrong, "set_block_state").verdict is Verdict.DIFFERS


TYPES = [
    ("uint16_t nb_memslots;", "uint8_t nb_memslots; /* few */", "decide_memslots"),
    ("uint16_t nb_memslots;", "uint16_t nb_memslots : 6;", "decide_memslots"),
    ("uint16_t nb_memslots;", "unsigned char other, nb_memslots;", "decide_memslots"),
    ("struct VirtIOMEM {", "typedef uint8_t Few;\nstruct VirtIOMEM {", "decide_memslots"),
    ("uint64_t addr,", "uint32_t addr,", "valid_range"),
    ("uint64_t addr,", "WORD addr,", "valid_range"),
    ("    uint64_t block_size;\n", "", "valid_range"),
    ("MemoryRegion *memslots;", "uint8_t *memslots;", "activate_memslots_to_plug"),
    (
        "    uint64_t block_size;\n",
        "#ifdef FEW\n    uint32_t block_size;\n#else\n    uint64_t block_size;\n#endif\n",
        "valid_range",
    ),
    (
        "    uint64_t block_size;\n",
        "#define uint64_t uint32_t\n    uint64_t block_size;\n#undef uint64_t\n",
        "valid_range",
    ),
    (
        "uint64_t addr, usable_region_size;",
        "union { uint64_t addr, usable_region_size; };",
        "valid_range",
    ),
    (
        "struct VirtIOMEM {",
        "#if 0\nstruct VirtIOMEM {\n};\n#endif\nstruct VirtIOMEM {",
        "valid_range",
    ),
]
SPLIT = "*\\\n/"


def test_a_mark_of_a_comment_split_over_two_lines_is_refused() -> None:
    """The compiler joins lines first: what looks like one comment is two with code between."""
    ahead = f"    /* a {SPLIT} return true; /* b */\n"
    text = edited(SMALL, "    const uint64_t stop", f"{ahead}    const uint64_t stop")
    with pytest.raises(SourceError, match="split over two lines"):
        read_c(text, "x.c")


def test_conditions_are_met_each_by_itself() -> None:
    """Neither of two that look like opposites is met where B is not."""
    lines = "#if A && B\n#elif !A && B\n#else\n    return true;\n#endif\n"
    text = edited(SMALL, "    const uint64_t stop", f"{lines}    const uint64_t stop")
    found = judged(text, "valid_range", profile="qemu")
    assert found.verdict is Verdict.DIFFERS, found


@pytest.mark.parametrize(("old", "new", "name"), TYPES)
def test_types_come_from_the_header(old: str, new: str, name: str) -> None:
    header = edited(HEADER, old, new)
    if "Few" in new:
        header = edited(header, "uint16_t nb_memslots;", "Few nb_memslots;")
    if "WORD" in new:
        header = edited(header, "struct VirtIOMEM {", "#define WORD uint32_t\nstruct VirtIOMEM {")
    assert small(name) is Verdict.EQUAL
    found = judged(SMALL, name, header, profile="qemu")
    assert found.verdict in (Verdict.DIFFERS, Verdict.NOT_VERIFIED)


def test_a_type_that_no_header_shows_is_told() -> None:
    source = read_c(SMALL, "x.c")
    rule = RULE_NAMED["virtio_mem_valid_range"]
    found = timed(rule, source, Lowering(source), QEMU_8_2, "x.c")
    assert found.verdict is Verdict.EQUAL
    assert found.assumed == ("addr", "usable_region_size", "block_size")


NAMES = [
    ("#undef MIN\n#define MIN(a, b) ((a) > (b) ? (a) : (b))", "resize_usable_region"),
    ("#define QEMU_ALIGN_UP(n, m) QEMU_ALIGN_DOWN(n, m)", "resize_usable_region"),
    ("#define uint64_t uint32_t", "valid_range"),
    ("#define usable_region_size requested_size", "valid_range"),
    ("#undef true\n#define true 0", "get_memslots"),
    ("#define if while", "valid_range"),
    ("#if defined(SOMETHING)\n#undef GiB\n#define GiB MiB\n#endif", "decide_memslots"),
    ("#undef GiB\n#define GiB MiB", "decide_memslots"),
    ("enum { GiB = 4 };", "decide_memslots"),
    ("typedef uint32_t uint64_t;", "valid_range"),
    (
        "static bool memory_region_is_mapped(MemoryRegion *mr)\n{\n    return true;\n}",
        "activate_memslots_to_plug",
    ),
    ("#define memory_region_is_mapped(mr) true", "activate_memslots_to_plug"),
    # Hidden from a reader who takes a text for a comment, or goes by one line.
    (
        'static char a[] = "/*";\n#undef GiB\n#define GiB MiB\nstatic char b[] = "*/";',
        "decide_memslots",
    ),
    ("#define GiB (1 << 30) /* twice\n */ * 2", "decide_memslots"),
    ("#define GiB MiB\n// as it is \\\n#define GiB (1 << 30)", "decide_memslots"),
    ("#if 00\n#else\n#define GiB MiB\n#endif", "decide_memslots"),
    ("#if 0\n#elifndef NOBODY\n#define GiB MiB\n#endif", "decide_memslots"),
    ('#pragma pop_macro("GiB")', "decide_memslots"),
    ("#define virtio_mem_valid_range virtio_mem_valid_range_of_old", "valid_range"),
    ("#define VIRTIO_MEM_USABLE_EXTENT (vmem->size)", "resize_usable_region"),
]


@pytest.mark.parametrize(("ahead", "name"), NAMES)
def test_a_name_means_what_the_file_says(ahead: str, name: str) -> None:
    assert small(name) is Verdict.EQUAL
    found = judged(f"{ahead}\n{SMALL}", name, profile="qemu")
    if "defined(" in ahead or "#elifndef" in ahead:
        assert "redefines under a condition" in found.reason
    if "true" in ahead and name == "get_memslots":
        return
    assert found.verdict in (Verdict.DIFFERS, Verdict.NOT_VERIFIED)


def test_a_macro_of_the_same_meaning_is_equal() -> None:
    ahead = "#undef MIN\n#define MIN(x, y) \\\n    ((x) < (y) ? (x) : (y))\n"
    found = judged(ahead + SMALL, "resize_usable_region", profile="qemu")
    assert found.verdict is Verdict.EQUAL


def test_a_trace_of_the_files_own_is_followed() -> None:
    call = edited(
        SMALL,
        "    const uint64_t stop = gpa + size;",
        "    trace_it(vmem);\n    const uint64_t stop = gpa + size;",
    )
    assert judged(call, "valid_range", profile="qemu").verdict is Verdict.EQUAL
    own = "static void trace_it(VirtIOMEM *vmem)\n{\n    vmem->size = 0;\n}\n"
    assert judged(own + call, "valid_range", profile="qemu").verdict is Verdict.DIFFERS
    macro = "#define trace_it(v) (v->size = 0)\n"
    assert judged(macro + call, "valid_range", profile="qemu").verdict is not Verdict.EQUAL


def test_a_narrowing_is_found_at_an_address_above_it() -> None:
    text = edited(SMALL, "const uint64_t stop = gpa + size;", "const uint32_t stop = gpa + size;")
    found = judged(text, "valid_range", profile="qemu")
    assert found.verdict is Verdict.DIFFERS
    assert found.inputs is not None
    assert max(found.inputs["gpa"], found.inputs.get("length", 0)) >= 1 << 32
    assert found.confirmed, found.reason


LOOP = "for (i = offset / vmem->memslot_size; i < end; i += 1)"
SAME = [
    "for (i = end; i-- > offset / vmem->memslot_size;)",
    "for (i = offset / vmem->memslot_size; "
    "i != MAX(end, (uint32_t)(offset / vmem->memslot_size)); ++i)",
]


def test_a_fault_of_our_own_leaves_the_others_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    from smt_proofs.source import verify

    def broken(*_: object) -> None:
        raise TypeError("this\nis ours")

    source = source_of(REQUESTS)
    rule = RULE_NAMED["virtio_mem_is_busy"]
    faulty = replace(rule, claims=broken)  # type: ignore[arg-type]
    found = verify.timed(faulty, source, Lowering(source), QEMU_8_2, "x.c")
    assert found.verdict is Verdict.NOT_VERIFIED
    assert found.reason == "a fault of slotproof, please report it: TypeError: this is ours"
    assert verify.timed(rule, source, Lowering(source), QEMU_8_2, "x.c").verdict is Verdict.EQUAL


def test_a_function_that_was_refused_once_does_not_call_itself() -> None:
    text = edited(
        REQUESTS,
        "    return migration_is_running()",
        "    sleep(1);\n    return migration_is_running()",
    )
    source = source_of(text)
    program = Lowering(source)
    rule = RULE_NAMED["virtio_mem_is_busy"]
    said = {timed(rule, source, program, QEMU_8_2, "x.c").reason for _ in range(3)}
    assert said == {"not in the subset: call of sleep"}


def test_a_device_without_memslots_is_not_asked_for_them() -> None:
    found = judged(REQUESTS, "prepare_memslots", profile=QEMU_7_2.name)
    assert found.verdict is Verdict.NOT_HERE
    assert judged(REQUESTS, "resize_usable_region").mappings == ("static",)

"""verify-source on what it is for: virtio-mem.c as Debian serves it, and the patch under review."""

import json
import os
import shutil
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from model.profiles import QEMU
from smt_proofs.source.c_types import U8, U32
from smt_proofs.source.core import read_core
from smt_proofs.source.lower import Lowering
from smt_proofs.source.material import material_of
from smt_proofs.source.rules import RULE_NAMED
from smt_proofs.source.verify import Verdict, read_source, verdict

ROOT = Path(__file__).parents[2]
SEED = Path(os.environ.get("SLOTPROOF_SEED_PATCH", ROOT.parent / "shared" / "seed"))


@pytest.mark.qemu
def test_every_function_of_debians_qemu_is_proven_equal(source_file: Path) -> None:
    result = CliRunner().invoke(slotproof, ["verify-source", str(source_file), "--json"])
    document = json.loads(result.stdout)
    assert {f["function"]: f["reason"] for f in document["functions"] if f["reason"]} == {}
    verdicts = {f["function"]: f["verdict"] for f in document["functions"]}
    assert {name: verdicts.pop(name) for name in RULE_NAMED} == dict.fromkeys(RULE_NAMED, "equal")
    assert set(verdicts.values()) == {"taken on trust"}
    assert (document["profile"], document["inferred"], result.exit_code) == ("qemu", True, 0)


EDITS = [
    ("decide_memslots", "limit <= 1", "limit <= 2"),
    ("decide_memslots", "region_size / limit", "region_size % limit"),
    ("decide_memslots", "QEMU_ALIGN_UP(region_size / limit", "QEMU_ALIGN_DOWN(region_size / limit"),
    ("decide_memslots", "MAX(memslot_size, min", "MIN(memslot_size, min"),
    ("decide_memslots", "MEMSLOT_SIZE (1 * GiB)", "MEMSLOT_SIZE (2 * GiB)"),
    ("decide_memslots", "if (memslots != 1)", "if (memslots == 1)"),
    (
        "decide_memslots",
        "QEMU_ALIGN_UP(region_size, memslot",
        "QEMU_ALIGN_DOWN(region_size, memslot",
    ),
    ("decide_memslots", "!QEMU_IS_ALIGNED(region_size, v", "QEMU_IS_ALIGNED(region_size, v"),
    ("default_block_size", "page_size == qemu_real", "page_size != qemu_real"),
    ("default_block_size", "(1 * MiB))\n\nstatic", "(2 * MiB))\n\nstatic"),
    ("valid_range", "gpa + size < gpa || !size", "gpa + size < gpa && !size"),
    ("valid_range", "gpa < vmem->addr ||", "gpa <= vmem->addr ||"),
    ("valid_range", "gpa + size > vmem->addr", "gpa + size >= vmem->addr"),
    ("valid_range", "IS_ALIGNED(gpa,", "IS_ALIGNED(size,"),
    (
        "prepare_memslots",
        "region_size - memslot_offset;\n        }\n\n        snp",
        "region_size + memslot_offset;\n        }\n\n        snp",
    ),
    (
        "activate_memslots_to_plug",
        "idx < end_idx; idx++) {\n        virtio",
        "idx <= end_idx; idx++) {\n        virtio",
    ),
    ("deactivate_unplugged_memslots", "offset > memslot_offset ||", "offset > memslot_offset &&"),
    (
        "deactivate_unplugged_memslots",
        "if (!virtio_mem_is_range_unplugged(vmem, gpa, memslot",
        "if (virtio_mem_is_range_unplugged(vmem, gpa, memslot",
    ),
    (
        "resize_usable_region",
        "newsize < vmem->usable_region_size &&",
        "newsize < vmem->usable_region_size ||",
    ),
    ("resize_usable_region", "MIN(memory", "MAX(memory"),
    (
        "is_range_plugged",
        "find_next_zero_bit(vmem->bitmap, last_bit + 1, first_bit);\n    return",
        "find_next_bit(vmem->bitmap, last_bit + 1, first_bit);\n    return",
    ),
    ("set_block_state", "if (ret && vmem->dynamic", "if (!ret && vmem->dynamic"),
    ("set_block_state", "if (!plug)", "if (plug)"),
    ("state_change_request", "size > vmem->requested_size", "size >= vmem->requested_size"),
    ("unplug_all", "memslots(vmem, 0, region_size)", "memslots(vmem, 0, 0)"),
    ("unplug_all", "vmem->size = 0", "vmem->size = 1"),
]
if os.environ.get("SLOTPROOF_WHOLE_CORPUS") == "1":
    # Its proof is the longest.
    EDITS.append(("state_change_request", "vmem->size -= size", "vmem->size += size"))


@pytest.mark.qemu
@pytest.mark.parametrize(("name", "old", "new"), EDITS, ids=lambda text: " ".join(text.split()))
def test_a_token_changed_is_found(source_file: Path, name: str, old: str, new: str) -> None:
    text = source_file.read_text()
    assert text.count(old) == 1, f"{text.count(old)} places"
    source = read_source(text.replace(old, new).encode(), "virtio-mem.c")
    rule = RULE_NAMED[f"virtio_mem_{name}"]
    found = verdict(rule, source, Lowering(source), QEMU, "virtio-mem.c")
    assert found.verdict is Verdict.DIFFERS, found.reason
    assert found.inputs
    if rule.arithmetic:
        if shutil.which("gcc") is None:
            pytest.skip("no gcc")
        assert found.confirmed, found.reason


CORE_EDITS = [
    ("source", "if (max < MEMORY_DEVICES_SAFE", "if (max <= MEMORY_DEVICES_SAFE"),
    ("source", "max = MIN(max, kvm_get", "max = MAX(max, kvm_get"),
    ("source", "        free = MIN(free, kvm_get_free_memslots());\n", ""),
    ("source", "memslots = MIN(memslots, free - reserved);", "memslots = MIN(memslots, free);"),
    ("source", "memslots < 1 || unlikely(free < reserved)", "memslots < 1"),
    ("source", " -\n                      ms->device_memory->used_region_size;", ";"),
    ("source", "memslots = (double)memslots * size", "memslots = memslots * size"),
    ("source", "(double)memslots * size /", "(double)(memslots * size) /"),
    ("source", "return memslots < 1 ? 1 : memslots;", "return memslots;"),
    ("source", "required_memslots -\n           ms->device_memory->used", "required"),
    (
        "source",
        "    if (kvm_enabled()) {\n        max",
        "    ms->device_memory->used_memslots = 0;\n    if (kvm_enabled()) {\n        max",
    ),
    ("source", "static bool memory_device_is_empty", "#define MIN(a, b) (a)\nstatic bool e"),
    ("header", "SOFT_MEMSLOT_LIMIT 256", "SOFT_MEMSLOT_LIMIT 128"),
]
"""Texts of memory-device.c or its header, and what takes their place."""
LIMIT = "memory_device_memslot_decision_limit"


@pytest.mark.qemu
@pytest.mark.parametrize(("where", "old", "new"), CORE_EDITS, ids=lambda t: " ".join(t.split()))
def test_a_limit_that_another_core_hands_out_is_found(
    source_file: Path, where: str, old: str, new: str
) -> None:
    core = material_of(source_file).core
    assert core is not None
    text = core.header if where == "header" else core.source
    assert text is not None and text.count(old) == 1
    source = read_core(replace(core, **{where: text.replace(old, new)}))
    found = verdict(RULE_NAMED[LIMIT], source, Lowering(source), QEMU, "memory-device.c")
    assert found.verdict is Verdict.DIFFERS, found.reason
    assert found.inputs


@pytest.mark.qemu
def test_what_is_no_integer_arithmetic_is_not_verified(source_file: Path) -> None:
    core = material_of(source_file).core
    assert core is not None
    for new in (
        "(float)memslots * size",
        "memslots * ((double)size / 2)",
        "(double)memslots + size",
    ):
        text = core.source.replace("(double)memslots * size", new)
        source = read_core(replace(core, source=text))
        found = verdict(RULE_NAMED[LIMIT], source, Lowering(source), QEMU, "memory-device.c")
        assert found.verdict is Verdict.NOT_VERIFIED, new


@pytest.mark.qemu
def test_types_of_the_machine_are_read(source_file: Path) -> None:
    core = material_of(source_file).core
    assert core is not None and core.boards is not None
    assert read_core(core).fields["device_memory.required_memslots"] == U32
    narrow = core.boards.replace("unsigned int required_memslots", "uint8_t required_memslots")
    assert narrow != core.boards
    assert read_core(replace(core, boards=narrow)).fields["device_memory.required_memslots"] == U8


@pytest.mark.qemu
def test_a_patch_of_the_core_is_judged_on_its_base(source_file: Path, tmp_path: Path) -> None:
    tree = source_file.parents[2]
    name = "hw/mem/memory-device.c"
    old = (tree / name).read_text()
    new = old.replace("MIN(memslots, free - reserved)", "MIN(memslots, free)")
    diff = unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
    patch = tmp_path / "limit.patch"
    patch.write_text("".join(diff))
    words = ["verify-source", str(patch), "--base", str(tree), "--json"]
    result = CliRunner().invoke(slotproof, [*words, "--only", LIMIT])
    document = json.loads(result.stdout)
    [found] = document["functions"]
    assert (found["verdict"], found["change"]) == ("differs", "changed by the patch")
    assert (result.exit_code, document["other_files"]) == (1, [])
    refused = CliRunner().invoke(
        slotproof, ["verify-source", str(patch), "--against", str(tree), "--json"]
    )
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_the_patch_under_review_is_proven_equal() -> None:
    found = sorted(SEED.glob("*.txt")) if SEED.is_dir() else [SEED] * SEED.is_file()
    if not found:
        pytest.skip("no patch under review here: SLOTPROOF_SEED_PATCH names it")
    result = CliRunner().invoke(slotproof, ["verify-source", str(found[0]), "--json"])
    document = json.loads(result.stdout)
    equal = {f["function"] for f in document["functions"] if f["verdict"] == "equal"}
    short = {"decide", "activate", "deactivate", "prepare", "resize", "get"}
    assert {name.split("_")[2] for name in equal} == short
    assert (document["profile"], result.exit_code) == ("seed-v2", 3)
    [resize] = [f for f in document["functions"] if "resize" in f["function"]]
    assert resize["unseen"] == [719, 726]
    states = {f["function"]: f["reason"] for f in document["functions"] if f["verdict"] == "unseen"}
    assert "changes it but shows only" in states["virtio_mem_set_block_state"]

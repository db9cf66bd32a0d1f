"""One token of a source changed: each edit is found, with an input that a compiled run confirms."""

import shutil
from pathlib import Path

import pytest

from model.profiles import QEMU
from smt_proofs.source.lower import Lowering
from smt_proofs.source.rules import RULE_NAMED
from smt_proofs.source.verify import Verdict, read_source, verdict

TEXT = (Path(__file__).parents[1] / "unit" / "sources" / "small.c").read_text()
EDITS = [
    ("valid_range", "gpa + size;", "gpa - size;"),
    ("valid_range", "stop < gpa ||", "stop > gpa ||"),
    ("valid_range", "gpa >= vmem", "gpa > vmem"),
    ("valid_range", "stop <= usable", "stop < usable"),
    ("valid_range", "gpa % vmem", "size % vmem"),
    ("valid_range", "vmem->usable_region_size;", "vmem->requested_size;"),
    ("decide_memslots", "(1 * GiB)", "(2 * GiB)"),
    ("decide_memslots", "limit < 2", "limit < 3"),
    ("decide_memslots", "memdev ||", "memdev &&"),
    ("decide_memslots", "region / limit", "region % limit"),
    ("decide_memslots", "MAX(each", "MIN(each"),
    ("decide_memslots", "count != 1", "count == 1"),
    ("decide_memslots", "QEMU_ALIGN_UP(region", "QEMU_ALIGN_DOWN(region"),
    ("decide_memslots", "DIV_ROUND_UP(region", "QEMU_ALIGN_UP(region"),
    ("default_block_size", "1 * MiB", "2 * MiB"),
    ("default_block_size", "== qemu", "!= qemu"),
    ("prepare_memslots", "idx + 1", "idx + 2"),
    ("prepare_memslots", "memslot_size * idx", "block_size * idx"),
    ("prepare_memslots", "i < vmem", "i <= vmem"),
    ("activate_memslots_to_plug", "i < end; i += 1", "i <= end; i += 1"),
    (
        "activate_memslots_to_plug",
        "if (!memory_region_is_mapped(&vmem->memslots[i])) {\n            mem",
        "if (memory_region_is_mapped(&vmem->memslots[i])) {\n            mem",
    ),
    (
        "activate_memslots_to_plug",
        "i = offset / vmem->memslot_size; i < end; i += 1",
        "i = size / vmem->memslot_size; i < end; i += 1",
    ),
    ("deactivate_unplugged_memslots", "start >= offset", "start > offset"),
    ("deactivate_unplugged_memslots", "<= offset", ">= offset"),
    ("deactivate_unplugged_memslots", "whole ||", "whole &&"),
    ("deactivate_unplugged_memslots", "vmem->addr + start", "vmem->addr - start"),
    ("resize_usable_region", "MIN(memory", "MAX(memory"),
    ("resize_usable_region", "can_shrink ||", "can_shrink &&"),
    ("resize_usable_region", "requested_size !=", "requested_size =="),
]


@pytest.mark.parametrize(("name", "old", "new"), EDITS, ids=lambda text: text)
def test_an_edit_is_found_and_confirmed(name: str, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    source = read_source(TEXT.replace(old, new).encode(), "small.c")
    rule = RULE_NAMED[f"virtio_mem_{name}"]
    found = verdict(rule, source, Lowering(source), QEMU, "small.c")
    assert found.verdict is Verdict.DIFFERS, found.reason
    assert found.inputs
    assert found.source_says != found.model_says
    if shutil.which("gcc"):
        assert found.confirmed, found.reason
    else:
        assert found.confirmed is False and "no gcc" in found.reason


def test_there_are_enough_edits() -> None:
    assert len(EDITS) >= 20

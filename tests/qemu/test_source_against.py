"""Changes that QEMU saw, rebuilt as small edits: what they change, in one line a function."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from source_edits.edit import Edit, Texts, edit

from conformance.cli import slotproof

pytestmark = pytest.mark.qemu
OPTION = "if (vmem->dynamic_memslots) {"
BEFORE_364EFF6885 = edit(
    "memslots of no size are divided by",
    "old",
    "set_block_state",
    (
        f"{OPTION} virtio_mem_deactivate_unplugged_memslots(vmem, offset, size); }} return 0;",
        "virtio_mem_deactivate_unplugged_memslots(vmem, offset, size); return 0;",
    ),
    (
        f"{OPTION} virtio_mem_activate_memslots_to_plug(vmem, offset, size); }}",
        "virtio_mem_activate_memslots_to_plug(vmem, offset, size);",
    ),
    ("if (ret && vmem->dynamic_memslots) {", "if (ret) {"),
    (
        "unplug_all",
        f"{OPTION} virtio_mem_deactivate_unplugged_memslots(vmem, 0, region_size); }}",
        "virtio_mem_deactivate_unplugged_memslots(vmem, 0, region_size);",
    ),
    *(
        (name, "assert(vmem->dynamic_memslots);", "if (!vmem->dynamic_memslots) { return; }")
        for name in ("activate_memslots_to_plug", "deactivate_unplugged_memslots")
    ),
)
BEFORE_836F657B6A = edit(
    "busy before it is asked whether anything is plugged",
    "old",
    "unplug_all",
    (
        "if (vmem->size) { if (virtio_mem_is_busy()) { return -EBUSY; }",
        "if (virtio_mem_is_busy()) { return -EBUSY; } if (vmem->size) {",
    ),
)
PROHIBITED = edit(
    "no unplug below the requested size",
    "new",
    "state_change_request",
    (
        "if (plug && (vmem",
        "if (!plug && vmem->size <= vmem->requested_size) { return VIRTIO_MEM_RESP_NACK; } "
        "if (plug && (vmem",
    ),
)


def tree(directory: Path, texts: Texts) -> Path:
    for path, text in zip(
        ("hw/virtio/virtio-mem.c", "include/hw/virtio/virtio-mem.h"), texts, strict=True
    ):
        (directory / path).parent.mkdir(parents=True)
        (directory / path).write_text(text)
    return directory


def lines(old: Path, new: Path) -> dict[str, str]:
    """What is said of each function that differs."""
    result = CliRunner().invoke(slotproof, ["verify-source", str(new), "--against", str(old)])
    assert result.exit_code == 1, result.output
    said = [line.split("virtio_mem_", 1)[1] for line in result.output.splitlines() if ".c:" in line]
    return dict(line.split(": differs, ") for line in said)


DIVIDED = "the divisor is not zero, new answers "


@pytest.mark.parametrize(
    ("change", "forward", "said"),
    [
        (BEFORE_364EFF6885, False, {"set_block_state": DIVIDED, "unplug_all": DIVIDED}),
        (BEFORE_836F657B6A, False, {"unplug_all": "answer: old -16, new 0"}),
        (PROHIBITED, True, {"state_change_request": "answer: old 3, new 1"}),
    ],
    ids=lambda value: value.name if isinstance(value, Edit) else "",
)
def test_a_change_that_qemu_saw_is_told_in_one_line(
    source_texts: Texts, tmp_path: Path, change: Edit, forward: bool, said: dict[str, str]
) -> None:
    other = tree(tmp_path / "other", change.applied(source_texts))
    here = tree(tmp_path / "here", source_texts)
    found = lines(here, other) if forward else lines(other, here)
    for function, line in said.items():
        assert line in found[function]
    assert change is not BEFORE_836F657B6A or "busy=true" in found["unplug_all"]


def test_a_tree_is_equal_to_itself(source_file: Path) -> None:
    place = str(source_file.parents[2])
    result = CliRunner().invoke(slotproof, ["verify-source", place, "--against", place])
    assert result.exit_code == 0, result.output
    assert "the same text, which uses the same" in result.output

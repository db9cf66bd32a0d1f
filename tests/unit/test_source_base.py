"""verify-source on a patch with the tree it is for, and without."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_source_mails import diff, mail

from conformance.cli import slotproof
from conformance.commands.source_input import given
from conformance.traces.schemas import problem
from model.arithmetic import GIB, MIB, TIB

TEXT = (Path(__file__).parent / "sources" / "small.c").read_text()
HEADER = """\
struct VirtIOMEM {
    uint16_t nb_memslots;
    uint64_t memslot_size;
    uint64_t addr;
    uint64_t usable_region_size;
    uint64_t size;
    uint64_t requested_size;
    uint64_t block_size;
    int32_t bitmap_size;
    OnOffAuto unplugged_inaccessible;
    bool prealloc;
    bool dynamic_memslots;
    HostMemoryBackend *memdev;
    MemoryRegion *mr;
    MemoryRegion *memslots;
    unsigned long *bitmap;
    NotifierList size_change_notifiers;
};
"""
C_FILE, H_FILE = "hw/virtio/virtio-mem.c", "include/hw/virtio/virtio-mem.h"
CHANGED, BEFORE = "changed by the patch", "as before"
RIGHT = TEXT.replace("size == 0 || stop < gpa", "stop <= gpa")
WRONG = RIGHT.replace("stop <= usable_end", "stop < usable_end")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, text in ((C_FILE, TEXT), (H_FILE, HEADER)):
        (tmp_path / "tree" / path).parent.mkdir(parents=True)
        (tmp_path / "tree" / path).write_text(text)
    return tmp_path / "tree"


def run(*arguments: object, data: bytes | None = None) -> Result:
    words = ["verify-source", *map(str, arguments), "--profile", "qemu"]
    return CliRunner().invoke(slotproof, words, input=data)


def said(result: Result) -> dict[str, tuple[str, str]]:
    document = json.loads(result.stdout)
    assert problem(document, "verify-source-v1.json") is None
    assert document["exit_code"] == result.exit_code
    short = {f["function"].removeprefix("virtio_mem_"): f for f in document["functions"]}
    return {name: (f["verdict"], f["change"]) for name, f in short.items()}


ONLY = ("--only", "valid_range", "--only", "virtio_mem_get_memslots")


def test_a_patch_is_applied_and_told_from_what_was_there(tree: Path) -> None:
    result = run("-", "--base", tree, "--json", *ONLY, data=diff(TEXT, RIGHT).encode())
    assert said(result) == {"get_memslots": ("equal", BEFORE), "valid_range": ("equal", CHANGED)}
    assert result.exit_code == 0


def test_a_difference_is_told_of_a_device_that_may_be_and_the_line_that_changed(tree: Path) -> None:
    data = diff(TEXT, WRONG).encode()
    told = run("-", "--base", tree, "--json", *ONLY[:2], data=data)
    (finding,) = json.loads(told.stdout)["functions"]
    assert (
        WRONG.split("\n")[finding["line"] - 1].strip()
        != TEXT.split("\n")[finding["line"] - 1].strip()
    )
    inputs = finding["inputs"]
    assert 2 * MIB <= inputs["block"] <= GIB and inputs["region"] <= TIB
    assert inputs["region"] % inputs["block"] == 0
    document = json.loads(told.stdout)
    assert (document["remembered"], document["decided"]) == (0, 1)
    text = run("-", "--base", tree, *ONLY[:2], data=data).stdout
    assert "  block = 2 MiB\n" in text and "  allowed, by the rule: true\n" in text


def test_the_second_patch_of_a_series_is_not_lost(tree: Path, tmp_path: Path) -> None:
    box = tmp_path / "series.mbox"
    first = mail("[PATCH 1/2] a", diff(TEXT, RIGHT), "quoted-printable")
    second = mail("[PATCH 2/2] b", diff(RIGHT, WRONG), "base64")
    for data in (first + second, second + first):
        box.write_bytes(data)
        result = run(box, "--base", tree, "--json", *ONLY)
        assert said(result)["valid_range"] == ("differs", CHANGED)
        assert result.exit_code == 1


def test_a_series_without_its_base_says_what_to_add(tmp_path: Path) -> None:
    box = tmp_path / "series.mbox"
    box.write_bytes(
        mail("[PATCH 1/2] a", diff("", TEXT)) + mail("[PATCH 2/2] b", diff(TEXT, WRONG))
    )
    result = run(box)
    assert result.exit_code == 3
    assert "changed by the patch and shown only in part: valid_range; --base TREE" in result.output


def test_a_patch_that_shows_nothing_whole_says_what_to_add(tmp_path: Path) -> None:
    file = tmp_path / "one.patch"
    heading = " @@ static bool virtio_mem_valid_range(const VirtIOMEM *vmem, uint64_t gpa,"
    file.write_text(diff(TEXT, WRONG).replace(" @@\n", heading + "\n"))
    words = ["verify-source", str(file)]
    result = CliRunner().invoke(slotproof, words)
    assert result.exit_code == 3
    assert "--base TREE" in result.output
    assert "expected" not in result.output


def test_a_header_is_patched_with_the_source(tree: Path) -> None:
    narrow = HEADER.replace("uint16_t nb", "uint8_t nb")
    result = run(
        "-", "--base", tree, "--json", "--only", "decide_memslots",
        data=diff(HEADER, narrow, H_FILE).encode(),
    )  # fmt: skip
    change = "as before, but virtio-mem.h, which it uses, changed"
    assert said(result) == {"decide_memslots": ("differs", change)}
    result = run("-", "--base", tree / C_FILE, data=diff(HEADER, narrow, H_FILE).encode())
    assert result.exit_code in (1, 2)


def test_a_header_that_the_base_has_not_is_said(tmp_path: Path) -> None:
    (tmp_path / "virtio-mem.c").write_text(TEXT)
    data = diff(HEADER, HEADER.replace("uint16_t nb", "uint8_t nb"), H_FILE).encode()
    result = run("-", "--base", tmp_path / "virtio-mem.c", data=data)
    assert result.exit_code == 2
    assert f"it changes {H_FILE}, which" in result.output


def test_what_the_patch_changes_and_nobody_looks_at_is_told(tree: Path) -> None:
    after = TEXT + "\nstatic void virtio_mem_new(VirtIOMEM *vmem)\n{\n    abort();\n}\n"
    data = (diff(TEXT, after) + diff("a\n", "b\n", "docs/x.rst")).encode()
    result = run("-", "--base", tree, data=data)
    assert result.exit_code == 3
    assert "changed by the patch and not covered: new; --against" in result.output
    assert "changed too, and not looked at: docs/x.rst" in result.output
    assert "not covered: new; --base TREE applies the patch" in run("-", data=data).output


AROUND = [
    ("#define VIRTIO_MEM_MIN", '#include "own.h"\n#define VIRTIO_MEM_MIN', C_FILE),
    ("#define VIRTIO_MEM_MIN", "static int table[] = { 1 };\n#define VIRTIO_MEM_MIN", C_FILE),
    ("struct VirtIOMEM {", "struct VirtIOMEMClass {\n};\nstruct VirtIOMEM {", H_FILE),
]


@pytest.mark.parametrize(("old", "new", "file"), AROUND)
def test_what_stands_around_functions_is_not_covered(
    tree: Path, old: str, new: str, file: str
) -> None:
    text = TEXT if file == C_FILE else HEADER
    assert text.count(old) == 1
    read = given(_kept(tree, diff(text, text.replace(old, new), file)), tree, None)
    assert len(read.uncovered()) == 1
    assert read.others == ()


def _kept(tree: Path, text: str) -> Path:
    path = tree.parent / "x.patch"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("data", "base", "message"),
    [
        (diff(RIGHT, WRONG), True, "does not apply"),
        (diff("a\n", "b\n", "docs/x.rst"), True, "it changes nothing of virtio-mem.c"),
        (diff("a\n", "b\n", "docs/x.rst"), False, "it changes nothing of virtio-mem.c"),
        (TEXT, True, "no patch, which is what --base is for"),
        ("Hello\n", False, "it has none of the functions to verify"),
    ],
)
def test_wrong_use_is_one_line(tree: Path, data: str, base: bool, message: str) -> None:
    result = run("-", *(["--base", tree] if base else []), data=data.encode())
    assert result.exit_code == 2
    assert message in result.output and len(result.output.splitlines()) == 1


def test_a_function_that_is_not_covered_cannot_be_asked_for(tree: Path) -> None:
    result = run(tree, "--only", "abort")
    assert result.exit_code == 2
    assert "--only virtio_mem_abort: no function that is covered (" in result.output


def test_a_tree_without_the_file_is_said(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 2
    assert f"no {C_FILE} in it" in result.output

"""verify-source on a small source of our own: equal, not verified, unseen, wrong use."""

import difflib
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from conformance.cli import slotproof
from conformance.report.source import message
from conformance.traces.schemas import problem
from model.profiles import PROFILES, QEMU, QEMU_8_2, SEED_V2
from smt_proofs.source.findings import shown_inputs
from smt_proofs.source.lower import Lowering
from smt_proofs.source.names import HELPERS
from smt_proofs.source.rules import RULE_NAMED
from smt_proofs.source.search import device
from smt_proofs.source.verify import Finding, Verdict, infer_profile, read_source, verdict, verify

SMALL = Path(__file__).parent / "sources" / "small.c"
TEXT = SMALL.read_text()
WHOLE = [name for name in RULE_NAMED if f"{name}(VirtIOMEM" in TEXT or f"{name}(const" in TEXT]
FILE = "hw/virtio/virtio-mem.c"


def judged(text: str, function: str, profile: str = "qemu") -> Finding:
    """The verdict on one function of a text."""
    source = read_source(text.encode(), "small.c")
    program = Lowering(source)
    return verdict(RULE_NAMED[function], source, program, PROFILES[profile], "small.c")


def diff(before: str, after: str, context: int = 3) -> str:
    """A patch in the form that git writes."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"a/{FILE}", f"b/{FILE}", lineterm="", n=context
    )
    return f"Subject: a patch\n\ndiff --git a/{FILE} b/{FILE}\n" + "\n".join(lines) + "\n"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(slotproof, ["verify-source", *map(str, arguments)])


def test_the_source_holds_functions() -> None:
    """An empty list would make the test below pass unseen."""
    assert len(WHOLE) == 7


@pytest.mark.parametrize("function", [*WHOLE, "virtio_mem_default_block_size"])
def test_a_source_written_otherwise_is_proven_equal(function: str) -> None:
    found = judged(TEXT, function)
    assert found.verdict is Verdict.EQUAL, found.reason
    assert found.paths >= 1
    assert TEXT.split("\n")[found.line - 1].startswith("static")


def test_added_functions_of_a_patch_are_read_from_its_hunks(tmp_path: Path) -> None:
    patch = tmp_path / "new.patch"
    patch.write_text(diff("", TEXT))
    result = run(patch, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert problem(document, "verify-source-v1.json") is None
    assert document["is_patch"] and document["inferred"]
    by_name = {f["function"]: f for f in document["functions"]}
    for name in WHOLE:
        assert by_name[name]["verdict"] == "equal"
        assert by_name[name]["file"] == FILE
        assert name in TEXT.split("\n")[by_name[name]["line"] - 1]
    assert by_name["virtio_mem_unplug_all"]["verdict"] == "unseen"


def test_what_a_hunk_shows_in_part_is_unseen() -> None:
    after = TEXT.replace("each = MAX(each, ", "each = MIN(each, ")
    heading = "@@ static void virtio_mem_decide_memslots(VirtIOMEM *vmem, unsigned int limit)\n"
    shown = diff(TEXT, after, context=1).replace(" @@\n", f" {heading}") + diff(
        "", TEXT[: TEXT.index("static void")]
    )
    source = read_source(shown.encode(), "new.patch")
    found = {f.function: f for f in verify(source, QEMU, "new.patch")}
    part = found["virtio_mem_decide_memslots"]
    assert part.verdict is Verdict.UNSEEN
    assert part.reason.startswith("the patch changes it but shows only lines ")
    assert found["virtio_mem_unplug_all"].reason == "no hunk names it"
    assert found["virtio_mem_valid_range"].verdict is Verdict.EQUAL


RESIZE = """\
--- a/hw/virtio/virtio-mem.c
+++ b/hw/virtio/virtio-mem.c
@@ -10,4 +10,4 @@ static void virtio_mem_resize_usable_region(VirtIOMEM *vmem,
 {
     uint64_t newsize = QEMU_ALIGN_UP(MIN(memory_region_size(&vmem->memdev->mr),
-        requested_size), vmem->block_size);
+        requested_size + VIRTIO_MEM_USABLE_EXTENT), vmem->block_size);

@@ -20,3 +20,3 @@ static void virtio_mem_resize_usable_region(VirtIOMEM *vmem,
     /* The lines between are not here. */
-    vmem->usable_region_size = 0;
+    vmem->usable_region_size = newsize;
 }
"""


def test_lines_between_two_hunks_are_taken_as_the_rule_has_them() -> None:
    found = judged(RESIZE, "virtio_mem_resize_usable_region")
    assert found.verdict is Verdict.EQUAL
    assert found.unseen == (14, 19)
    wrong = RESIZE.replace("size = newsize", "size = newsize + 1")
    assert judged(wrong, "virtio_mem_resize_usable_region").verdict is Verdict.DIFFERS
    wrong = RESIZE.replace("MIN(", "MAX(")
    assert judged(wrong, "virtio_mem_resize_usable_region").verdict is Verdict.DIFFERS


def test_a_field_that_a_patch_narrows_is_read_so() -> None:
    header = """\
--- a/include/hw/virtio/virtio-mem.h
+++ b/include/hw/virtio/virtio-mem.h
@@ -1,1 +1,1 @@ struct VirtIOMEM {
-    uint16_t nb_memslots;
+    uint8_t nb_memslots;
"""
    found = judged(diff("", TEXT) + header, "virtio_mem_decide_memslots")
    assert found.verdict is Verdict.DIFFERS
    assert found.what == "number of memslots"


def test_profile_is_told_by_the_options() -> None:
    def told(text: str) -> object:
        return infer_profile(read_source(text.encode(), "x.c"))

    assert told(TEXT) is QEMU_8_2
    assert told(TEXT + "int x = RESET_TYPE_WAKEUP;") is QEMU
    assert told(TEXT.replace("dynamic_memslots", "multiple_memslots")) is SEED_V2
    assert told(TEXT.replace("dynamic_memslots", "prealloc")) is None


BODY = "static bool virtio_mem_valid_range(const VirtIOMEM *vmem, uint64_t gpa, uint64_t size)\n{\n"
OUTSIDE = {
    "while (size) {\n valid();\n}": "call of valid",
    "while (size) {\n if (gpa) {\n gpa = 0;\n }\n}": "while loop that does not end with a step",
    "switch (size) {\n case 0:\n size = 1;\n case 1: break;\n}": "case that goes on into the next",
    "again:\ngpa = size;\nif (gpa) {\n goto again;\n}": "goto that goes back or into a block",
    "size = gpa | 1;": "operator |",
    "int n = 1;\nsize = n & 1;": "& of signed operands",
    "size = something(gpa);": "call of something",
    "float f = 0;": "variable of type float",
    "vmem->other = 1;": "field other",
    "if (vmem->other)\n    return true;": "field other",
    "if (vmem->memdev->prealloc)\n    return true;": "field vmem->memdev->prealloc",
    "qemu_prealloc_mem(3, NULL, size, 1, NULL, false, &size);": "size, whose address is taken",
    "return;": "return without a value",
    "".join(f"#if {c}\nsize = 0;\n#endif\n" for c in "ABCD"): "more conditions than 3",
    "#define X 1\nsize = X;": "preproc",
    'gpa += *"x";': "dereference",
    "MemoryRegion *other = vmem->mr + 1;": "arithmetic on a pointer to MemoryRegion",
    "trace_x(size++);": "update expression",
    "trace_x(size = 0);": "assignment expression",
    'char name[4];\nsnprintf(other, 4, "");': "snprintf into what is no array here",
    "size = *(&gpa);": "dereference *(&gpa)",
    "size = UNKNOWN_MACRO;": "the name UNKNOWN_MACRO, which is not defined here",
    "size = sizeof(gpa);": "sizeof",
    "size = gpa == 1 ? : 2;": "conditional expression without consequence",
    "uint64_t unset;\nsize = unset;": "unset is read before it is set",
    "uint64_t size = 0;": "size, which hides another variable",
    "do {\n size = 0;\n} while (0);": "do statement",
}


@pytest.mark.parametrize("statement", OUTSIDE)
def test_what_is_outside_the_subset_is_named_with_its_line(statement: str) -> None:
    first = "    if (!gpa) {\n        return true;\n    }\n"
    text = f"{BODY}{first}{statement}\n    return false;\n}}\n"
    found = judged(text, "virtio_mem_valid_range")
    assert found.verdict in (Verdict.NOT_VERIFIED, Verdict.DIFFERS)
    if "unset" not in statement:
        assert found.verdict is Verdict.NOT_VERIFIED
    assert OUTSIDE[statement] in found.reason
    if "parse" not in OUTSIDE[statement]:
        assert 6 <= found.line <= 6 + statement.count("\n")


def test_a_function_outside_the_subset_ends_3(tmp_path: Path) -> None:
    file = tmp_path / "x.c"
    file.write_text(f"{BODY}    while (gpa) {{\n    }}\n    return false;\n}}\n")
    result = run(file, "--profile", "qemu")
    assert result.exit_code == 3
    assert "not in the subset: while loop" in result.output


ZERO = b"\x7fELF\x00\x01"
PATCH = diff("", TEXT)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (ZERO, "not UTF-8 text"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"int main(void)\n{\n    return 0;\n}\n", "none of the functions to verify"),
        (b"Hello\n", "none of the functions to verify"),
        ("\n".join(PATCH.split("\n")[:60]).encode(), "Hunk is shorter than expected"),
        (PATCH.replace("+static bool", "static bool", 1).encode(), "Hunk diff line expected"),
        (TEXT.replace("dynamic_memslots", "prealloc").encode(), "give --profile"),
    ],
)
def test_bad_input_is_one_line_and_ends_2(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "bad"
    file.write_bytes(data)
    result = run(file)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.splitlines()) == 1


def test_c_is_not_judged_by_the_profile_of_another_device(tmp_path: Path) -> None:
    path = tmp_path / "virtio-mem.c"
    path.write_text("void virtio_mem_decide_memslots(void) {}\n")
    command = ["verify-source", str(path), "--profile", "firecracker"]
    result = CliRunner().invoke(slotproof, command)
    assert result.exit_code == 2
    assert "is C, and the device of profile firecracker is not QEMU's" in result.stderr


def test_a_file_that_is_not_there_ends_2(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "none"):
        result = run(file)
        assert result.exit_code == 2
        assert len(result.output.splitlines()) == 1


def test_reports_of_continuous_integration_name_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "virtio-mem.c"
    file.write_text(TEXT.replace("stop < gpa ||", "stop < gpa &&").split("static void")[0])
    logs = [tmp_path / "o.sarif", tmp_path / "o.xml"]
    result = run(file, "--profile", "qemu", "--github", "--sarif", logs[0], "--junit", logs[1])
    assert result.exit_code == 1
    assert (
        f"::error file={file},line=8,title=slotproof::virtio_mem_valid_range: differs, answer"
        in (result.output)
    )
    sarif = json.loads(logs[0].read_text())
    [first, *rest] = sarif["runs"][0]["results"]
    assert [first["level"], {r["level"] for r in rest}] == ["warning", {"warning", "error"}]
    errors = [r for r in sarif["runs"][0]["results"] if r["level"] == "error"]
    place = errors[0]["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] == 8
    assert place["artifactLocation"]["uri"] == file.as_uri()
    root = ElementTree.fromstring(logs[1].read_text())
    assert root.attrib["failures"] == "1"
    [failure] = root.iter("failure")
    assert failure.attrib["message"].startswith("virtio_mem_valid_range: differs, answer: source")


def test_the_request_is_named_where_it_is_an_unplug_too() -> None:
    told = {rule.function for rule in RULE_NAMED.values() if "plug" in rule.told}
    assert told == {"virtio_mem_set_block_state", "virtio_mem_state_change_request"}
    unplug = replace(device(Random(1)), plug=False)
    assert shown_inputs(unplug, ("plug",)) == shown_inputs(unplug) | {"plug": False}
    finding = {"function": "f", "verdict": "differs", "what": "mapped memslots"}
    says = {"source_says": "[3, 4)", "model_says": "[2, 4)"}
    line = message(finding | says | {"inputs": {"plug": False, "mapped": [[0, 4]]}})
    sides = "source memslot 3, model memslots 2 to 3"
    assert line == f"f: differs, mapped memslots: {sides}, at plug=false (UNPLUG), mapped=0 to 3"


def test_the_published_schema_is_one() -> None:
    from conformance.traces.schemas import load

    Draft202012Validator.check_schema(load("verify-source-v1.json"))


def test_the_page_names_what_is_looked_at_and_what_is_trusted() -> None:
    page = (Path(__file__).parents[2] / "docs" / "source.md").read_text()
    looked_at, rest = page.split("## What is taken on trust")
    trusted, _ = rest.split("## What is not covered")
    for name in RULE_NAMED:
        assert f"`{name.removeprefix('virtio_mem_')}`" in looked_at, name
    for name in HELPERS - RULE_NAMED.keys():
        assert f"`{name}`" in trusted or ("`virtio_mem_notify_*`" in trusted and "notify" in name)

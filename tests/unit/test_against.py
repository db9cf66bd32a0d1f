"""Old against new: what is proven equal, what is told apart, and what is left open."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.traces.schemas import problem
from model.effects import Did
from model.extents import Extents
from model.machine_ints import INTS
from model.profiles import QEMU, Mapping
from smt_proofs.source.case import Case
from smt_proofs.source.host import Event
from smt_proofs.source.likeness import ASIDE, COMPARED
from smt_proofs.source.lower import Lowering
from smt_proofs.source.partings import shown_apart
from smt_proofs.source.runs import ProofRun, TrialRun
from smt_proofs.source.search import device
from smt_proofs.source.verify import read_source

TEXT = (Path(__file__).parent / "sources" / "small.c").read_text()


def run(old: str, new: str, tmp_path: Path, *more: str) -> Result:
    for name, text in (("old.c", old), ("new.c", new)):
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / "new.c"), "--against", str(tmp_path / "old.c")]
    return CliRunner().invoke(slotproof, ["verify-source", *files, *more])


def told(old: str, new: str, tmp_path: Path) -> tuple[int, dict[str, dict[str, object]]]:
    result = run(old, new, tmp_path, "--json")
    document = json.loads(result.stdout)
    assert problem(document, "verify-against-v1.json") is None
    names = {f["function"].removeprefix("virtio_mem_"): f for f in document["functions"]}
    return result.exit_code, {n: f for n, f in names.items() if f["change"] != "as before"}


SAME = [
    ("size == 0 || stop < gpa ||", "stop < gpa || !size ||"),
    ("return gpa >= vmem->addr &&", "return !(gpa < vmem->addr) &&"),
    ("limit < 2 ||", "limit <= 1 ||"),
    ("i += 1", "i++"),
    ("return vmem->dynamic_memslots ? vmem->nb_memslots : 1;",
     "if (!vmem->dynamic_memslots) {\n        return 1;\n    }\n    return vmem->nb_memslots;"),
    ("whole ||\n", "(start >= offset && start + length <= offset + size) ||\n"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), SAME, ids=lambda text: " ".join(text.split()))
def test_a_rewrite_is_proven_equal(tmp_path: Path, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    code, found = told(TEXT, TEXT.replace(old, new), tmp_path)
    assert code == 0
    assert {f["verdict"] for f in found.values()} == {"equal"}
    assert any(f["paths"] for f in found.values())


def test_a_difference_has_inputs_and_both_answers(tmp_path: Path) -> None:
    old = "gpa < usable_end &&"
    code, found = told(TEXT, TEXT.replace(old, "gpa < usable_end - 1 &&"), tmp_path)
    [finding] = found.values()
    assert (code, finding["verdict"], finding["what"]) == (1, "differs", "answer")
    assert {finding["old_says"], finding["new_says"]} == {"true", "false"}
    assert finding["inputs"]


def test_a_parting_is_told_on_a_device_that_may_be_and_has_a_page(tmp_path: Path) -> None:
    new = TEXT.replace("gpa < usable_end &&", "gpa < usable_end - 1 &&")
    result = run(TEXT, new, tmp_path, "--json")
    (tmp_path / "against.json").write_text(result.stdout)
    words = ["report", "--out", str(tmp_path / "page"), str(tmp_path / "against.json")]
    assert CliRunner().invoke(slotproof, words).exit_code == 0
    page = (tmp_path / "page" / "index.html").read_text()
    assert "--against" in page.split("was made: <code>slotproof verify-source ")[1].split("<")[0]
    assert "equal: for all inputs" not in run(TEXT, new, tmp_path, "--only", "valid_range").stdout


def test_sides_that_do_the_same_to_other_memslots_are_told_apart() -> None:
    """What is printed of them must not be the same words."""
    none, one = Extents.EMPTY, Extents.EMPTY.with_range(0, 1)

    def done(plugged: Extents, mapped: Extents, *, full: bool) -> Event:
        return Event(None if full else Did.UNMAP, plugged, mapped, None, None, True)

    old, new = shown_apart((done(none, one, full=False),), (done(none, none, full=False),))
    assert (old, new) == ("unmap (mapped then: 0)", "unmap (mapped then: none)")
    old, new = shown_apart((done(one, one, full=True),), (done(none, one, full=True),))
    assert "plugged then: 0" in old
    assert "plugged then: none" in new


def test_where_both_stop_they_are_alike_and_where_one_does_not_they_part(tmp_path: Path) -> None:
    head = "static unsigned int virtio_mem_get_memslots(VirtIOMEM *vmem)\n{\n"
    stops = TEXT.replace(head, head + "    assert(vmem->size);\n")
    late = TEXT.replace(head, head + "    g_assert(vmem->size != 0);\n")
    assert told(stops, late, tmp_path)[0] == 0
    code, found = told(TEXT, stops, tmp_path)
    assert (code, found["get_memslots"]["what"]) == (1, "where it stops")
    assert "not so: the assertion holds" in str(found["get_memslots"]["new_says"])


def test_what_is_outside_the_subset_is_not_verified(tmp_path: Path) -> None:
    new = TEXT.replace("uint64_t least = 1 * MiB;", "uint64_t least = 1 * MiB + unknown();")
    code, found = told(TEXT, new, tmp_path)
    assert code == 3
    assert found["default_block_size"]["verdict"] == "not verified"
    assert "call of unknown" in str(found["default_block_size"]["reason"])


def test_a_function_of_the_same_text_follows_what_it_uses(tmp_path: Path) -> None:
    user = "\nstatic int virtio_mem_user(VirtIOMEM *vmem)\n{\n    odd(%s);\n    return 0;\n}\n"
    old = TEXT + user % "virtio_mem_valid_range(vmem, 1, 2)"
    code, found = told(old, old.replace("size == 0 || stop < gpa", "stop <= gpa"), tmp_path)
    assert (code, found["user"]["verdict"]) == (0, "equal")
    code, found = told(old, old.replace("size == 0 || stop < gpa", "stop < gpa"), tmp_path)
    assert (code, found["user"]["verdict"]) == (1, "follows")


@pytest.mark.slow
def test_helpers_added_removed_or_of_another_interface_are_judged_by_their_callers(
    tmp_path: Path,
) -> None:
    new = TEXT.replace(
        "static uint64_t slot_start(const VirtIOMEM *vmem, unsigned int idx)",
        "static uint64_t slot_start(unsigned int idx, const VirtIOMEM *vmem)",
    ).replace("slot_start(vmem, idx)", "slot_start(idx, vmem)")
    new = new.replace("slot_start(vmem, i)", "slot_start(i, vmem)")
    code, found = told(TEXT, new, tmp_path)
    assert (code, found["slot_start"]["verdict"]) == (0, "another interface")
    assert found["prepare_memslots"]["verdict"] == "equal"
    gone = TEXT.replace("slot_start(vmem, idx)", "(vmem->memslot_size * idx)")
    gone = gone.replace("slot_start(vmem, i)", "(vmem->memslot_size * i)")
    start = gone.index("static uint64_t slot_start")
    gone = gone[:start] + gone[gone.index("static uint64_t slot_length") :]
    code, found = told(TEXT, gone, tmp_path)
    assert (code, found["slot_start"]["verdict"]) == (0, "removed")
    code, found = told(gone, TEXT, tmp_path)
    assert (code, found["slot_start"]["verdict"]) == (0, "added")


def test_what_stands_outside_functions_is_told(tmp_path: Path) -> None:
    code, found = told(TEXT, TEXT + "\nstatic int table[] = { 1, 2 };\n", tmp_path)
    assert code == 3
    assert found["outside functions"]["verdict"] == "not verified"
    assert told(TEXT, TEXT + "\n/* A comment. */\n", tmp_path) == (0, {})
    code, found = told(TEXT, '#include "own.h"\n' + TEXT, tmp_path)
    assert (code, [*found]) == (3, ["outside functions"])


def test_a_helper_taken_to_do_the_same_must_not_change(tmp_path: Path) -> None:
    helper = "\nstatic bool virtio_mem_is_busy(void)\n{\n    return %s;\n}\n"
    user = "\nstatic bool virtio_mem_asks(void)\n{\n    return virtio_mem_is_busy();\n}\n"
    old, new = (TEXT + helper % f"migration_{name}()" + user for name in ("a", "b"))
    code, found = told(old, new, tmp_path)
    assert (code, found["is_busy"]["verdict"]) == (3, "not verified")
    assert "migration_a" in str(found["is_busy"]["reason"])
    assert found["asks"]["verdict"] == "follows"


def test_a_model_is_not_asked(tmp_path: Path) -> None:
    result = run(TEXT, TEXT, tmp_path, "--profile", "qemu")
    assert result.exit_code == 2
    assert "--against asks no model" in result.output


@pytest.mark.parametrize("kind", [TrialRun, ProofRun])
def test_every_part_of_a_run_is_compared_or_known_not_to_matter(kind: type) -> None:
    """A part that a later change adds must be put in one of the two sets."""
    from random import Random

    source = read_source(TEXT.encode(), "small.c")
    program = Lowering(source)
    function = program.function("virtio_mem_valid_range")
    assert function is not None
    case = Case(INTS, device(Random(1)), QEMU, Mapping.PLUGGED, kind, program.function, function)
    assert vars(case.run).keys() <= COMPARED | ASIDE


def test_an_endless_loop_is_not_verified(tmp_path: Path) -> None:
    """Where it is left both answer the same; where it is not, one never does."""
    head = "static unsigned int virtio_mem_get_memslots(VirtIOMEM *vmem)\n{\n"
    leaves = "if (vmem->dynamic_memslots) {\n            return vmem->nb_memslots;\n        }"
    loop = f"    while (true) {{\n        {leaves}\n    }}\n"
    code, found = told(TEXT, TEXT.replace(head, head + loop), tmp_path)
    assert (code, found["get_memslots"]["verdict"]) == (3, "not verified")
    assert "an endless loop" in str(found["get_memslots"]["reason"])


def test_a_function_that_is_handed_over_counts(tmp_path: Path) -> None:
    walk = """
static int virtio_mem_one_cb(VirtIOMEM *vmem, void *arg, uint64_t offset, uint64_t size)
{
    return 0;
}

static int virtio_mem_restore_unplugged(VirtIOMEM *vmem)
{
    return virtio_mem_for_each_unplugged_range(vmem, NULL, virtio_mem_one_cb);
}
"""
    changed = walk.replace("return 0;", "return size ? 1 : 0;")
    _, found = told(TEXT + walk, TEXT + changed, tmp_path)
    assert found["one_cb"]["verdict"] == "differs"
    assert found["restore_unplugged"]["verdict"] != "equal"

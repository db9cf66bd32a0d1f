"""Rust is proven equal to the rules, differs at an input, or is not verified."""

import json
import os
from pathlib import Path

import pytest
import z3
from click.testing import CliRunner, Result
from jsonschema import validate
from rust_device import CHECK, DEVICE, HARMLESS, PLUG, UNPLUG, UNREAD, WRONG, edited

from conformance.cli import slotproof
from conformance.commands.schema_verify import verify_source_schema
from model.machine_ints import INTS
from smt_proofs.rust.claims import LARGEST_BLOCK, RULE_NAMED, shifted
from smt_proofs.rust.judge import judge, not_covered, rust_source, trusted
from smt_proofs.source.findings import Finding, Verdict

WHOLE = os.environ.get("SLOTPROOF_WHOLE_CORPUS") == "1"


def found(name: str, text: str) -> Finding:
    return judge(RULE_NAMED[name], rust_source(text, "device.rs"))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_function_differs_at_an_input(name: str) -> None:
    function, old, new = WRONG[name]
    finding = found(function, edited(old, new))
    assert finding.verdict is Verdict.DIFFERS, finding.reason
    assert finding.inputs
    assert finding.source_says != finding.model_says
    assert finding.line > 1


@pytest.mark.parametrize("name", UNREAD)
def test_what_is_not_understood_is_not_verified(name: str) -> None:
    function, old, new = UNREAD[name]
    finding = found(function, edited(old, new))
    assert finding.verdict is Verdict.NOT_VERIFIED
    assert finding.reason
    assert "fault of slotproof" not in finding.reason


@pytest.mark.skipif(not WHOLE, reason="make corpus proves what takes long")
def test_unplug_is_proven_equal() -> None:
    finding = found(UNPLUG, DEVICE)
    assert finding.verdict is Verdict.EQUAL, finding.reason
    assert finding.paths > 1
    assert finding.queries > 1
    assert "the device is not busy" in finding.over


def test_harmless_edits_are_proven_equal() -> None:
    text = DEVICE
    for old, new in HARMLESS:
        text = edited(old, new, text)
    for name in (CHECK, PLUG):
        finding = found(name, text)
        assert finding.verdict is Verdict.EQUAL, finding.reason


def test_what_the_proofs_are_told_of_ends_is_true_of_all_words() -> None:
    start, near, far = z3.BitVecs("start near far", 8)
    solver = z3.Solver()
    solver.add(z3.Not(shifted(start, near, far)))
    assert solver.check() == z3.unsat


@pytest.mark.parametrize("block", [1, 3, 1 << 21, LARGEST_BLOCK])
@pytest.mark.parametrize("blocks", [0, 1, 7, (1 << 16) - 1])
def test_what_the_proofs_are_told_of_sizes_is_true_of_machine_words(
    block: int, blocks: int
) -> None:
    size = INTS.mul(blocks, block)
    assert INTS.div(size, block) == blocks
    assert (size == 0) is (blocks == 0)
    assert blocks <= size


def test_what_is_given_is_taken_on_trust_only_where_its_text_is_known() -> None:
    source = rust_source(DEVICE, "device.rs")
    said = {f.function: f.verdict for f in trusted(source)}
    assert said == dict.fromkeys(said, Verdict.TRUSTED_CHANGED)
    assert {"write_response", "update_kvm_slots", "guest_memory"} == {*said}
    assert [name for name, _, _ in not_covered(source)] == ["status"]


def asked(*words: object) -> Result:
    return CliRunner().invoke(slotproof, ["verify-source", *map(str, words)])


def test_a_person_asks_for_a_tree_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "src/vmm/src/devices/virtio/mem/device.rs"
    file.parent.mkdir(parents=True)
    file.write_text(edited(" || range.nb_blocks == 0", ""))
    done = asked(tmp_path, "--only", CHECK, "--json")
    document = json.loads(done.stdout)
    validate(document, verify_source_schema())
    [finding] = document["functions"]
    assert (done.exit_code, finding["verdict"], finding["function"]) == (1, "differs", CHECK)
    assert document["profile"] == "firecracker"
    assert finding["file"] == str(file)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--profile", "qemu"), "profile firecracker, not with qemu"),
        (("--only", "plug"), "no function that is covered (validate_range"),
        (("--against", "old.rs"), "are for virtio-mem.c, not for Rust"),
    ],
)
def test_what_does_not_go_with_rust_is_said(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "device.rs"
    file.write_text(DEVICE)
    done = asked(file, *words)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


def test_another_rust_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lib.rs"
    file.write_text("fn main() {}\n")
    done = asked(file)
    assert done.exit_code == 2
    assert "expected Firecracker's device.rs" in " ".join(done.stderr.split())

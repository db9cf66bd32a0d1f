"""Files of refuted claims: what `prove --expect` reads, and what it says of a difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.check.expected import SCHEMA, ExpectedError, compare, expected_text, read_expected
from conformance.commands.refuted import DOCS, known_rows, known_text, with_table
from conformance.traces.schemas import problem
from smt_proofs.transitions.refuted import REFUTED

ROWS = frozenset(known_rows("seed-v2"))
ONE, OTHER = sorted(ROWS)[:2]


@pytest.mark.parametrize("profile", ["seed-v2", "qemu-7.2", "firecracker", "cloud-hypervisor"])
def test_the_published_file_is_what_the_proofs_say(profile: str) -> None:
    """To bring it up to date: python -m conformance.commands.refuted."""
    path = DOCS / f"refuted-{profile}.json"
    assert path.read_text() == known_text(profile)
    assert problem(json.loads(path.read_text()), SCHEMA) is None
    assert read_expected(path) == known_rows(profile).keys()


def test_there_is_a_file_for_every_profile_that_does_not_keep_all() -> None:
    files = {path.stem.removeprefix("refuted-") for path in DOCS.glob("refuted-*.json")}
    assert files == {row.profile for row in REFUTED}


def test_the_page_shows_the_same_rows() -> None:
    """To bring it up to date: python -m conformance.commands.refuted."""
    page = (DOCS / "proofs.md").read_text()
    assert with_table(page, "seed-v2") == page
    assert page.count("\n| plugged |") + page.count("\n| usable |") == len(ROWS)


def test_equal_sets_of_rows_do_not_differ() -> None:
    same = compare(ROWS, list(ROWS))
    assert not same
    assert same.lines() == []


def test_a_difference_is_listed_a_line_a_row() -> None:
    found = compare([ONE], [OTHER])
    assert found
    assert (found.missing, found.unexpected) == ((ONE,), (OTHER,))
    assert found.lines() == [
        "expected to be refuted, but it is not: empty-unplug-all-acknowledged in unplug-all, "
        "mapping plugged, profile seed-v2",
        "refuted, but not expected to be: plugged-in-mapped in migration-in, mapping plugged, "
        "profile seed-v2",
    ]


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "expected.json"
    path.write_text(expected_text("seed-v2", {ONE: "always", OTHER: "never"}))
    assert read_expected(path) == {ONE, OTHER}
    path.write_text(expected_text("qemu", {}))
    assert read_expected(path) == frozenset()


def document(**changes: Any) -> str:
    return json.dumps(json.loads(known_text("seed-v2")) | changes)


ROW = {"mapping": "plugged", "claim": "plugged-in-mapped", "transition": "plug"}
FULL = ROW | {"holds_exactly_if": "never"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no list of refuted claims"),
        (document(schema=2), "schema 2: this program reads version 1"),
        (document(profile="qemu-1"), "profile 'qemu-1' is not one of"),
        (document(document="prove"), "document 'refuted' was expected"),
        (document(refuted=[ROW]), "lacks 'holds_exactly_if': expected "),
        (document(refuted=[FULL | {"claim": "all-is-well"}]), "claim 'all-is-well' is not one of"),
        (document(refuted=[FULL | {"transition": "reboot"}]), "transition 'reboot' is not one of"),
        (document(refuted=[FULL | {"mapping": "none"}]), "mapping 'none' is not one of"),
        (document(refuted=[FULL | {"more": 1}]), "Additional properties"),
        (document(refuted=[FULL, FULL]), "named twice: plugged-in-mapped in plug"),
    ],
)
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "expected.json"
    path.write_text(text)
    with pytest.raises(ExpectedError) as error:
        read_expected(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match="no such file or directory: expected a readable file"):
        read_expected(tmp_path / "nowhere.json")
    with pytest.raises(ExpectedError, match="is a directory"):
        read_expected(tmp_path)
    path = tmp_path / "bytes.json"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ExpectedError, match="not JSON"):
        read_expected(path)

"""Tables of pages that are made from the code are up to date."""

import importlib.util
import json
from pathlib import Path

import pytest

from conformance.traces.schemas import problem

DOCS = Path(__file__).parents[2] / "docs"
SPEC = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
assert SPEC and SPEC.loader
TABLES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TABLES)


@pytest.mark.parametrize("page", list(TABLES.TABLES))
def test_the_tables_are_what_the_code_says(page: str) -> None:
    """To bring them up to date: python docs/generate.py."""
    text = DOCS.joinpath(page).read_text(encoding="utf-8")
    assert TABLES.with_tables(page, text) == text


def test_a_page_without_its_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks the marks of rules"):
        TABLES.with_tables("virtio.md", "nothing")


def test_the_runs_of_drivers_keep_their_schema() -> None:
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in TABLES.RUNS.glob("*.json")]
    assert [problem(run, "check-driver-v1.json") for run in runs] == [None, None]
    assert all(run["lists"] >= 20 for run in runs)

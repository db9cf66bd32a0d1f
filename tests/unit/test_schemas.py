"""The published schemas and the protocol's page against the code."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from conformance.commands.schema_files import SCHEMAS, text_of
from conformance.targets.target import CAPABILITIES, OF_DRIVERS
from conformance.traces.codec import USES
from conformance.traces.schemas import load, problem
from model.state import Answer, Config

PROTOCOL = Path(__file__).parents[2].joinpath("docs", "protocol.md").read_text()


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_the_published_schema_is_what_the_code_says(name: str) -> None:
    """To bring a file up to date: python -m conformance.commands.schema_files."""
    assert files("conformance").joinpath("schema", name).read_text() == text_of(name)


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_the_published_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(load(name))


def test_every_message_in_the_protocol_page_is_valid() -> None:
    blocks = re.findall(r"```json\n(.*?)```", PROTOCOL, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) >= 10
    for line in lines:
        assert problem(json.loads(line), "protocol-v1.json") is None, line


def table(name: str) -> list[list[str]]:
    """The rows of a marked table, backquotes off."""
    text = PROTOCOL.split(f"<!-- {name}: begin -->")[1].split(f"<!-- {name}: end -->")[0]
    rows = [line.strip("|").split("|") for line in text.strip().splitlines()[2:]]
    return [[cell.strip().replace("`", "") for cell in row] for row in rows]


def test_the_protocol_page_lists_every_operation_with_its_fields() -> None:
    listed = [row[:3] for row in table("operations")]
    known = [[op.value, ", ".join(u.numbers), ", ".join(u.faults)] for op, u in USES.items()]
    assert listed == known


def test_the_protocol_page_lists_every_answer() -> None:
    assert [row[0] for row in table("answers")] == [answer.value for answer in Answer]


def test_the_protocol_page_names_every_capability_and_config_field() -> None:
    for name in {*CAPABILITIES - OF_DRIVERS, *Config.__dataclass_fields__}:
        assert f"`{name}`" in PROTOCOL, name

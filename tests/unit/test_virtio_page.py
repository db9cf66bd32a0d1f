"""docs/virtio.md lists the rules and scenarios that there are."""

import re
from pathlib import Path

import pytest

from conformance.check.scenarios import SCENARIOS
from conformance.judge.virtio.rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "virtio.md"


def rules() -> str:
    lines = ["| rule | level | says | section |", "| --- | --- | --- | --- |"]
    for rule in RULES:
        unjudged = f" (not judged: {rule.unjudged})" if rule.unjudged else ""
        section = rule.section.removeprefix("Memory Device / ").removeprefix("Device Operation / ")
        lines.append(f"| `{rule.id}` | {rule.level.value} | {rule.says}{unjudged} | {section} |")
    return "\n".join(lines)


def scenarios() -> str:
    lines = ["| scenario | says | reported as | rules |", "| --- | --- | --- | --- |"]
    for one in SCENARIOS:
        about = ", ".join(f"`{rule}`" for rule in one.rules) or "the profile's"
        lines.append(f"| `{one.id}` | {one.says} | {one.source} | {about} |")
    return "\n".join(lines)


@pytest.mark.parametrize("made", [rules, scenarios], ids=lambda made: made.__name__)
def test_the_page_lists_what_there_is(made: object) -> None:
    assert callable(made)
    name = made.__name__
    found = re.search(
        rf"<!-- {name}: begin -->\n(.*)\n<!-- {name}: end -->", PAGE.read_text(), re.S
    )
    assert found is not None and found[1] == made()

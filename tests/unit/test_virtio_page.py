"""docs/virtio.md and docs/driver.md list the rules and scenarios that there are."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.check.scenarios import SCENARIOS
from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.virtio.rules import RULES, Rule

DOCS = Path(__file__).parents[2] / "docs"


def rules() -> str:
    return table(RULES)


def driver_rules() -> str:
    return table(DRIVER_RULES)


def table(rules: tuple[Rule, ...]) -> str:
    lines = ["| rule | level | says | section |", "| --- | --- | --- | --- |"]
    for rule in rules:
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


@pytest.mark.parametrize(
    ("made", "page"),
    [(rules, "virtio.md"), (scenarios, "virtio.md"), (driver_rules, "driver.md")],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_page_lists_what_there_is(made: Callable[[], str], page: str) -> None:
    name = made.__name__.replace("_", " ")
    text = (DOCS / page).read_text()
    found = re.search(rf"<!-- {name}: begin -->\n(.*)\n<!-- {name}: end -->", text, re.S)
    assert found is not None and found[1] == made()

"""Tables, made from the code, of pages that are otherwise written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.check.scenarios import SCENARIOS
from conformance.judge.virtio.rules import RULES


def rules_table() -> list[str]:
    """Every rule of the oracle."""
    lines = ["| rule | level | says | section |", "| --- | --- | --- | --- |"]
    for rule in RULES:
        unjudged = f" (not judged: {rule.unjudged})" if rule.unjudged else ""
        section = rule.section.removeprefix("Memory Device / ").removeprefix("Device Operation / ")
        lines.append(f"| `{rule.id}` | {rule.level.value} | {rule.says}{unjudged} | {section} |")
    return lines


def scenarios_table() -> list[str]:
    """Every named scenario."""
    lines = ["| scenario | says | reported as | rules |", "| --- | --- | --- | --- |"]
    for one in SCENARIOS:
        about = ", ".join(f"`{rule}`" for rule in one.rules) or "the profile's"
        lines.append(f"| `{one.id}` | {one.says} | {one.source} | {about} |")
    return lines


TABLES: Final[dict[str, dict[str, Callable[[], list[str]]]]] = {
    "virtio.md": {"rules": rules_table, "scenarios": scenarios_table},
}
"""By page and the name of the marks."""


def with_tables(page: str, text: str) -> str:
    """The page with its tables made anew. Raises ValueError where a mark is missing."""
    for name, made in TABLES[page].items():
        begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        if begin not in text or end not in rest:
            raise ValueError(f"{page} lacks the marks of {name}")
        text = before + begin + "\n".join(made()) + end + after
    return text

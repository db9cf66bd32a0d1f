"""Tables, made from the code, of pages that are otherwise written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from conformance.check.scenarios import SCENARIOS
from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.virtio.rule import Rule
from conformance.judge.virtio.rules import RULES
from model.versions import CHECKED, VERSIONS

CATALOGUE: Final = Path(__file__).with_name("catalogue.json")
"""What `make catalogue` writes."""
RUNS: Final = Path(__file__).with_name("drivers")
"""Documents of `check --driver --json`, a kernel each."""


def rules_table(rules: tuple[Rule, ...] = RULES) -> list[str]:
    """Every rule of the oracle, of devices if nothing else is said."""
    lines = ["| rule | level | says | section |", "| --- | --- | --- | --- |"]
    for rule in rules:
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


def versions_table() -> list[str]:
    """Every profile by version, and how it is known."""
    lines = ["| profile | device | source | held against |", "| --- | --- | --- | --- |"]
    for name, one in VERSIONS.items():
        checked = CHECKED.get(name, "nothing real: it was read")
        lines.append(f"| `{name}` | {one.summary} | {one.source} | {checked} |")
    return lines


def catalogue_table() -> list[str]:
    """Every wrong device, with what found it and how soon."""
    document = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    by_fault: dict[str, list[dict[str, Any]]] = {}
    for search in document["searches"]:
        by_fault.setdefault(search["fault"], []).append(search)
    seeds = sorted({search["seed"] for search in document["searches"]})
    lines = [
        f"{len(by_fault)} faults, each looked for from the seeds {', '.join(map(str, seeds))} with "
        "at most 100 traces of 60 steps.",
        f"At the median a fault was found after {document['median_traces']:g} "
        f"trace{'' if document['median_traces'] == 1 else 's'} and made small to "
        f"{document['median_steps']:g} steps.",
        "",
        "| fault | what is wrong | found by | traces | steps |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, searches in by_fault.items():
        found = dict.fromkeys(each["scenario"] or each["found_by"] for each in searches)
        told = ", ".join(f"`{one}`" for one in found)
        traces = ", ".join(str(each["traces"]) for each in searches)
        steps = ", ".join(str(each["steps"]) for each in searches)
        lines.append(f"| `{name}` | {searches[0]['says']} | {told} | {traces} | {steps} |")
    return lines


def runs_table() -> list[str]:
    """What lists of events showed of each driver: how often each rule applied, and was broken."""
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(RUNS.glob("*.json"))]

    def row(name: str, told: Callable[[dict[str, Any]], object]) -> str:
        return f"| {name} | " + " | ".join(str(told(run)) for run in runs) + " |"

    def counted(run: dict[str, Any], key: str) -> str:
        return ", ".join(f"{name} {count}" for name, count in run[key].items())

    def broken(run: dict[str, Any], key: str) -> str:
        return ", ".join(f"`{rule['id']}`" for rule in run[key] if rule["broken"]) or "none"

    def times(rule: str) -> Callable[[dict[str, Any]], str]:
        def told(run: dict[str, Any]) -> str:
            (one,) = (one for one in run["rules"] if one["id"] == rule)
            return f"{one['exercised']}" + f", broken {one['broken']}" * bool(one["broken"])

        return told

    judged = [rule for rule in DRIVER_RULES if not rule.unjudged]
    met = [
        rule
        for rule in judged
        if any(one["exercised"] for run in runs for one in run["rules"] if one["id"] == rule.id)
    ]
    never = ", ".join(f"`{rule.id}`" for rule in judged if rule not in met)
    return [
        row("", lambda run: run["driver"]),
        "| --- |" + " --- |" * len(runs),
        row("run", lambda run: f"`{run['made']['command']}`"),
        row("date", lambda run: run["made"]["at"][:10]),
        row("device", lambda run: run["device"]),
        row("lists", lambda run: run["lists"]),
        row("events", lambda run: counted(run, "events")),
        row("answers", lambda run: counted(run, "answers")),
        row("at the requested size", lambda run: f"{run['reached']} times, {run['short']} short"),
        row("most seconds until then", lambda run: run["longest"]),
        row("driver rules broken", lambda run: broken(run, "rules")),
        row("device rules broken", lambda run: broken(run, "device_rules")),
        *(row(f"`{rule.id}`", times(rule.id)) for rule in met),
        "",
        f"Never applied: {never}.",
    ]


TABLES: Final[dict[str, dict[str, Callable[[], list[str]]]]] = {
    "virtio.md": {"rules": rules_table, "scenarios": scenarios_table},
    "driver.md": {"found": runs_table, "driver rules": partial(rules_table, DRIVER_RULES)},
    "catalogue.md": {"catalogue": catalogue_table},
    "vmm.md": {"profiles": versions_table},
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

"""What verify-source found, in the forms that continuous integration reads.

Each takes the document that `slotproof verify-source --json` prints.
"""

from __future__ import annotations

from typing import Any, Final

from conformance.traces.sizes import format_size

LEVELS: Final = {
    "differs": "error",
    "not verified": "warning",
    "taken on trust, text changed": "warning",
    "another interface": "note",
    "unseen": "note",
}
"""How loud a verdict is; `equal` is no finding."""
ANNOTATIONS: Final = {"error": "error", "warning": "warning", "note": "notice"}
"""The same in words of a workflow command."""


COUNTS: Final = frozenset({"count", "limit", "blocks", "node", "reset", "answer", "failure"})
"""Inputs that are no bytes."""
ADDRESSES: Final = frozenset({"addr", "gpa"})


def input_told(name: str, value: Any) -> str:
    """An input with its unit, an address in hexadecimal; runs of a set from first to last."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        runs = (f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in value)
        return " and ".join(runs)
    if name in ADDRESSES:
        return f"{value:#x}"
    return str(value) if name in COUNTS else format_size(value)


def message(finding: dict[str, Any]) -> str:
    """A finding in one line."""
    head = f"{finding['function']}: {finding['verdict']}"
    if finding["verdict"] == "differs":
        inputs = ", ".join(f"{n}={input_told(n, value)}" for n, value in finding["inputs"].items())
        if "old_says" in finding:
            sides = f"{finding['what']}: old {finding['old_says']}, new {finding['new_says']}"
            return f"{head}, {sides}, at {inputs or 'all inputs 0'}"
        sides = f"{finding['what']}: source {finding['source_says']}"
        return f"{head}, {sides}, model {finding['model_says']}, at {inputs or 'all inputs 0'}"
    if finding["verdict"] == "equal":
        return f"{head} to {finding.get('rule', 'the old text')}"
    return f"{head}: {finding['reason']}" if finding["reason"] else head


def github(document: dict[str, Any]) -> list[str]:
    """GitHub workflow commands, one for each finding that has a place in the source."""
    lines = []
    for finding in document["functions"]:
        if finding["verdict"] in LEVELS and (finding["line"] or finding["verdict"] != "unseen"):
            kind = ANNOTATIONS[LEVELS[finding["verdict"]]]
            place = f"file={_property(finding['file'] or document['file'])}"
            place += f",line={max(finding['line'], 1)}"
            lines.append(f"::{kind} {place},title=slotproof::{_data(message(finding))}")
    return lines


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

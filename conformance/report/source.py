"""What verify-source found, in the forms that continuous integration reads.

Each takes the document that `slotproof verify-source --json` prints.
"""

from __future__ import annotations

import re
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


COUNTS: Final = frozenset(
    {
        *("count", "limit", "blocks", "nb_blocks", "node", "reset", "answer", "failure", "request"),
        *("required", "used", "vhost_max", "vhost_free", "kvm_max", "kvm_free"),
    }
)
"""Inputs that are no bytes."""
RUN: Final = re.compile(r"\[(\d+), (\d+)\)")
MEMBERS: Final = {"mapped": "memslot", "plugged": "block"}
"""What differs begins with one of these where it is a set of such members."""
ADDRESSES: Final = frozenset({"addr", "gpa"})


def input_told(name: str, value: Any) -> str:
    """An input with its unit, an address in hexadecimal; runs of a set from first to last, and the
    request that `plug` stands for."""
    if isinstance(value, bool):
        told = str(value).lower()
        return f"{told} ({'PLUG' if value else 'UNPLUG'})" if name == "plug" else told
    if isinstance(value, list):
        runs = (f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in value)
        return " and ".join(runs)
    if name in ADDRESSES:
        return f"{value:#x}"
    return str(value) if name in COUNTS else format_size(value)


def says_told(what: str, says: str) -> str:
    """A set of memslots or blocks as the numbers of its members; what is none as it is."""
    runs = [[int(start), int(end)] for start, end in RUN.findall(says)]
    part = what.partition(" ")[0]
    if not runs or part not in MEMBERS:
        return says
    one = sum(end - start for start, end in runs) == 1
    return f"{MEMBERS[part]}{'' if one else 's'} {input_told(part, runs)}"


def message(finding: dict[str, Any]) -> str:
    """A finding in one line."""
    head = f"{finding['function']}: {finding['verdict']}"
    if finding["verdict"] == "differs":
        what = finding["what"]
        inputs = ", ".join(f"{n}={input_told(n, value)}" for n, value in finding["inputs"].items())
        if "old_says" in finding:
            old, new = (says_told(what, finding[f"{side}_says"]) for side in ("old", "new"))
            return f"{head}, {what}: old {old}, new {new}, at {inputs or 'all inputs 0'}"
        source, model = (says_told(what, finding[f"{side}_says"]) for side in ("source", "model"))
        return f"{head}, {what}: source {source}, model {model}, at {inputs or 'all inputs 0'}"
    if finding["verdict"] == "equal":
        return f"{head} to {finding.get('rule', 'the old text')}"
    return f"{head}: {finding['reason']}" if finding["reason"] else head


def verb(verdict: str, count: int) -> str:
    """A verdict after how many functions have it."""
    return "differ" if verdict == "differs" and count != 1 else verdict


def is_patch(data: dict[str, Any]) -> bool:
    """What was looked at is a patch, or a tree with one."""
    return bool(data.get("is_patch", data["base"] is not None))


def through(data: dict[str, Any]) -> str:
    """Which of the functions that differ a patch changes, and how many differ through what it
    changes."""
    bad = [one for one in data["functions"] if one["verdict"] == "differs" and one["change"]]
    own = [one["function"] for one in bad if not one["change"].startswith("as before")]
    if not own or not is_patch(data):
        return ""
    named = own[0] if len(own) == 1 else f"{', '.join(own[:-1])} and {own[-1]}"
    rest = len(bad) - len(own)
    return f": {named}, which it changes{f', and {rest} through what it changes' if rest else ''}"


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

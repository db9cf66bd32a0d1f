"""What verify-source found, for a person to read."""

from __future__ import annotations

from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.commands.prove_text import recalled
from conformance.report.reviewed import sides
from conformance.report.source import input_told, message, verb

PLAIN_WIDTH: Final = 160
"""Columns of the table where the output is no terminal."""
STYLES: Final = {
    "equal": "green",
    "differs": "red",
    "not verified": "yellow",
    "taken on trust, text changed": "yellow",
}


def show(document: dict[str, Any]) -> None:
    """A table, then each difference with its inputs, then what was assumed and not looked at."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    console.print(heading(document), highlight=False, soft_wrap=True)
    found = document["functions"]
    told = [f for f in found if not _untouched(document, f)]
    if told:
        console.print(_table(document, told))
    for finding in found:
        if finding["verdict"] == "differs":
            _difference(console, finding)
    for line in remarks(document):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def heading(document: dict[str, Any]) -> str:
    """What was compared with what."""
    if "against" in document:
        return f"{document['file']}: against {document['against']}"
    told = "inferred" if document["inferred"] else "given"
    base = f" on {document['base']}" if document["base"] else ""
    return f"{document['file']}{base}: profile {document['profile']} ({told})"


def _untouched(document: dict[str, Any], finding: dict[str, Any]) -> bool:
    """A function of the same text on both sides that uses the same, or of which no more is said."""
    if "against" not in document:
        return False
    return bool(finding["change"] == "as before" or finding["verdict"] == "follows")


def _table(document: dict[str, Any], found: list[dict[str, Any]]) -> Table:
    table = Table(box=SIMPLE)
    against = "against" in document
    changes = not against and any(f["change"] for f in found)
    names = ["function", "line", *([] if against else ["rule"]), "verdict"]
    names += ["patch"] if changes else []
    for name in (*names, "note"):
        table.add_column(name, justify="right" if name == "line" else "left")
    for finding in found:
        verdict = finding["verdict"]
        cells: list[str | Text] = [
            finding["function"].removeprefix("virtio_mem_"),
            str(finding["line"] or ""),
            *([] if against else [finding["rule"]]),
            Text(verdict, style=STYLES.get(verdict, "dim")),
            *([finding["change"]] if changes else []),
            note(finding),
        ]
        table.add_row(*cells)
    return table


def note(finding: dict[str, Any]) -> str:
    """What is to be said of a function in the table."""
    if finding["verdict"] == "differs":
        return str(finding["what"])
    parts = [finding["reason"]] if finding["reason"] else []
    if finding.get("mappings"):
        parts.append(f"mapping {', '.join(finding['mappings'])}")
    if finding.get("unseen"):
        first, last = finding["unseen"]
        parts.append(f"lines {first}-{last} are unseen: taken as the rule has them")
    return "; ".join(parts)


def _difference(console: Console, finding: dict[str, Any]) -> None:
    """The inputs at which a function differs, and what each side answers."""
    where = f"{finding['file']}:{finding['line']}"
    lines = [f"{where}: {message(finding)}"]
    if "old_says" in finding:
        console.print(lines[0], highlight=False, markup=False, soft_wrap=True)
        return
    if finding.get("mapping"):
        lines.append(f"  memslots are mapped as: {finding['mapping']}")
    for name, value in (finding["inputs"] or {}).items():
        lines.append(f"  {name} = {input_told(name, value)}")
    lines += [f"  {name}: {told}" for name, told in sides(finding)]
    if finding.get("confirmed"):
        lines.append("  compiled with gcc and run: as the source above")
    elif finding["reason"]:
        lines.append(f"  {finding['reason']}")
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def remarks(document: dict[str, Any]) -> list[str]:
    """What was assumed, what nobody looked at, and the counts."""
    found = document["functions"]
    lines = []
    assumed = dict.fromkeys(text for f in found if f["verdict"] == "equal" for text in f["over"])
    if assumed:
        lines.append(
            f"equal: for all inputs, given where a function reads them that {'; '.join(assumed)}"
        )
    follows = [_short(f) for f in found if f["verdict"] == "follows"]
    if follows:
        lines.append(f"the same text, but uses what is above: {', '.join(follows)}")
    same = sum("against" in document and f["change"] == "as before" for f in found)
    if same:
        lines.append(f"the same text, which uses the same: {same} functions")
    if document["uncovered"]:
        named = ", ".join(name.removeprefix("virtio_mem_") for name in document["uncovered"])
        lines.append(f"changed by the patch and not covered: {named}; {_remedy(document)}")
    if document["not_covered"]:
        files = dict.fromkeys(f["file"] for f in document["not_covered"])
        for number, file in enumerate(files):
            there = [f for f in document["not_covered"] if f["file"] == file]
            named = ", ".join(f"{_short(f)} ({f['line']})" for f in there)
            of = f" of {file}" if number else ""
            lines.append(f"not covered{of}, by line: {named}")
    untyped = dict.fromkeys(name for f in found for name in f.get("assumed", ()))
    if untyped:
        lines.append(f"types assumed, as no header showed them: {', '.join(untyped)}")
    parts = [_short(f) for f in found if f["verdict"] == "unseen" and f["change"]]
    if parts:
        lines.append(
            f"changed by the patch and shown only in part: {', '.join(parts)}; --base TREE applies "
            "the patch and verifies them"
        )
    if document["other_files"]:
        lines.append(f"changed too, and not looked at: {', '.join(document['other_files'])}")
    counts: dict[str, int] = {}
    for finding in found:
        counts[finding["verdict"]] = counts.get(finding["verdict"], 0) + 1
    told = ", ".join(f"{count} {verb(verdict, count)}" for verdict, count in counts.items())
    if "oldest" in document:
        days = [f["since"] for f in found if f["since"]]
        told += f"; {recalled(days, len(days) + document['decided'])}"
    lines.append(f"{told}; {document['solver']}, {document['seconds']:.1f} s")
    return lines


def _remedy(document: dict[str, Any]) -> str:
    """What would look at the changes that nothing looked at."""
    if document["base"] or not document["is_patch"]:
        return f"--against {document['base'] or 'TREE'} compares them with what they were"
    return "--base TREE applies the patch and tells the functions that it changes"


def _short(finding: dict[str, Any]) -> str:
    return str(finding["function"]).removeprefix("virtio_mem_")

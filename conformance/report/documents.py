"""The JSON documents that a report is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.traces.schemas import names, problem

REPORTED: Final = {
    "verify-source": "verify-source",
    "verify-source --against": "verify-against",
    "prove": "prove",
    "check": "check",
    "check-driver": "check-driver",
    "check --catalogue": "catalogue",
    "explore": "explore",
    "compare": "compare",
    "mutants": "mutants",
    "metadata": "metadata",
}
"""Commands whose documents have a place on the page, with the names of their schemas."""


class ReportError(ValueError):
    """A document that cannot be had; the message is one line."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document under the name of its file; `place` is the folder it came from."""

    name: str
    place: Path
    data: dict[str, Any]

    @property
    def command(self) -> str:
        """The command that printed it."""
        return str(self.data["command"])

    @property
    def date(self) -> str:
        """When it was made, in UTC to the minute, empty where it does not say."""
        at = self.data.get("made", {}).get("at", "")
        return f"{at[:10]} {at[11:16]} UTC" if at else ""


def read(path: Path) -> Document:
    """The document in a file. Raises ReportError."""
    try:
        text = path.read_bytes().decode()
        if not text.strip():
            raise ReportError(f"{path}: empty: expected what a command prints with --json")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ReportError(f"{path}: {reason}: expected what a command prints with --json") from None
    except UnicodeDecodeError:
        raise ReportError(f"{path}: not UTF-8 text: a document is JSON") from None
    return Document(path.name, path.parent, parsed(text, str(path)))


def parsed(text: str, origin: str) -> dict[str, Any]:
    """A document that keeps its published schema. Raises ReportError that names its origin."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ReportError(f"{origin}: not JSON: {error}") from None
    if not isinstance(data, dict) or data.get("command") not in REPORTED:
        raise ReportError(
            f"{origin}: no document of a command with a place in the report, which are: "
            f"{', '.join(REPORTED)}"
        )
    schema = f"{REPORTED[data['command']]}-v{data.get('schema')}.json"
    if schema not in names():
        raise ReportError(
            f"{origin}: schema {data.get('schema')!r} of {data['command']} is unknown"
        )
    if (wrong := problem(data, schema)) is not None:
        raise ReportError(f"{origin}: not what {schema} says: {wrong}")
    return data

"""The refuted claims that are known of a profile, as a file: what `prove --expect` compares with.

Format: `conformance/schema/refuted-v1.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.check.refutations import Row
from conformance.check.refuted_schema import REFUTED_VERSION
from conformance.traces.schemas import problem

SCHEMA = "refuted-v1.json"


class ExpectedError(ValueError):
    """A file that lists no refuted claims; the message is one line: what is wrong and right."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows that were expected and not found, and rows that were found and not expected."""

    missing: tuple[Row, ...]
    unexpected: tuple[Row, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected)

    def lines(self) -> list[str]:
        """The difference, a line a row."""
        return [
            *(f"expected to be refuted, but it is not: {told(row)}" for row in self.missing),
            *(f"refuted, but not expected to be: {told(row)}" for row in self.unexpected),
        ]


def told(row: Row) -> str:
    """A row in words."""
    return f"{row.claim} in {row.transition}, mapping {row.mapping}, profile {row.profile}"


def compare(expected: Iterable[Row], found: Iterable[Row]) -> Difference:
    """What tells two sets of rows apart; the difference is false where nothing does."""
    wanted, there = frozenset(expected), frozenset(found)
    return Difference(tuple(sorted(wanted - there)), tuple(sorted(there - wanted)))


def expected_text(profile: str, rows: Mapping[Row, str]) -> str:
    """The file's text: the rows of one profile, each with the weakest hypothesis in words."""
    document = {
        "schema": REFUTED_VERSION,
        "document": "refuted",
        "profile": profile,
        "refuted": [
            {
                "mapping": row.mapping,
                "claim": row.claim,
                "transition": row.transition,
                "holds_exactly_if": rows[row],
            }
            for row in sorted(rows)
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def read_expected(path: Path) -> frozenset[Row]:
    """The rows in a file. Raises ExpectedError."""
    try:
        document = json.loads(path.read_bytes().decode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExpectedError(f"{path}: {reason}: expected a readable file") from None
    except (ValueError, RecursionError) as error:
        raise ExpectedError(f"{path}: not JSON: {' '.join(str(error).split())}") from None
    if isinstance(document, dict) and document.get("schema") not in (None, REFUTED_VERSION):
        raise ExpectedError(
            f"{path}: schema {document['schema']!r}: this program reads version {REFUTED_VERSION}"
        )
    if (wrong := problem(document, SCHEMA)) is not None:
        raise ExpectedError(f"{path}: no list of refuted claims: {wrong}")
    rows = _rows(document)
    if len(set(rows)) < len(rows):
        twice = next(row for row in rows if rows.count(row) > 1)
        raise ExpectedError(f"{path}: named twice: {told(twice)}")
    return frozenset(rows)


def _rows(document: dict[str, Any]) -> list[Row]:
    return [
        Row(document["profile"], each["mapping"], each["claim"], each["transition"])
        for each in document["refuted"]
    ]

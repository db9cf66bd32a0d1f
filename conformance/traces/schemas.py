"""Validation against the published schemas, with errors of one line."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

LONGEST: Final = 300
"""Characters of a message; the schema library prints whole documents into some."""


@cache
def load(name: str) -> dict[str, Any]:
    """The schema file of that name."""
    document: dict[str, Any] = json.loads(files("conformance").joinpath("schema", name).read_text())
    return document


@cache
def names() -> frozenset[str]:
    """The names of all schema files."""
    return frozenset(file.name for file in files("conformance").joinpath("schema").iterdir())


@cache
def _validator(name: str, definition: str | None) -> Any:
    document = load(name)
    if definition is None:
        return Draft202012Validator(document)
    return Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": document["$defs"]})


def problem(value: Any, name: str, definition: str | None = None) -> str | None:
    """What is wrong with `value` by a schema file or one definition of it, None if nothing is."""
    error = best_match(_validator(name, definition).iter_errors(value))
    if error is None:
        return None
    place = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "required":
        due = error.validator_value
        missing = ", ".join(repr(name) for name in due if name not in error.instance)
        line = f"{place or 'it'} lacks {missing}: expected {', '.join(due)}"
    else:
        line = " ".join(f"{place} {error.message}".split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."

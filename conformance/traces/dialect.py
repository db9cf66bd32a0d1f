"""What the published schemas are written in: JSON Schema, in the few forms that they use."""

from __future__ import annotations

from typing import Any, Final

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
TRUTH: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
AMOUNT: Final[Schema] = {"type": "number", "minimum": 0}


def ref(name: str) -> Schema:
    """A reference to a definition of the same document."""
    return {"$ref": f"#/$defs/{name}"}


def whole(low: int, high: int) -> Schema:
    """A whole number within low..high."""
    return {"type": "integer", "minimum": low, "maximum": high}


def array(items: Schema) -> Schema:
    """A list of such items."""
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    """Such a value, or null."""
    return {"anyOf": [{"type": "null"}, schema]}


def closed(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object with exactly these members, but for the optional ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def published(
    name: str,
    version: int,
    says: str,
    properties: Schema,
    *,
    optional: tuple[str, ...] = (),
    defs: Schema | None = None,
) -> Schema:
    """The schema of a document of these members, which tells the version of its form."""
    return {
        "$schema": DIALECT,
        "title": f"slotproof {name}, version {version}",
        "description": says,
        **closed({"schema": {"const": version}, **properties}, optional),
        **({} if defs is None else {"$defs": defs}),
    }


MADE: Final = closed(
    {
        "at": {"type": "string", "format": "date-time"},
        "command": {"type": "string"},
        "version": {"type": "string"},
        "commit": {"type": ["string", "null"]},
    }
)
"""When a document was made, by which command line and which slotproof: its version, and the commit
where it runs from a checkout."""

"""The published JSON Schemas, built from the code's own tables so that they cannot drift.

`python -m conformance.schema_source` writes them to `conformance/schema/`; a test compares.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from conformance.codec import (
    CONSTANT_LIMITS,
    FAULT_NAMES,
    MAX_BLOCKS,
    MAX_SLOT,
    SLOT_LIMITS,
    USES,
)
from conformance.finding import Kind
from conformance.target import CAPABILITIES, FAULTS, OPERATIONS, PROTOCOL, PROTOCOL_VERSION
from conformance.verdict import Verdict
from conformance.virtio.rules import RULES, Level
from model.arithmetic import U64_MASK
from model.profiles import PROFILES
from model.state import Answer, BlockState, Config, Op

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TRACE_FORMAT: Final = "slotproof"
TRACE_VERSION: Final = 1
CHECK_VERSION: Final = 1

Schema = dict[str, Any]
_VERDICTS: Final = [verdict.value for verdict in Verdict]


def ref(name: str) -> Schema:
    """A reference to a definition of the same document."""
    return {"$ref": f"#/$defs/{name}"}


def whole(low: int, high: int) -> Schema:
    """A whole number within low..high."""
    return {"type": "integer", "minimum": low, "maximum": high}


def closed(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object with exactly these members, but for the optional ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def config_schema() -> Schema:
    """A device's configuration."""
    kinds: Schema = {"bool": {"type": "boolean"}, "int": whole(0, U64_MASK)}
    return closed({field.name: kinds[str(field.type)] for field in fields(Config)})


def _use(op: Op) -> Schema:
    """The members that one operation reads."""
    uses = USES[op]
    read: Schema = {name: whole(*uses.limits(name)) for name in uses.numbers}
    if uses.faults:
        read["fail"] = {"items": {"enum": list(uses.faults)}}
    return {
        "if": {"properties": {"op": {"const": op.value}}},
        "then": {
            "required": list(uses.numbers),
            "properties": read,
            "propertyNames": {"enum": ["op", *read]},
        },
    }


def _action() -> Schema:
    return {
        "type": "object",
        "properties": {
            "op": {"enum": [op.value for op in Op]},
            "addr": whole(0, U64_MASK),
            "blocks": whole(0, MAX_BLOCKS),
            "value": whole(0, U64_MASK),
            "fail": {"type": "array", "items": {"enum": list(FAULT_NAMES)}, "uniqueItems": True},
        },
        "required": ["op"],
        "additionalProperties": False,
        "allOf": [_use(op) for op in Op],
    }


def _observation() -> Schema:
    size = whole(0, U64_MASK)
    run = {
        "type": "array",
        "prefixItems": [whole(0, MAX_SLOT - 1), whole(1, MAX_SLOT)],
        "minItems": 2,
        "maxItems": 2,
    }
    properties: Schema = {
        "answer": {"enum": [answer.value for answer in Answer]},
        "state": {"enum": [state.value for state in BlockState]},
        "usable": size,
        "size": size,
        "requested": size,
        "mapped": {"type": "array", "items": run},
        "notified": {"type": "boolean"},
        "slots": closed({name: whole(0, most) for name, most in SLOT_LIMITS.items()}),
        "constants": closed({name: whole(0, most) for name, most in CONSTANT_LIMITS.items()}),
        "memory": {
            "type": "array",
            "items": closed(
                {"addr": size, "fresh": {"type": "boolean"}, "held": {"type": "boolean"}}
            ),
        },
    }
    return closed(properties, optional=tuple(properties)[1:])


def _finding() -> Schema:
    return closed(
        {
            "kind": {"enum": [kind.value for kind in Kind]},
            "what": {"type": "string"},
            "step": {"type": "integer", "minimum": 0},
            "message": {"type": "string"},
        }
    )


def vocabulary() -> Schema:
    """Definitions of what traces, messages and reports speak of."""
    return {
        "profile": {"enum": list(PROFILES)},
        "config": config_schema(),
        "action": _action(),
        "observation": _observation(),
    }


def trace_schema() -> Schema:
    """One line of a trace file."""
    header = closed(
        {
            "trace": {"const": TRACE_FORMAT},
            "version": {"const": TRACE_VERSION},
            "profile": ref("profile"),
            "config": ref("config"),
            "seed": {"anyOf": [{"type": "null"}, whole(0, U64_MASK)]},
            "see": ref("observation"),
            "finding": ref("finding"),
        },
        optional=("see", "finding"),
    )
    step = closed(
        {
            "step": {"type": "integer", "minimum": 1},
            "do": ref("action"),
            "see": ref("observation"),
        },
        optional=("see",),
    )
    end = closed({"end": closed({"steps": {"type": "integer", "minimum": 0}})})
    return {
        "$schema": DIALECT,
        "title": "slotproof trace, version 1: one line of the file",
        "description": "The first line is a header, then a line a step, the last line an end.",
        "anyOf": [ref("header"), ref("step"), ref("end")],
        "$defs": {"header": header, "step": step, "end": end, "finding": _finding()} | vocabulary(),
    }


def protocol_schema() -> Schema:
    """One message of the `cmd:` protocol, in either direction."""
    version: Schema = {"protocol": {"const": PROTOCOL}, "version": {"const": PROTOCOL_VERSION}}
    capabilities = {
        "type": "array",
        "items": {"enum": sorted(CAPABILITIES)},
        "uniqueItems": True,
    }
    welcome = version | {"name": {"type": "string"}, "capabilities": capabilities}
    definitions = {
        "hello": closed({"hello": closed(version)}),
        "welcome": closed({"hello": closed(welcome)}),
        "start": closed({"start": closed({"profile": ref("profile"), "config": ref("config")})}),
        "do": closed({"do": ref("action")}),
        "see": closed({"see": ref("observation")}),
        "refuse": closed({"refuse": {"type": "string"}}),
        "quit": closed({"quit": closed({})}),
    }
    return {
        "$schema": DIALECT,
        "title": "slotproof target protocol, version 1: one message",
        "description": "slotproof sends hello, start, do and quit; a target answers hello with "
        "welcome, start with see or refuse, do with see, and quit by exiting.",
        "anyOf": [ref(name) for name in definitions],
        "$defs": definitions | vocabulary(),
    }


def check_schema() -> Schema:
    """What `slotproof check --json` prints."""
    count: Schema = {"type": "integer", "minimum": 0}
    counts: Schema = {"type": "object", "additionalProperties": count}
    observation: Schema = {"anyOf": [{"type": "null"}, ref("observation")]}
    failure = closed(
        {
            "finding": ref("finding"),
            "claim": {"type": "string"},
            "action": {"anyOf": [{"type": "null"}, ref("action")]},
            "allowed": observation,
            "seen": observation,
            "trace": {"type": ["string", "null"]},
            "steps": count,
            "replay": {"type": "string"},
        }
    )
    rule = closed(
        {
            "id": {"enum": [rule.id for rule in RULES]},
            "level": {"enum": [level.value for level in Level]},
            "verdict": {"enum": _VERDICTS},
            "exercised": count,
            "broken": count,
            "message": {"type": "string"},
        }
    )
    scenario = closed(
        {
            "id": {"type": "string"},
            "verdict": {"enum": _VERDICTS},
            "message": {"type": "string"},
            "trace": {"type": ["string", "null"]},
        }
    )
    decisions = closed(
        {
            "version": {"type": "string"},
            "configurations": count,
            "limits": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "short_last": count,
            "mapped": count,
            "differences": {"type": "array", "items": {"type": "string"}},
        }
    )
    return {
        "$schema": DIALECT,
        "title": "slotproof check --json, version 1",
        "description": "Memslot decisions are compared for the target qemu only; nothing is "
        "compared for the target reference, which is the model itself.",
        **closed(
            {
                "schema": {"const": CHECK_VERSION},
                "command": {"const": "check"},
                "target": {"type": "string"},
                "profile": ref("profile"),
                "seed": whole(0, U64_MASK),
                "verdict": {"enum": ["holds", "fails"]},
                "traces": count,
                "steps": count,
                "answers": counts,
                "compared": counts,
                "not_asked": {
                    "type": "array",
                    "items": {"enum": sorted(OPERATIONS | FAULTS)},
                    "uniqueItems": True,
                },
                "invariant_checks": count,
                "contract_checks": count,
                "oracle": {"enum": ["exact", "virtio"]},
                "rules": {"type": "array", "items": rule},
                "scenarios": {"type": "array", "items": scenario},
                "failure": {"anyOf": [{"type": "null"}, failure]},
                "decisions": decisions,
            },
            optional=("decisions",),
        ),
        "$defs": {"finding": _finding()} | vocabulary(),
    }


def late(module: str, name: str) -> Callable[[], Schema]:
    """A schema of a module that is imported when it is asked for: it imports this one, and some
    the solver."""

    def schema() -> Schema:
        made: Schema = getattr(import_module(f"conformance.{module}"), name)()
        return made

    return schema


SCHEMAS: Final = {
    "trace-v1.json": trace_schema,
    "protocol-v1.json": protocol_schema,
    "check-v1.json": check_schema,
    "refuted-v1.json": late("schema_refuted", "refuted_schema"),
    "decide-v1.json": late("commands.schema", "decide_schema"),
    "prove-v2.json": late("commands.schema", "prove_schema"),
    "mutants-v1.json": late("commands.schema", "mutants_schema"),
    "explore-v1.json": late("explore.schema", "explore_schema"),
    "compare-v1.json": late("explore.schema", "compare_schema"),
    "coverage-v1.json": late("explore.schema", "coverage_schema"),
    "metadata-v1.json": late("metadata.document", "metadata_schema"),
    "verify-source-v1.json": late("commands.schema_verify", "verify_source_schema"),
}


def text_of(name: str) -> str:
    """The bytes of one schema file, as text."""
    return json.dumps(SCHEMAS[name](), indent=2) + "\n"


if __name__ == "__main__":
    for file_name in SCHEMAS:
        Path(__file__).parent.joinpath("schema", file_name).write_text(text_of(file_name))

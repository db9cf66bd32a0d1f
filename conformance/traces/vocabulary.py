"""What traces, messages and reports are made of, as JSON Schema from the code's own tables."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from conformance.judge.finding import Kind
from conformance.judge.virtio.judge import RESPONSE_SIZE
from conformance.traces.codec import (
    CONSTANT_LIMITS,
    FAULT_NAMES,
    HEARD,
    MAX_BLOCKS,
    MAX_SLOT,
    SLOT_LIMITS,
    USES,
)
from conformance.traces.dialect import DIALECT, Schema, closed, ref, whole
from conformance.traces.layout import MAX_PARTS, MAX_ROOM, Place
from model.arithmetic import U64_MASK
from model.state import Answer, BlockState, Config, Op
from model.versions import KNOWN

TRACE_FORMAT: Final = "slotproof"
TRACE_VERSION: Final = 1


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
        read["memslot"] = whole(1, MAX_SLOT)
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
            "memslot": whole(1, MAX_SLOT),
        },
        "required": ["op"],
        "dependentRequired": {"memslot": ["fail"]},
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
        "used": size,
        "slots": closed({name: whole(0, most) for name, most in SLOT_LIMITS.items()}),
        "constants": closed({name: whole(0, most) for name, most in CONSTANT_LIMITS.items()}),
        "memory": {
            "type": "array",
            "items": closed(
                {"addr": size, "fresh": {"type": "boolean"}, "held": {"type": "boolean"}}
            ),
        },
        "held": {
            "type": "array",
            "items": closed({"addr": size, "size": size, "held": size}),
        },
        "told": {
            "type": "array",
            "items": closed({"heard": {"enum": list(HEARD)}, "addr": size, "size": size}),
        },
    }
    return closed(properties, optional=tuple(properties)[1:])


def layout_schema() -> Schema:
    """How a request lies in the queue, or what queue is set up after a reset."""
    flag: Schema = {"type": "boolean"}
    properties: Schema = {
        "parts": whole(1, MAX_PARTS),
        "response_parts": whole(1, MAX_PARTS),
        "indirect": flag,
        "room": whole(RESPONSE_SIZE, MAX_ROOM),
        "place": {"enum": [place.value for place in Place]},
        "more": flag,
        "packed": flag,
        "event_index": flag,
        "persistent_suspend": flag,
    }
    return closed(properties, optional=tuple(properties))


def finding_schema() -> Schema:
    """What was found wrong in a trace."""
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
        "profile": {"enum": list(KNOWN)},
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
            "refuse": {"const": True},
            "see": ref("observation"),
            "finding": ref("finding"),
        },
        optional=("refuse", "see", "finding"),
    )
    step = closed(
        {
            "step": {"type": "integer", "minimum": 1},
            "do": ref("action"),
            "layout": layout_schema(),
            "see": ref("observation"),
        },
        optional=("layout", "see"),
    )
    end = closed({"end": closed({"steps": {"type": "integer", "minimum": 0}})})
    return {
        "$schema": DIALECT,
        "title": "slotproof trace, version 1: one line of the file",
        "description": "The first line is a header, then a line a step, the last line an end.",
        "anyOf": [ref("header"), ref("step"), ref("end")],
        "$defs": {"header": header, "step": step, "end": end, "finding": finding_schema()}
        | vocabulary(),
    }

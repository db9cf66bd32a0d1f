"""The published schema of the `cmd:` protocol."""

from __future__ import annotations

from conformance.targets.limits import limits_schema
from conformance.targets.target import CAPABILITIES, OF_DRIVERS, PROTOCOL, PROTOCOL_VERSION
from conformance.traces.dialect import DIALECT, TEXT, Schema, closed, ref
from conformance.traces.layout import MAX_BATCH
from conformance.traces.vocabulary import vocabulary


def _several(name: str) -> Schema:
    return {"type": "array", "items": ref(name), "minItems": 2, "maxItems": MAX_BATCH}


def protocol_schema() -> Schema:
    """One message of the `cmd:` protocol, in either direction."""
    version: Schema = {"protocol": {"const": PROTOCOL}, "version": {"const": PROTOCOL_VERSION}}
    capabilities = {
        "type": "array",
        "items": {"enum": sorted(CAPABILITIES - OF_DRIVERS)},
        "uniqueItems": True,
    }
    welcome = version | {
        "name": TEXT,
        "capabilities": capabilities,
        "limits": limits_schema(),
    }
    definitions = {
        "hello": closed({"hello": closed(version)}),
        "welcome": closed({"hello": closed(welcome, optional=("limits",))}),
        "start": closed({"start": closed({"profile": ref("profile"), "config": ref("config")})}),
        "do": closed({"do": ref("action")}),
        "together": closed({"together": _several("action")}),
        "see": closed({"see": ref("observation")}),
        "seen": closed({"seen": _several("observation")}),
        "refuse": closed({"refuse": TEXT}),
        "quit": closed({"quit": closed({})}),
    }
    return {
        "$schema": DIALECT,
        "title": "slotproof target protocol, version 1: one message",
        "description": "slotproof sends hello, start, do, together and quit; a target answers "
        "hello with welcome, start with see or refuse, do with see, together with seen, and quit "
        "by exiting.",
        "anyOf": [ref(name) for name in definitions],
        "$defs": definitions | vocabulary(),
    }

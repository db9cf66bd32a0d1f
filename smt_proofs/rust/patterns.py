"""Patterns of match, let and if let: the names they bind, where they fit."""

from __future__ import annotations

from typing import Any

from tree_sitter import Node

from smt_proofs.rust.device import RustDevice
from smt_proofs.rust.syntax import parts, text_of
from smt_proofs.rust.values import Count, Variant
from smt_proofs.source.ir import UnsupportedError


def matched(device: RustDevice, pattern: Node, value: Any) -> dict[str, Any] | None:
    """The names that a pattern binds, None where it does not fit on this path."""
    text, line = text_of(pattern), int(pattern.start_point[0]) + 1
    match pattern.type:
        case "match_pattern":
            inner = [p for p in parts(pattern) if p != pattern.child_by_field_name("condition")]
            return matched(device, inner[0], value) if inner else {}
        case "identifier" if text == "None":
            return {} if _variant(value, line).path == "None" else None
        case "identifier":
            return {text: value}
        case "_":
            return {}
        case "mut_pattern" | "reference_pattern" | "ref_pattern":
            return matched(device, parts(pattern)[-1], value)
        case "integer_literal":
            number = device.d.lit(int(text.replace("_", ""), 0))
            if isinstance(value, Count):
                return {} if device.d.test(device.is_count(value, number, line)) else None
            return {} if device.d.test(device.d.eq(value, number)) else None
        case "boolean_literal":
            return {} if device.d.test(value) is (text == "true") else None
        case "scoped_identifier":
            return {} if _variant(value, line).path == text else None
        case "tuple_struct_pattern":
            return _inside(device, pattern, _variant(value, line))
        case "or_pattern":
            found = (matched(device, part, value) for part in parts(pattern))
            return next((names for names in found if names is not None), None)
    if text == "_":
        return {}
    raise UnsupportedError(f"pattern {text}", line)


def _variant(value: Any, line: int) -> Variant:
    if not isinstance(value, Variant):
        raise UnsupportedError("a pattern for what is no enumeration", line)
    return value


def _inside(device: RustDevice, pattern: Node, value: Variant) -> dict[str, Any] | None:
    kind = pattern.child_by_field_name("type")
    if kind is None or text_of(kind) != value.path:
        return None
    inner = [part for part in parts(pattern) if part != kind]
    # `Ok(_)` has no named part inside.
    if not inner:
        return {}
    if len(inner) != len(value.values):
        raise UnsupportedError(f"pattern {text_of(pattern)}", int(pattern.start_point[0]) + 1)
    names: dict[str, Any] = {}
    for part, own in zip(inner, value.values, strict=True):
        found = matched(device, part, own)
        if found is None:
            return None
        names |= found
    return names

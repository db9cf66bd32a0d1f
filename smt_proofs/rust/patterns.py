"""Patterns of match, let and if let: the names they bind, where they fit."""

from __future__ import annotations

from typing import Any

from tree_sitter import Node

from smt_proofs.rust.device import RustDevice
from smt_proofs.rust.syntax import line_of, parts, text_of
from smt_proofs.rust.values import UNIT, Count, Variant, is_truth, is_word
from smt_proofs.source.typed import UnsupportedError


def matched(device: RustDevice, pattern: Node, value: Any) -> dict[str, Any] | None:
    """The names that a pattern binds, None where it does not fit on this path."""
    text, line = text_of(pattern), line_of(pattern)
    match pattern.type:
        case "match_pattern":
            inner = [p for p in parts(pattern) if p != pattern.child_by_field_name("condition")]
            return matched(device, inner[0], value) if inner else {}
        case "identifier" if text == "None":
            return {} if same_variant(value, Variant(text), line) else None
        case "identifier" if text == text.lower():
            return {text: value}
        case "_":
            return {}
        case "unit_pattern" | "tuple_pattern" if text == "()" and value is UNIT:
            return {}
        case "mut_pattern" | "reference_pattern" | "ref_pattern":
            return matched(device, parts(pattern)[-1], value)
        case "integer_literal" if text.isdecimal() and isinstance(value, Count):
            same = device.is_count(value, device.d.lit(int(text)), line)
            return {} if device.d.test(same) else None
        case "integer_literal" if text.isdecimal() and is_word(value):
            return {} if device.d.test(device.d.eq(value, device.d.lit(int(text)))) else None
        case "boolean_literal" if is_truth(value):
            return {} if device.d.test(value) is (text == "true") else None
        case "scoped_identifier":
            return {} if same_variant(value, Variant(text), line) else None
        case "tuple_struct_pattern":
            return _inside(device, pattern, value)
        case "or_pattern":
            found = (matched(device, part, value) for part in parts(pattern))
            return next((names for names in found if names is not None), None)
    if text == "_":
        return {}
    raise UnsupportedError(f"pattern {text}", line)


def same_variant(value: Any, other: Variant, line: int) -> bool:
    """Both are the same variant. Raises UnsupportedError where that cannot be told."""
    if not isinstance(value, Variant):
        raise UnsupportedError("a pattern for what is no enumeration", line)
    (kind, _, _), (own, _, _) = value.path.rpartition("::"), other.path.rpartition("::")
    # The same variant may go by another path.
    if kind != own:
        raise UnsupportedError(f"{other.path} beside {value.path}", line)
    return value.path == other.path


def _inside(device: RustDevice, pattern: Node, value: Any) -> dict[str, Any] | None:
    kind, line = pattern.child_by_field_name("type"), line_of(pattern)
    if kind is None or not same_variant(value, Variant(text_of(kind)), line):
        return None
    inner = [part for part in parts(pattern) if part != kind]
    # `Ok(_)` has no named part inside.
    if not inner:
        return {}
    if len(inner) != len(value.values):
        raise UnsupportedError(f"pattern {text_of(pattern)}", line)
    names: dict[str, Any] = {}
    for part, own in zip(inner, value.values, strict=True):
        found = matched(device, part, own)
        if found is None:
            return None
        names |= found
    return names

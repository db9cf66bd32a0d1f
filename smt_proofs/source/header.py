"""The types of VirtIOMEM's fields, read from virtio-mem.h or from what a patch shows of it."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import I32, NAMED, POINTER, CType
from smt_proofs.source.macros import Definition, Macros, definitions_of, expanded
from smt_proofs.source.names import FIELDS, POINTERS
from smt_proofs.source.syntax import descend, text_of, tree
from smt_proofs.source.typed import UnsupportedError

_STRUCT: Final = "VirtIOMEM"
_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
Fields = dict[str, CType | None]


def read_header(text: str) -> tuple[Fields, list[Definition]]:
    """The fields of the whole struct, and the macros of the header.

    A field of another type than a number or the known pointer is None. Raises ValueError for a text
    without the struct.
    """
    definitions = [_unguarded(d, text) for d in definitions_of(text)]
    shown = _expanded(text, definitions)
    for struct in descend(tree(shown), "struct_specifier"):
        name, body = struct.child_by_field_name("name"), struct.child_by_field_name("body")
        if name is not None and text_of(name) == _STRUCT and body is not None:
            return _declared(body, _typedefs(shown)), definitions
    raise ValueError(f"struct {_STRUCT} is not in it")


def fields_of(text: str) -> Fields:
    """The fields that some lines of the header declare; one that is only named is None."""
    shown = _expanded(text, definitions_of(text))
    typedefs = _typedefs(shown)
    # The lines may begin and end anywhere: inside the struct, or outside.
    wholes = [tree(w) for w in (f"struct {_STRUCT} {{\n{shown}\n}};", f"{shown}\n}};", shown)]
    read = [_declared(whole, typedefs) for whole in wholes if not whole.has_error]
    found: Fields = read[0] if read else {}
    for more in [] if read else [_declared(whole, typedefs) for whole in wholes]:
        found |= {n: kind if found.get(n, kind) == kind else None for n, kind in more.items()}
    words = set(re.findall(r"[A-Za-z_]\w*", _COMMENT.sub(" ", shown)))
    return found | dict.fromkeys((words & (FIELDS.keys() | POINTERS.keys())) - found.keys())


def _unguarded(definition: Definition, text: str) -> Definition:
    """The definition without the guard against reading the header twice."""
    guard = re.search(r"^\s*#\s*ifndef\s+(\w+)\s*\n\s*#\s*define\s+(\w+)\s*$", text, re.MULTILINE)
    if guard is None or guard[1] != guard[2]:
        return definition
    inside = tuple(c for c in definition.conditions if c != f"!defined({guard[1]})")
    return Definition(definition.name, definition.parameters, definition.text, 0, inside)


def _expanded(text: str, definitions: list[Definition]) -> str:
    lines = tuple(range(1, text.count("\n") + 2))
    known = [d for d in definitions if not d.conditions]
    body = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", "", text, flags=re.MULTILINE)
    try:
        return expanded(body, lines, Macros(known, len(lines) + 1, {}), frozenset())
    except UnsupportedError:
        return body


def _typedefs(text: str) -> dict[str, CType]:
    found: dict[str, CType] = {}
    for node in descend(tree(text), "type_definition"):
        kind = _named(node, found)
        declarator = node.child_by_field_name("declarator")
        if kind is not None and declarator is not None and declarator.type == "type_identifier":
            found[text_of(declarator)] = kind
    return found


def _named(node: Node, typedefs: dict[str, CType]) -> CType | None:
    kind = node.child_by_field_name("type")
    name = " ".join(text_of(kind).split()) if kind is not None else ""
    return typedefs.get(name) or NAMED.get(name)


def _declared(root: Node, typedefs: dict[str, CType]) -> Fields:
    found: Fields = {}
    nodes = [*descend(root, "field_declaration"), *descend(root, "declaration")]
    for node in nodes:
        base = _named(node, typedefs)
        width = next(descend(node, "bitfield_clause"), None)
        if width is not None:
            base = _bits(base, text_of(width))
        for declarator in node.children_by_field_name("declarator"):
            if declarator.type in ("field_identifier", "identifier"):
                found[text_of(declarator)] = base
                continue
            inner: Node | None = declarator
            while inner is not None and inner.type not in ("field_identifier", "identifier"):
                inner = inner.child_by_field_name("declarator")
            if inner is not None:
                kind = node.child_by_field_name("type")
                shape = (declarator.type, " ".join(text_of(kind).split()) if kind else "")
                known = shape == ("pointer_declarator", POINTERS.get(text_of(inner), ""))
                found[text_of(inner)] = POINTER if known else None
    return found


def _bits(base: CType | None, width: str) -> CType | None:
    """An unsigned bit-field narrower than int, in which it is computed."""
    digits = width.strip(": \t")
    if base is None or base.signed or not digits.isdigit() or not 0 < int(digits) < I32.bits:
        return None
    return CType(f"{base.name}:{int(digits)}", int(digits))

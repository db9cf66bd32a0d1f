"""The types of VirtIOMEM's fields, read from virtio-mem.h or from what a patch shows of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import I32, NAMED, POINTER, CType
from smt_proofs.source.comments import split_mark, without_comments
from smt_proofs.source.conditions import DIRECTIVE, logical_lines
from smt_proofs.source.macros import Definition, Macros, definitions_of, expanded
from smt_proofs.source.names import FIELDS, POINTERS
from smt_proofs.source.syntax import descend, text_of, tree
from smt_proofs.source.typed import UnsupportedError

_STRUCT: Final = "VirtIOMEM"
Fields = dict[str, CType | None]


def read_header(text: str) -> tuple[Fields, list[Definition]]:
    """The fields of the whole struct, and the macros of the header.

    A field of another type than a number or the known pointer is None. Raises ValueError for a text
    without the struct.
    """
    split = split_mark(text)
    if split is not None:
        raise ValueError(f"line {split}: a mark of a comment split over two lines is not read")
    macros = declared_macros(text)
    try:
        return struct_fields(text, _STRUCT, POINTERS), macros
    except UnsupportedError:
        return dict.fromkeys((*FIELDS, *POINTERS)), macros


def declared_macros(text: str) -> list[Definition]:
    """The macros of a header, ahead of all lines of the C file that includes it."""
    return [replace(_unguarded(d, text), line=0) for d in definitions_of(text)]


def struct_fields(text: str, named: str, pointers: Mapping[str, str]) -> Fields:
    """The fields of one struct of a header, as `read_header` has them; `pointers` are the known
    ones by name. Raises ValueError, and UnsupportedError for macros that cannot be expanded."""
    shown = _expanded(text, [_unguarded(d, text) for d in definitions_of(text)])
    bodies = []
    for struct in descend(tree(shown), "struct_specifier"):
        name, body = struct.child_by_field_name("name"), struct.child_by_field_name("body")
        if name is not None and text_of(name) == named and body is not None:
            bodies.append(_declared(body, _typedefs(shown), pointers))
    if not bodies:
        raise ValueError(f"struct {named} is not in it")
    # Which of several it is, conditions tell that are not looked at.
    found = {n: k for n, k in bodies[0].items() if all(b.get(n) == k for b in bodies)}
    return {n: found.get(n) for body in bodies for n in body}


def fields_of(text: str) -> Fields:
    """The fields that some lines of the header declare; one that is only named is None."""
    try:
        shown = _expanded(text, definitions_of(text))
    except UnsupportedError:
        shown = without_comments(text)
        return dict.fromkeys(_words(shown) & (FIELDS.keys() | POINTERS.keys()))
    typedefs = _typedefs(shown)
    # The lines may begin and end anywhere: inside the struct, or outside.
    wholes = [tree(w) for w in (f"struct {_STRUCT} {{\n{shown}\n}};", f"{shown}\n}};", shown)]
    read = [_declared(whole, typedefs) for whole in wholes if not whole.has_error]
    found: Fields = read[0] if read else {}
    for more in [] if read else [_declared(whole, typedefs) for whole in wholes]:
        found |= {n: kind if found.get(n, kind) == kind else None for n, kind in more.items()}
    words = _words(without_comments(shown))
    return found | dict.fromkeys((words & (FIELDS.keys() | POINTERS.keys())) - found.keys())


def _words(text: str) -> set[str]:
    """The identifiers of a text."""
    return set(re.findall(r"[A-Za-z_]\w*", text))


def _unguarded(definition: Definition, text: str) -> Definition:
    """The definition without the guard against reading the header twice."""
    guard = re.search(r"^\s*#\s*ifndef\s+(\w+)\s*\n\s*#\s*define\s+(\w+)\s*$", text, re.MULTILINE)
    if guard is None or guard[1] != guard[2]:
        return definition
    inside = tuple(c for c in definition.conditions if c != f"!defined({guard[1]})")
    return replace(definition, conditions=inside)


def _expanded(text: str, definitions: list[Definition]) -> str:
    """The text without directives, its macros expanded. Raises UnsupportedError."""
    found: list[str] = []
    waiting: list[str] = []

    def expand(line: int) -> None:
        lines = tuple(range(line - len(waiting), line))
        macros = Macros(definitions, line, {})
        found.append(expanded("\n".join(waiting), lines or (line,), macros, frozenset()))
        waiting.clear()

    for number, line, count in logical_lines(text):
        if DIRECTIVE.fullmatch(line) is None:
            waiting += [line, *[""] * (count - 1)]
        else:
            expand(number)
            waiting += [""] * count
    expand(text.count("\n") + 2)
    return "\n".join(found)


def _typedefs(text: str) -> Fields:
    """The types by their names, None for what is no number and for a name of two types."""
    found: Fields = {}
    for node in descend(tree(text), "type_definition"):
        kind = _named(node, found)
        for declarator in node.children_by_field_name("declarator"):
            plain = declarator.type in ("type_identifier", "primitive_type")
            name = text_of(declarator) if plain else _inner(declarator)
            of = kind if plain else None
            found[name] = of if found.get(name, of) == of else None
    return found


def _inner(declarator: Node) -> str:
    at: Node | None = declarator
    names = ("field_identifier", "identifier", "type_identifier", "primitive_type")
    while at is not None and at.type not in names:
        at = at.child_by_field_name("declarator")
    return "" if at is None else text_of(at)


def _named(node: Node, typedefs: Fields) -> CType | None:
    kind = node.child_by_field_name("type")
    name = " ".join(text_of(kind).split()) if kind is not None else ""
    return typedefs[name] if name in typedefs else NAMED.get(name)


def _declared(root: Node, typedefs: Fields, pointers: Mapping[str, str] = POINTERS) -> Fields:
    """The fields that are declared, None for one of two types."""
    found: Fields = {}

    def take(name: str, kind: CType | None) -> None:
        found[name] = kind if found.get(name, kind) == kind else None

    nodes = [*descend(root, "field_declaration"), *descend(root, "declaration")]
    for node in nodes:
        base = _named(node, typedefs)
        width = next(descend(node, "bitfield_clause"), None)
        if width is not None:
            base = _bits(base, text_of(width))
        for declarator in node.children_by_field_name("declarator"):
            if declarator.type in ("field_identifier", "identifier"):
                take(text_of(declarator), base)
                continue
            name = _inner(declarator)
            if name:
                kind = node.child_by_field_name("type")
                shape = (declarator.type, " ".join(text_of(kind).split()) if kind else "")
                known = shape == ("pointer_declarator", pointers.get(name, ""))
                take(name, POINTER if known else None)
    return found


def _bits(base: CType | None, width: str) -> CType | None:
    """An unsigned bit-field narrower than int, in which it is computed."""
    digits = width.strip(": \t")
    if base is None or base.signed or not digits.isdigit() or not 0 < int(digits) < I32.bits:
        return None
    return CType(f"{base.name}:{int(digits)}", int(digits))

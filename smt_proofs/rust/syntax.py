"""Rust text to syntax trees, by tree-sitter: the functions of `impl VirtioMem`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

from smt_proofs.source.typed import UnsupportedError

_PARSER: Final = Parser(Language(tree_sitter_rust.language()))
DEVICE: Final = "VirtioMem"
_ASIDE: Final = frozenset({"line_comment", "block_comment"})
_QUIET: Final = ("allow", "expect", "inline", "must_use", "doc", "rustfmt", "cold", "track_caller")
"""Attributes that change nothing of what code does."""
_NAMING: Final = frozenset(
    {
        "function_item",
        "macro_definition",
        "const_item",
        "static_item",
        "struct_item",
        "enum_item",
        "type_item",
        "trait_item",
        "mod_item",
    }
)


@dataclass(frozen=True, slots=True)
class RustFunction:
    """A function: its parameters but for self, by name; `text` is the whole of it."""

    name: str
    parameters: tuple[str, ...]
    body: Node
    text: str
    line: int

    @property
    def head(self) -> str:
        """The text ahead of the body."""
        return self.text.removesuffix(text_of(self.body))


@dataclass(frozen=True, slots=True)
class RustSource:
    """The functions of the device by name, one that is defined again has several; `named` are the
    names that the file gives a meaning of its own outside of them."""

    file: str
    functions: dict[str, list[RustFunction]]
    named: frozenset[str]


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode()


def line_of(node: Node) -> int:
    """Where it begins, from 1."""
    return int(node.start_point[0]) + 1


def part(node: Node, name: str) -> Node:
    """The child of that role. Raises UnsupportedError where there is none."""
    child = node.child_by_field_name(name)
    if child is None:
        raise UnsupportedError(f"{node.type.replace('_', ' ')} without {name}", line_of(node))
    return child


def parts(node: Node) -> list[Node]:
    """The children that say something: no comments. Raises UnsupportedError for an attribute."""
    found = []
    for child in node.named_children:
        if child.type in _ASIDE:
            continue
        if child.type == "attribute_item":
            if not _quiet(child):
                raise UnsupportedError(f"the attribute {text_of(child)}", line_of(child))
            continue
        found.append(child)
    return found


def _quiet(attribute: Node) -> bool:
    return text_of(attribute).removeprefix("#[").startswith(_QUIET)


def read_rust(text: str, file: str) -> RustSource:
    """The functions of the device, and what else the file names."""
    found: dict[str, list[RustFunction]] = {}
    root = _PARSER.parse(text.encode()).root_node
    for block in _all(root, "impl_item"):
        kind, trait = block.child_by_field_name("type"), block.child_by_field_name("trait")
        body = block.child_by_field_name("body")
        if kind is None or text_of(kind) != DEVICE or trait is not None or body is None:
            continue
        loud = _conditional(block)
        for item in body.named_children:
            if item.type == "function_item":
                function = _function(item)
                unsure = loud or _conditional(item) or "#[" in function.head
                found.setdefault(function.name, []).extend([function] * (2 if unsure else 1))
    return RustSource(file, found, frozenset(_named(root)))


def _conditional(item: Node) -> bool:
    """An attribute ahead of it may leave it out or change it."""
    before = item.prev_named_sibling
    while before is not None and before.type in (*_ASIDE, "attribute_item"):
        if before.type == "attribute_item" and not _quiet(before):
            return True
        before = before.prev_named_sibling
    return False


def _function(item: Node) -> RustFunction:
    name, body = item.child_by_field_name("name"), item.child_by_field_name("body")
    given = item.child_by_field_name("parameters")
    assert name is not None and body is not None and given is not None
    patterns = [
        p.child_by_field_name("pattern") for p in given.named_children if p.type == "parameter"
    ]
    named = tuple(text_of(p) for p in patterns if p is not None)
    return RustFunction(text_of(name), named, body, text_of(item), line_of(item))


def _named(root: Node) -> Iterator[str]:
    """What items and imports of the file's top level name themselves."""
    for item in root.named_children:
        name = item.child_by_field_name("name")
        if item.type in _NAMING and name is not None:
            yield text_of(name)
        if item.type == "use_declaration":
            for alias in _all(item, "use_as_clause"):
                own = alias.child_by_field_name("alias")
                yield "" if own is None else text_of(own)


def _all(node: Node, kind: str) -> Iterator[Node]:
    for child in node.named_children:
        if child.type == kind:
            yield child
        else:
            yield from _all(child, kind)

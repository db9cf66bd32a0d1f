"""Rust text to syntax trees, by tree-sitter: the functions of `impl VirtioMem`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

_PARSER: Final = Parser(Language(tree_sitter_rust.language()))
DEVICE: Final = "VirtioMem"


@dataclass(frozen=True, slots=True)
class RustFunction:
    """A function: its parameters but for self, by name."""

    name: str
    parameters: tuple[str, ...]
    body: Node
    text: str

    @property
    def line(self) -> int:
        """Where it begins, from 1."""
        return int(self.body.start_point[0]) + 1


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode()


def parts(node: Node) -> list[Node]:
    """The children that say something: no comments, no attributes."""
    aside = ("line_comment", "block_comment", "attribute_item")
    return [child for child in node.named_children if child.type not in aside]


def functions_of(text: str) -> dict[str, list[RustFunction]]:
    """The functions of the device, by name; one that is defined again has several."""
    found: dict[str, list[RustFunction]] = {}
    root = _PARSER.parse(text.encode()).root_node
    for block in _all(root, "impl_item"):
        kind, trait = block.child_by_field_name("type"), block.child_by_field_name("trait")
        body = block.child_by_field_name("body")
        if kind is None or text_of(kind) != DEVICE or trait is not None or body is None:
            continue
        for item in parts(body):
            if item.type == "function_item":
                function = _function(item)
                found.setdefault(function.name, []).append(function)
    return found


def _function(item: Node) -> RustFunction:
    name, body = item.child_by_field_name("name"), item.child_by_field_name("body")
    given = item.child_by_field_name("parameters")
    assert name is not None and body is not None and given is not None
    patterns = [p.child_by_field_name("pattern") for p in parts(given) if p.type == "parameter"]
    named = tuple(text_of(p) for p in patterns if p is not None)
    return RustFunction(text_of(name), named, body, text_of(item))


def _all(node: Node, kind: str) -> Iterator[Node]:
    for child in node.named_children:
        if child.type == kind:
            yield child
        else:
            yield from _all(child, kind)

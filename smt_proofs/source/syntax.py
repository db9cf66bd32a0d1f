"""C text to syntax trees, by tree-sitter.

It needs no headers, macros or build, and gets over what it cannot parse in functions that do not
matter here; a preprocessor-based parser would need all of QEMU's headers, and a patch has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import tree_sitter_c
from tree_sitter import Language, Node, Parser

_PARSER: Final = Parser(Language(tree_sitter_c.language()))


def tree(text: str) -> Node:
    """The syntax tree of a text."""
    return _PARSER.parse(text.encode()).root_node


def descend(node: Node, kind: str) -> Iterator[Node]:
    """All nodes of a kind, but for those inside another one."""
    for child in node.named_children:
        if child.type == kind:
            yield child
        else:
            yield from descend(child, kind)


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode()


def function_name(definition: Node) -> str | None:
    """The name that a function definition defines."""
    at = definition.child_by_field_name("declarator")
    while at is not None and at.type != "identifier":
        at = at.child_by_field_name("declarator")
    return None if at is None else text_of(at)


def declared_in(root: Node) -> dict[str, str]:
    """The types, variables and enumerators that a text declares outside functions, by name."""
    found: dict[str, str] = {}
    for node in root.named_children:
        if node.type in ("type_definition", "declaration"):
            for child in node.children_by_field_name("declarator"):
                name = _name(child)
                if name:
                    found[name] = f"{found.get(name, '')}{text_of(node)}"
        if node.type == "enumerator":
            found.setdefault(text_of(node.named_children[0]), text_of(node))
        if node.type != "function_definition":
            found |= {n: at for n, at in declared_in(node).items() if n not in found}
    return found


def _name(declarator: Node) -> str:
    """The name that a declarator declares, empty for a function.

    A `uint64_t` that is declared anew is a primitive type to the parser all the same.
    """
    at: Node | None = declarator
    while at is not None and at.type not in ("identifier", "type_identifier", "primitive_type"):
        if at.type == "function_declarator":
            return ""
        at = at.child_by_field_name("declarator")
    return "" if at is None else text_of(at)

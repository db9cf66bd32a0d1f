"""C text to syntax trees, by tree-sitter.

It needs no headers, macros or build, and gets over what it cannot parse in functions that do not
matter here; a preprocessor-based parser would need all of QEMU's headers, and a patch has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import tree_sitter_c
from tree_sitter import Language, Node, Parser

from smt_proofs.source.c_types import CType

_PARSER: Final = Parser(Language(tree_sitter_c.language()))


class SourceError(ValueError):
    """A file that cannot be read as C source or as a patch; the message is one line."""


@dataclass(frozen=True, slots=True)
class FunctionText:
    """One function as the source shows it; `lines` number its lines in `file`.

    `unseen` are the lines left out in the middle, first and last, where a patch does not show all.
    """

    name: str
    file: str
    text: str
    lines: tuple[int, ...]
    unseen: tuple[int, int] | None = None

    def line(self, node: Node) -> int:
        """Where a node of this text begins."""
        return self.lines[min(int(node.start_point[0]), len(self.lines) - 1)]


@dataclass(frozen=True, slots=True)
class PartText:
    """A function of which a patch shows some lines only; `changed` where it changes some."""

    name: str
    file: str
    shown: tuple[tuple[int, int], ...]
    changed: bool


@dataclass(frozen=True, slots=True)
class Source:
    """What was found in a file: functions, functions shown in part, macros, types of fields.

    A macro or function defined more than once has several texts.
    """

    is_patch: bool
    functions: dict[str, list[FunctionText]] = field(default_factory=dict)
    parts: dict[str, PartText] = field(default_factory=dict)
    macros: dict[str, list[str]] = field(default_factory=dict)
    fields: dict[str, CType] = field(default_factory=dict)
    words: frozenset[str] = frozenset()


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


_MACRO: Final = re.compile(r"^#\s*define\s+(\w+)[ \t]+(.+?)\s*$", re.MULTILINE)
_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def macros_of(text: str) -> dict[str, list[str]]:
    """The texts of the object-like macros that a text defines."""
    found: dict[str, list[str]] = {}
    joined = text.replace("\\\n", " ")
    for name, value in _MACRO.findall(joined):
        found.setdefault(name, []).append(_COMMENT.sub(" ", value).strip())
    return found


def words_of(text: str) -> frozenset[str]:
    """The identifiers of a text, comments left out."""
    return frozenset(re.findall(r"[A-Za-z_]\w*", _COMMENT.sub(" ", text)))


def read_c(text: str, file: str) -> Source:
    """The functions and macros of a C file."""
    source = Source(is_patch=False, macros=macros_of(text), words=words_of(text))
    for definition in descend(tree(text), "function_definition"):
        name = function_name(definition)
        if name is not None:
            first, last = definition.start_point[0] + 1, definition.end_point[0] + 1
            shown = FunctionText(name, file, text_of(definition), tuple(range(first, last + 1)))
            source.functions.setdefault(name, []).append(shown)
    return source

"""What a C file holds: functions, macros, names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import CType
from smt_proofs.source.macros import Definition, conditions_by_line, definitions_of
from smt_proofs.source.syntax import declared_in, descend, function_name, text_of, tree


class SourceError(ValueError):
    """A file that cannot be read as C source or as a patch; the message is one line."""


@dataclass(frozen=True, slots=True)
class FunctionText:
    """One function as the source shows it; `lines` number its lines in `file`.

    `unseen` are the lines left out in the middle, first and last, where a patch does not show all.
    `conditions` are those of the preprocessor that it stands under.
    """

    name: str
    file: str
    text: str
    lines: tuple[int, ...]
    unseen: tuple[int, int] | None = None
    conditions: tuple[str, ...] = ()

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

    A function defined more than once has several texts. `fields` are the types of the fields that
    were seen, None for one that is no number; `complete` where the whole struct was. `declared` are
    the names that the file gives to types, variables and enumerators.
    """

    is_patch: bool
    functions: dict[str, list[FunctionText]] = field(default_factory=dict)
    parts: dict[str, PartText] = field(default_factory=dict)
    macros: list[Definition] = field(default_factory=list)
    fields: dict[str, CType | None] = field(default_factory=dict)
    complete: bool = False
    declared: dict[str, int] = field(default_factory=dict)
    words: frozenset[str] = frozenset()


_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def words_of(text: str) -> frozenset[str]:
    """The identifiers of a text, comments left out."""
    return frozenset(re.findall(r"[A-Za-z_]\w*", _COMMENT.sub(" ", text)))


def read_c(text: str, file: str) -> Source:
    """The functions and macros of a C file."""
    root = tree(text)
    source = Source(
        is_patch=False,
        macros=definitions_of(text),
        words=words_of(text),
        declared=declared_in(root),
    )
    under = conditions_by_line(text)
    for definition in descend(root, "function_definition"):
        name = function_name(definition)
        if name is not None:
            first, last = definition.start_point[0] + 1, definition.end_point[0] + 1
            shown = FunctionText(
                name,
                file,
                text_of(definition),
                tuple(range(first, last + 1)),
                conditions=under[first - 1],
            )
            source.functions.setdefault(name, []).append(shown)
    return source

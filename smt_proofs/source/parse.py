"""What a C file holds: functions, macros, names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import CType
from smt_proofs.source.comments import split_mark, without_comments
from smt_proofs.source.conditions import conditions_by_line
from smt_proofs.source.macros import Definition, definitions_of
from smt_proofs.source.syntax import declared_in, descend, function_name, text_of, tree

UNNAMED: Final = "lines of no function that the patch names"


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
    the names that the file gives to types, variables and enumerators, with how it does. `changed`
    are the functions that a patch changes, and UNNAMED where it changes lines of a function that it
    does not show; `strays` are the runs of lines about those that it leaves alone. `struct` is what
    the functions are about; `core` is memory-device.c, where it is at hand.
    """

    is_patch: bool
    functions: dict[str, list[FunctionText]] = field(default_factory=dict)
    parts: dict[str, PartText] = field(default_factory=dict)
    macros: list[Definition] = field(default_factory=list)
    fields: dict[str, CType | None] = field(default_factory=dict)
    complete: bool = False
    declared: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    strays: list[tuple[str, ...]] = field(default_factory=list)
    words: frozenset[str] = frozenset()
    struct: str = "VirtIOMEM"
    core: Source | None = None


_STYLED: Final = re.compile(
    r"^[A-Za-z_][^;{}()#/]*?\b(\w+)\([^;{}#]*\)\n\{\n(?:.*?\n)??\}$", re.MULTILINE | re.DOTALL
)


def words_of(text: str) -> frozenset[str]:
    """The identifiers of a text, comments left out."""
    return frozenset(re.findall(r"[A-Za-z_]\w*", without_comments(text)))


def read_c(text: str, file: str) -> Source:
    """The functions and macros of a C file."""
    split = split_mark(text)
    if split is not None:
        raise SourceError(f"line {split}: a mark of a comment split over two lines is not read")
    root = tree(text)
    source = Source(
        is_patch=False,
        macros=definitions_of(text),
        words=words_of(text),
        declared=declared_in(root),
    )
    under = conditions_by_line(text)
    found: list[tuple[str, int, str]] = []
    taken: set[int] = set()
    whole: list[tuple[str, int, str]] = []
    broken: list[tuple[str, int, str]] = []
    for definition in descend(root, "function_definition"):
        name = function_name(definition)
        if name is not None:
            of = (name, int(definition.start_point[0]) + 1, text_of(definition))
            (broken if definition.has_error else whole).append(of)
    # What does not parse, such as a macro that makes a type, may hide what is behind it: there a
    # function ends at a brace in the first column, as QEMU's coding style has it.
    styled = [(m[1], text.count("\n", 0, m.start()) + 1, m[0]) for m in _STYLED.finditer(text)]
    for name, first, body in (*whole, *styled, *broken):
        lines = range(first, first + body.count("\n") + 1)
        if taken.isdisjoint(lines):
            found.append((name, first, body))
            taken.update(lines)
    for name, first, body in sorted(found, key=lambda f: f[1]):
        numbers = tuple(range(first, first + body.count("\n") + 1))
        shown = FunctionText(name, file, body, numbers, conditions=under[first - 1])
        source.functions.setdefault(name, []).append(shown)
    return source

"""Which functions of a file another text of it changes, themselves or through what they use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from smt_proofs.source.comments import without_comments
from smt_proofs.source.parse import Source, words_of

_SPACE: Final = re.compile(r"\s+")


HEADER: Final = "virtio-mem.h"
OUTSIDE: Final = "outside functions"
OUTSIDE_CORE: Final = "outside functions of memory-device.c"
"""What stands for the tables, types and variables of a file."""
_DIRECTIVE: Final = re.compile(
    r"^[ \t]*#(?![ \t]*(?:include|pragma)\b)(?:[^\n]*\\\n)*[^\n]*$", re.MULTILINE
)
_STRUCT: Final = re.compile(r"^struct VirtIOMEM \{.*?^\};$", re.MULTILINE | re.DOTALL)
_PROTOTYPE: Final = re.compile(r"\bstatic\b[^;{}=]*\)\s*;")


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a function: `own` text changed or added, `through` what it uses.

    `uses` are the names in its text that changed, or that use something that did; `line` is the
    first line of its own text that changed, 0 where none did.
    """

    own: bool = False
    added: bool = False
    through: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    line: int = 0

    @property
    def words(self) -> str:
        """In words."""
        if self.added:
            return "added by the patch"
        if self.own:
            return "changed by the patch"
        if self.through:
            return f"as before, but {', '.join(self.through)}, which it uses, changed"
        return "as before"


def changes(old: Source, new: Source, *, header: bool = False) -> dict[str, Change]:
    """What became of each function of `new`. `header`: the header's text differs."""
    before, after = _texts(old), _texts(new)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    known = after.keys() | before.keys()
    used = {n: (words_of(" ".join(texts)) & known) - {n} for n, texts in after.items()}
    reached = {name: _reached(name, used) for name in after}
    touched = {name for name in known if name in changed or reached.get(name, set()) & changed}
    through = {name: tuple(sorted(reached[name] & changed)) for name in new.functions}
    own_header = (HEADER,) if header else ()
    return {
        name: Change(
            name in changed,
            name not in before,
            (*through[name], *own_header),
            (*sorted(used[name] & touched), *own_header),
            first_changed(old, new, name) if name in changed and name in before else 0,
        )
        for name in new.functions
    }


def first_changed(old: Source, new: Source, name: str) -> int:
    """The first line of a function that its old text has not, the one behind what was left out; 0
    where there is no one text of it on both sides."""
    before, after = old.functions.get(name, []), new.functions[name]
    if len(before) != 1 or len(after) != 1:
        return 0
    sides = [text.splitlines() for text in (before[0].text, after[0].text)]
    parts = SequenceMatcher(None, sides[0], sides[1], autojunk=False).get_opcodes()
    at = next((first for kind, _, _, first, _ in parts if kind != "equal"), None)
    lines = after[0].lines
    return 0 if at is None else lines[min(at, len(lines) - 1)]


def _reached(name: str, used: dict[str, frozenset[str]]) -> set[str]:
    """All names that a function uses, and those that these use."""
    found: set[str] = set()
    todo = [name]
    while todo:
        new = used.get(todo.pop(), frozenset()) - found
        found |= new
        todo += new
    return found - {name}


def _texts(source: Source) -> dict[str, tuple[str, ...]]:
    """Functions and macros by name, comments and white space aside."""
    texts: dict[str, list[str]] = {}
    for name, functions in source.functions.items():
        shown = (f"{f.conditions or ''}{plain(f.text)}" for f in functions)
        texts.setdefault(name, []).extend(shown)
    for macro in source.macros:
        said = f"{macro.parameters} {plain(macro.text or '#undef')} {macro.conditions}"
        texts.setdefault(macro.name, []).append(said)
    return {name: tuple(found) for name, found in texts.items()}


def outside(text: str, source: Source) -> str:
    """What a file says outside its functions, macros and prototypes, what it includes with it."""
    lines = text.split("\n")
    for functions in source.functions.values():
        for function in functions:
            for number in function.lines:
                lines[number - 1] = ""
    rest = _DIRECTIVE.sub("", without_comments("\n".join(lines)))
    return plain(_PROTOTYPE.sub("", rest))


def rest_of_header(text: str | None) -> str:
    """What the header says but for the device's fields and macros."""
    return plain(_STRUCT.sub("", _DIRECTIVE.sub("", without_comments(text or ""))))


def plain(text: str) -> str:
    """The text without comments, white space in one form."""
    return _SPACE.sub(" ", without_comments(text)).strip()

"""An edit to virtio-mem.c and its header: small texts to be found, and what takes their place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

FILE: Final = "file"
"""Anywhere in virtio-mem.c."""
HEADER: Final = "header"
"""Anywhere in virtio-mem.h."""


class Texts(NamedTuple):
    """virtio-mem.c and virtio-mem.h."""

    source: str
    header: str


class AnchorError(ValueError):
    """A text that an edit looks for stands in no one place."""


@dataclass(frozen=True, slots=True)
class Change:
    """`old` becomes `new` inside `place`: the function of this short name, FILE or HEADER.

    `old` stands there once, but for differences in white space; /**/ in it is any comment. Where it
    is empty `new` goes ahead of the function.
    """

    place: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit by name; `kind` is its kind of fault, `functions` the short names it bears on."""

    name: str
    kind: str
    functions: tuple[str, ...]
    changes: tuple[Change, ...]

    def applied(self, texts: Texts) -> Texts:
        """The texts with this edit. Raises AnchorError."""
        for change in self.changes:
            texts = _applied(change, texts)
        return texts


def edit(name: str, kind: str, where: str, *changes: tuple[str, ...]) -> Edit:
    """An edit of the functions `where`; a change of two texts is made in the first of them."""
    functions = tuple(where.split())
    made = [Change(functions[0], *c) if len(c) == 2 else Change(*c) for c in changes]
    return Edit(name, kind, functions, tuple(made))


def function_span(text: str, name: str) -> tuple[int, int]:
    """Where the definition of a function begins and ends. Raises AnchorError."""
    head = rf"^[a-z][^;{{}}/#]*\bvirtio_mem_{name}\([^;{{}}]*\)\n\{{.*?^\}}\n"
    found = list(re.finditer(head, text, re.MULTILINE | re.DOTALL))
    if len(found) != 1:
        raise AnchorError(f"{len(found)} definitions of virtio_mem_{name}")
    return found[0].span()


def _applied(change: Change, texts: Texts) -> Texts:
    whole = texts.header if change.place == HEADER else texts.source
    start, end = 0, len(whole)
    if change.place not in (FILE, HEADER):
        start, end = function_span(whole, change.place)
    if not change.old:
        end = start
    else:
        words = r"\s+".join(re.escape(word) for word in change.old.split())
        words = words.replace(re.escape("/**/"), r"/\*(?:(?!\*/).)*\*/")
        found = [m.span() for m in re.finditer(words, whole[start:end], re.DOTALL)]
        if len(found) != 1:
            raise AnchorError(f"{change.old!r} stands {len(found)} times in {change.place}")
        start, end = start + found[0][0], start + found[0][1]
    edited = whole[:start] + change.new + whole[end:]
    return texts._replace(**{"header" if change.place == HEADER else "source": edited})

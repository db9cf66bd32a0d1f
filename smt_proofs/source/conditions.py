"""Conditions of the preprocessor that lines stand under."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from smt_proofs.source.comments import joined

DIRECTIVE: Final = re.compile(r"[ \t]*#[ \t]*(\w+)(.*)", re.DOTALL)
_BLANKS: Final = " \t"


def logical_lines(text: str) -> Iterator[tuple[int, str, int]]:
    """Lines with what follows a backslash or a comment: the first one's number, and how many."""
    lines = joined(text).split("\n")
    at = 0
    while at < len(lines):
        first = at
        line = lines[at]
        while line.rstrip(_BLANKS).endswith("\\") and at + 1 < len(lines):
            at += 1
            line = line.rstrip(_BLANKS)[:-1] + lines[at]
        yield first + 1, line, at + 1 - first
        at += 1


def condition_of(directive: str, rest: str) -> str:
    """The condition of an #if, #ifdef or #ifndef; the same one is always written the same way."""
    words = " ".join(rest.split())
    if directive in ("ifdef", "ifndef"):
        return ("!" if directive == "ifndef" else "") + f"defined({words})"
    words = re.sub(r"\bdefined\s*\(?\s*(\w+)\s*\)?", r"defined(\1)", words)
    negated = re.fullmatch(r"!\s*(defined\(\w+\)|\w+)", words)
    if negated:
        return f"!{negated[1]}"
    # A leading "!" stands for the opposite of all that follows.
    return f"({words})" if words.startswith("!") else words


def opposite(condition: str) -> str:
    """The condition that holds where this one does not."""
    return condition[1:] if condition.startswith("!") else f"!{condition}"


class Conditions:
    """The conditions that a line stands under, as the directives ahead of it have it."""

    def __init__(self) -> None:
        self._open: list[list[str]] = []

    def take(self, directive: str, rest: str) -> bool:
        """Whether this was one of the directives about conditions."""
        match directive:
            case "if" | "ifdef" | "ifndef":
                self._open.append([condition_of(directive, rest)])
            case "elif" | "elifdef" | "elifndef" if self._open:
                last = self._open[-1]
                last[-1:] = [opposite(last[-1]), condition_of(directive.removeprefix("el"), rest)]
            case "else" if self._open:
                self._open[-1][-1] = opposite(self._open[-1][-1])
            case "endif" if self._open:
                self._open.pop()
            case _:
                return False
        return True

    @property
    def now(self) -> tuple[str, ...]:
        """All that must hold."""
        return tuple(condition for group in self._open for condition in group)


def conditions_by_line(text: str) -> list[tuple[str, ...]]:
    """What each line of a text stands under."""
    conditions = Conditions()
    found: list[tuple[str, ...]] = []
    for number, line, _ in logical_lines(text):
        # Those lines that only continue one are as it is.
        found += [conditions.now] * (number - 1 - len(found))
        match = DIRECTIVE.fullmatch(line)
        if match is not None:
            conditions.take(match[1], match[2])
        found.append(conditions.now)
    return found + [()] * (text.count("\n") + 1 - len(found))

"""Comments of C, told from texts in quotes that look like them."""

from __future__ import annotations

import re
from typing import Final

_PART: Final = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<comment>/\*.*?\*/|//(?:\\[ \t]*\n|[^\n])*)""",
    re.DOTALL | re.VERBOSE,
)
_GOES_ON: Final = re.compile(r"\\[ \t]*$", re.MULTILINE)
_SPLIT: Final = re.compile(r"[/*]\\[ \t]*\n(?:\\[ \t]*\n)*[/*]")
"""A mark of a comment with a line end in its middle, which the compiler takes out first."""


def without_comments(text: str, end: str = "\n") -> str:
    """The text with a space for each comment; the ends of its lines become `end`."""

    def plain(match: re.Match[str]) -> str:
        comment = match["comment"]
        return match[0] if comment is None else " " + end * comment.count("\n")

    return _PART.sub(plain, text)


def joined(text: str) -> str:
    """The text without comments, each of which ends no line: it goes on behind them."""
    return without_comments(text, "\\\n")


def continued(text: str) -> int | None:
    """The line of the first one outside comments that goes on in the next, from 1.

    The compiler joins them first: + at its end and + at the start of the next one are ++.
    """
    plain = without_comments(text)
    match = _GOES_ON.search(plain)
    return None if match is None else plain.count("\n", 0, match.start()) + 1


def split_mark(text: str) -> int | None:
    """The line of the first mark of a comment that is split over two lines, from 1."""
    match = _SPLIT.search(text)
    return None if match is None else text.count("\n", 0, match.start()) + 1

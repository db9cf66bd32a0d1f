"""Unified diffs read by `unidiff`, and applied to texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

from smt_proofs.source.parse import SourceError


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a hunk: `sign` is that of the diff, `number` counts on the new side."""

    sign: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Hunk:
    """A hunk of `file`: `start` is its first line on the old side, `heading` what follows the @@.

    Lines that are removed have the number of the next one that stays.
    """

    file: str
    start: int
    heading: str
    lines: tuple[Line, ...]

    @property
    def old(self) -> list[str]:
        """The lines that must be there."""
        return [line.text for line in self.lines if line.sign != "+"]

    @property
    def new(self) -> list[str]:
        """The lines that take their place."""
        return [line.text for line in self.lines if line.sign != "-"]


class ApplyError(SourceError):
    """A hunk whose lines are not in the text."""


def hunks_of(text: str) -> list[Hunk]:
    """All hunks of a diff, in order. Raises SourceError where it is cut off or garbled."""
    at = 0

    def counted() -> Iterator[str]:
        nonlocal at
        for line in text.split("\n"):
            at += 1
            yield line + "\n"

    try:
        files = PatchSet(counted())
    except UnidiffParseError as error:
        reason = str(error).split("\n")[0].strip()
        raise SourceError(f"line {at}: {reason[:90]}: expected a whole patch") from None
    return [hunk for file in files for hunk in _hunks(file)]


def _hunks(file: PatchedFile) -> Iterator[Hunk]:
    for hunk in file:
        lines = []
        number = hunk.target_start
        for line in hunk:
            if line.line_type in (" ", "+", "-"):
                lines.append(Line(line.line_type, line.value.removesuffix("\n"), number))
                number += line.line_type != "-"
        yield Hunk(file.path, hunk.source_start, hunk.section_header.strip(), tuple(lines))


def is_of(hunk: Hunk, path: str) -> bool:
    """The hunk changes this file of the tree, or a file of its name beside nothing else."""
    parts, own = PurePosixPath(hunk.file).parts, PurePosixPath(path).parts
    return parts == own or parts[-len(own) :] == own or parts == own[-1:]


def applied(hunks: list[Hunk], text: str) -> str:
    """The text with the hunks, which may stand elsewhere than their numbers say.

    Raises ApplyError for lines that are not there.
    """
    lines = text.split("\n")
    shift = 0
    for hunk in hunks:
        want = hunk.start - 1 + shift if hunk.old else hunk.start + shift
        at = _place(lines, hunk.old, max(want, 0))
        if at is None:
            there = _place(lines, hunk.new, max(want, 0)) is not None
            first = next((line for line in hunk.old if line.strip() and line not in lines), "")
            raise ApplyError(
                f"the hunk at line {hunk.start} of {hunk.file} does not apply"
                + (" (it is in there already)" if there and hunk.new else "")
                + (f": there is no line {first.strip()[:60]!r}" if first and not there else "")
            )
        lines[at : at + len(hunk.old)] = hunk.new
        shift = at - want + shift + len(hunk.new) - len(hunk.old)
    return "\n".join(lines)


def _place(lines: list[str], old: list[str], want: int) -> int | None:
    """Where the lines stand nearest to `want`."""
    if not old:
        return min(want, len(lines))
    fits = [at for at in range(len(lines)) if lines[at : at + len(old)] == old]
    return min(fits, key=lambda at: abs(at - want), default=None)

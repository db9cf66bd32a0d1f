"""Unified diffs and mailing-list text: the functions that the new side of the hunks shows whole.

A patch is applied to nothing. A function begins at a line that starts with its return type and ends
at a brace in the first column, as QEMU's coding style has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from smt_proofs.source.header import fields_of
from smt_proofs.source.macros import definitions_of
from smt_proofs.source.parse import (
    UNNAMED,
    FunctionText,
    PartText,
    Source,
    SourceError,
    words_of,
)
from smt_proofs.source.syntax import declared_in, tree

UNSEEN: Final = "__unseen__"
"""The call that stands for lines that a patch leaves out."""
_HUNK: Final = re.compile(r"^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$")
_ASIDE: Final = re.compile(
    r"\s*| \*(?: .*|/)?|\s*/\*(?:(?!\*/).)*(?:\*/\s*)?|\s*//.*|\s*#\s*(?:define|undef)\b.*"
)
"""A blank line, one of a comment, or one that is read as a macro."""
_HEADER: Final = re.compile(r"^[A-Za-z_][\w\s*]*?[\s*]([A-Za-z_]\w*)\s*\(")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the new side by its number there; `changed` where the patch touches it, `ahead`
    where it takes code away ahead of it."""

    number: int
    text: str
    changed: bool
    ahead: bool = False

    @property
    def counts(self) -> bool:
        """The patch changes code here."""
        return self.changed and (self.ahead or not _ASIDE.fullmatch(self.text))


@dataclass(slots=True)
class _Hunk:
    """The new side of a hunk, and the function that its heading names."""

    file: str
    heading: str
    first: int
    lines: list[_Line] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """A function while its lines are collected. `whole`: its beginning was seen."""

    name: str
    file: str
    whole: bool
    lines: list[_Line] = field(default_factory=list)
    unseen: list[tuple[int, int]] = field(default_factory=list)

    def prototype(self) -> bool:
        """It ends before it begins: a declaration, no function."""
        body = any("{" in line.text for line in self.lines)
        return self.whole and not body and self.lines[-1].text.rstrip().endswith(");")


def is_patch(text: str) -> bool:
    """The text holds a unified diff."""
    return any(_HUNK.match(line) for line in text.split("\n"))


def read_patch(text: str, prototypes: dict[str, str]) -> Source:
    """The functions and macros of the new side.

    `prototypes` give the head of a function whose body a hunk shows from its first brace on. Raises
    SourceError for a hunk that is cut off or garbled.
    """
    hunks = list(_hunks(text))
    shown = "\n".join(line.text for hunk in hunks for line in hunk.lines)
    source = Source(is_patch=True, words=words_of(shown), declared=declared_in(tree(shown)))
    for hunk in hunks:
        if not hunk.lines:
            continue
        text, first = "\n".join(line.text for line in hunk.lines), hunk.lines[0].number
        header = hunk.file.endswith(".h")
        # What a header defines holds from the first line of the file that reads it.
        source.macros.extend(
            replace(d, line=0) if header else d for d in definitions_of(text, first)
        )
        if hunk.file.endswith("virtio-mem.h"):
            source.fields.update(fields_of(text))
    _Collector(source, prototypes).collect([h for h in hunks if h.file.endswith(".c")])
    return source


def _hunks(text: str) -> Iterator[_Hunk]:
    file = ""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("+++ "):
            file = re.sub(r"^b/", "", line[4:].split("\t")[0].strip())
        match = _HUNK.match(line)
        if not match:
            continue
        old, new = int(match[1] or 1), int(match[3] or 1)
        number = int(match[2])
        hunk = _Hunk(file, match[4].strip(), number)
        header, removed = at, False
        while old > 0 or new > 0:
            if at == len(lines) or (at == len(lines) - 1 and not lines[at]):
                raise SourceError(
                    f"line {header}: this hunk announces {old} old and {new} new lines more than "
                    "follow: expected a whole patch"
                )
            body = lines[at]
            at += 1
            sign, rest = body[:1] or " ", body[1:]
            if sign == "\\":
                continue
            if sign not in " +-" or (sign != "+" and not old) or (sign != "-" and not new):
                raise SourceError(
                    f"line {at}: {body[:40]!r} is no line of the hunk at line {header}: "
                    "expected a whole patch"
                )
            old -= sign != "+"
            if sign == "-":
                removed = removed or not _ASIDE.fullmatch(rest)
                continue
            new -= 1
            hunk.lines.append(_Line(number, rest, sign == "+" or removed, removed))
            removed = False
            number += 1
        if removed:
            # Nothing follows what is gone: it is told at the last line there is.
            at_end = hunk.lines.pop() if hunk.lines else _Line(hunk.first, "", changed=True)
            hunk.lines.append(replace(at_end, changed=True, ahead=True))
        yield hunk


class _Collector:
    """Puts the lines of hunks together to functions."""

    def __init__(self, source: Source, prototypes: dict[str, str]) -> None:
        self._source = source
        self._prototypes = prototypes
        self._open: _Open | None = None
        self._number = 0
        self._stray: list[_Line] = []

    def collect(self, hunks: list[_Hunk]) -> None:
        file = ""
        for hunk in hunks:
            if hunk.file != file:
                self._leave()
                file, self._number = hunk.file, 0
            self._enter(hunk)
            for line in hunk.lines:
                self._take(hunk.file, line)
            self._astray()
        self._leave()

    def _astray(self) -> None:
        """Lines that belong to no function that is known."""
        if any(line.counts for line in self._stray):
            self._source.changed.add(UNNAMED)
            run: list[str] = []
            for line in (*self._stray, None):
                if line is not None and not line.changed:
                    run.append(line.text)
                    continue
                if any(text.strip("{} \t") for text in run):
                    self._source.strays.append(tuple(run))
                run = []
        self._stray = []

    def _enter(self, hunk: _Hunk) -> None:
        """Begin a hunk: lines before it may be missing."""
        if not hunk.lines:
            return
        first = hunk.lines[0]
        missing = (self._number + 1, first.number - 1) if self._number else (1, first.number - 1)
        if missing[0] > missing[1]:
            return
        match = _HEADER.match(hunk.heading)
        name = match[1] if match else ""
        if self._open is not None and self._open.name == name:
            self._open.unseen.append(missing)
            return
        self._leave()
        if not name or _HEADER.match(first.text):
            return
        starts = first.text == "{" and name in self._prototypes
        self._open = _Open(name, hunk.file, whole=starts)
        if starts:
            head = _Line(first.number - 1, self._prototypes[name], changed=False)
            self._open.lines.append(head)

    def _take(self, file: str, line: _Line) -> None:
        self._number = line.number
        header = _HEADER.match(line.text)
        if header and not line.text.rstrip().endswith(";"):
            self._leave()
            self._astray()
            self._open = _Open(header[1], file, whole=True)
        if self._open is None:
            self._stray.append(line)
            return
        self._open.lines.append(line)
        if line.text.rstrip() == "}":
            self._close(self._open)
        elif self._open.prototype():
            self._open = None

    def _close(self, function: _Open) -> None:
        """The function ends here."""
        self._open = None
        self._note(function)
        if not function.whole or len(function.unseen) > 1:
            self._part(function)
            return
        texts, numbers = [], []
        for line in function.lines:
            unseen = function.unseen[0] if function.unseen else None
            if unseen and line.number == unseen[1] + 1:
                texts.append(f"{UNSEEN}();")
                numbers.append(unseen[0])
            texts.append(line.text)
            numbers.append(line.number)
        shown = FunctionText(
            function.name,
            function.file,
            "\n".join(texts),
            tuple(numbers),
            function.unseen[0] if function.unseen else None,
        )
        self._source.functions.setdefault(function.name, []).append(shown)

    def _leave(self) -> None:
        """The lines that follow belong to something else."""
        if self._open is not None and self._open.lines:
            self._part(self._open)
        self._open = None

    def _note(self, function: _Open) -> None:
        if any(line.counts for line in function.lines):
            self._source.changed.add(function.name)

    def _part(self, function: _Open) -> None:
        self._note(function)
        runs: list[tuple[int, int]] = []
        for line in function.lines:
            if runs and runs[-1][1] == line.number - 1:
                runs[-1] = (runs[-1][0], line.number)
            else:
                runs.append((line.number, line.number))
        before = self._source.parts.get(function.name)
        changed = any(line.changed for line in function.lines)
        self._source.parts[function.name] = PartText(
            function.name,
            function.file,
            (*(before.shown if before else ()), *runs),
            changed or (before is not None and before.changed),
        )

"""Links to code open at the line, on pages of the site: an extension of Sphinx.

A page says `[text](../model/geometry.py#decide_memslots)`, or `#L40`, which a forge reads too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

LINK = re.compile(r"\]\(\.\./((?:model|smt_proofs|conformance|tests|docs)/[\w/]+\.py)(?:#(\w+))?\)")
CELL = re.compile(r"(?<=\| )((?:model|smt_proofs)/[\w/]+\.py):(\d+)(?= \|)")
"""A cell of a table that is a file and a line."""
SCHEME = "code"
URL = "code/{{path}}.html#{{fragment}}"


@cache
def lines_of(file: Path) -> dict[str, int]:
    """The line of each function, class and constant of a file, from 1."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name, lineno=line) | ast.ClassDef(name=name, lineno=line):
                found.setdefault(name, line)
            case ast.AnnAssign(target=ast.Name(id=name), lineno=line):
                found.setdefault(name, line)
    return found


def linked(root: Path, text: str) -> tuple[str, set[str]]:
    """A page with its links to code led to pages of the site, and the files that they are of.

    A link to no file, or to no line of it, leads to a page that is not there: the build breaks.
    """
    files: set[str] = set()

    def target(file: str, fragment: str | None) -> str:
        path = root / file
        if not path.is_file():
            return f"({file})"
        line = 1
        if fragment is not None and re.fullmatch(r"L\d+", fragment):
            line = int(fragment[1:])
        elif fragment is not None:
            line = lines_of(path).get(fragment, 0)
        if not 1 <= line <= len(path.read_text(encoding="utf-8").splitlines()):
            return f"({file}#{fragment}.md)"
        files.add(file)
        return f"({SCHEME}:{file}#L-{line})"

    def link(match: re.Match[str]) -> str:
        return f"]{target(match[1], match[2])}"

    def cell(match: re.Match[str]) -> str:
        return f"[{match[0]}]{target(match[1], f'L{match[2]}')}"

    return CELL.sub(cell, LINK.sub(link, text)), files


def code_page(root: Path, file: str) -> dict[str, Any]:
    """What a page of code is made of."""
    shown = highlight(
        root.joinpath(file).read_text(encoding="utf-8"),
        PythonLexer(),
        HtmlFormatter(lineanchors="L", linenos="inline", anchorlinenos=True),
    )
    return {"title": file, "body": f"<h1>{escape(file)}</h1>\n{shown}"}


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    root = Path(__file__).parents[1]
    files: dict[str, set[str]] = {}

    def read(app: Any, name: str, source: list[str]) -> None:
        source[0], files[name] = linked(root, source[0])

    def pages(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
        for file in sorted(set().union(*files.values())):
            yield f"code/{file}", code_page(root, file), "page.html"

    app.connect("source-read", read)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": False}

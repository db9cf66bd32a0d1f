"""What an install without extras leaves out, and the command that installs it."""

from __future__ import annotations

from typing import Final

EXTRAS: Final = {
    "z3": "prove",
    "cvc5": "prove",
    "dratify": "prove",
    "bitwuzla": "prove",
    "networkx": "prove",
    "tree_sitter": "source",
    "tree_sitter_c": "source",
    "tree_sitter_rust": "source",
    "unidiff": "source",
    "jinja2": "report",
    "markupsafe": "report",
    "graphviz": "report",
    "distributed": "cluster",
}
"""Packages by the name they are imported by, and the least extra that brings each."""


def missing(error: ModuleNotFoundError, command: str | None) -> str | None:
    """The one line about a package that an extra would bring; None for any other."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    extra = "source" if command == "verify-source" else EXTRAS[package]
    what = "this" if command is None else command
    return f"{what} needs {package}: pip install 'slotproof[{extra}]'"

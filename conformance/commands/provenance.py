"""When a document was made, by which command line and which slotproof."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import click

WORDS: Final = "slotproof.words"
"""Where the command line keeps its words, for whoever runs under it."""


def made() -> dict[str, Any]:
    """The member `made` of a document: the time is UTC, to the second."""
    # Late: the command line imports this module for WORDS, however little it has to do.
    from importlib.metadata import version

    context = click.get_current_context(silent=True)
    words = [] if context is None else context.meta.get(WORDS, [])
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["slotproof", *words]),
        "version": version("slotproof"),
        "commit": commit(),
    }


@cache
def commit() -> str | None:
    """The commit that slotproof runs from, None where it is installed without its repository."""
    import subprocess

    home = Path(__file__).resolve().parents[2]
    if not (home / ".git").exists():
        return None
    words = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        told = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return told.stdout.strip()

"""An exception that nothing expected: one line, an exit code of its own, the rest in a file."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import traceback
from importlib.metadata import PackageNotFoundError, version
from typing import Final

EXIT_CODE: Final = 4
"""Neither 1, which says that a property fails, nor 2, which blames what was given."""


def told(error: Exception) -> int:
    """Say in one line on standard error that slotproof itself is wrong, and where the traceback
    was written; its exit code. Where no file can be written, the traceback follows the line."""
    trace = "".join(traceback.format_exception(error))
    last = " ".join(traceback.format_exception_only(error)[-1].split())
    head = f"slotproof: a defect of slotproof: {last}"
    try:
        handle, path = tempfile.mkstemp(prefix="slotproof-defect-", suffix=".txt")
        with os.fdopen(handle, "w") as file:
            file.write(f"{_about()}\n{trace}")
    except OSError:
        print(f"{head}\n{trace}", file=sys.stderr)
    else:
        print(f"{head}; its traceback is in {path}", file=sys.stderr)
    return EXIT_CODE


def _about() -> str:
    try:
        number = version("slotproof")
    except PackageNotFoundError:
        number = "not installed"
    return (
        f"$ {shlex.join(sys.argv)}\n"
        f"slotproof {number}, Python {platform.python_version()}, {platform.platform()}\n"
    )

"""Keeps failing traces: one file each, named by what is in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from conformance.trace import Trace, trace_text, write_trace

DIRECTORY = Path("slotproof-failures")
"""Where failing traces go if nothing else is said."""


def save(trace: Trace, directory: Path) -> Path:
    """Write the trace into `directory`, made if needed; equal traces share a file.

    Raises OSError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(trace_text(trace).encode()).hexdigest()[:16]
    path = directory / f"{digest}.jsonl"
    write_trace(trace, path)
    return path

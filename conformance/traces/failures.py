"""Keeps failing traces: one file each, named by what is in it."""

from __future__ import annotations

import hashlib
import os.path
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.traces.files import write_parts
from conformance.traces.trace import Trace, trace_lines

DIRECTORY = Path("slotproof-failures")
"""Where failing traces go if nothing else is said."""


def try_out(directory: Path) -> None:
    """Raise OSError where `save` could not make or fill `directory`; leave nothing behind."""
    place = directory.absolute()
    # A link that leads nowhere is in the way as much as a file is.
    there = next(path for path in (place, *place.parents) if os.path.lexists(path))
    with TemporaryDirectory(dir=there):
        pass


def save(trace: Trace, directory: Path) -> Path:
    """Write the trace into `directory`, made if needed; equal traces share a file.

    Raises OSError and CodecError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()

    def parts() -> Iterator[bytes]:
        for line in trace_lines(trace):
            digest.update(data := line.encode())
            yield data

    near = directory / "unfinished.jsonl"
    return write_parts(near, parts(), lambda: directory / f"{digest.hexdigest()[:16]}.jsonl")


def save_log(log: str, trace: Path) -> Path | None:
    """Write what a target left behind beside its failing trace; None where it cannot be written."""
    path = trace.with_suffix(".log")
    try:
        path.write_text(log, encoding="utf-8")
    except OSError:
        return None
    return path

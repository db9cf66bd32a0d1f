"""Keeps failing traces: one file each, named by its target and by what is in it."""

from __future__ import annotations

import hashlib
import os.path
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from conformance.traces.files import write_parts
from conformance.traces.trace import Trace, trace_lines

DIRECTORY = Path("slotproof-failures")
"""Where failing traces go if nothing else is said."""
_KEPT: Final = re.compile(r"-[0-9a-f]{8}-[0-9a-f]{16}\.jsonl$")
"""The end of the name of a trace that was kept."""


def try_out(directory: Path) -> None:
    """Raise OSError where `save` could not make or fill `directory`; leave nothing behind."""
    place = directory.absolute()
    # A link that leads nowhere is in the way as much as a file is.
    there = next(path for path in (place, *place.parents) if os.path.lexists(path))
    with TemporaryDirectory(dir=there):
        pass


def key(spec: str) -> str:
    """What the files of a target begin with: its kind and name, and a digest of all of it."""
    kind, _, rest = spec.partition(":")
    name = rest.partition("=")[0].partition(" ")[0].rpartition("/")[2]
    word = re.sub("[^A-Za-z0-9]+", "-", f"{kind}-{name}"[:40]).strip("-")
    return f"{word}-{hashlib.sha256(spec.encode()).hexdigest()[:8]}"


def kept(directory: Path, spec: str) -> list[Path]:
    """The traces that were kept of a target, and those that were put there by hand."""
    own = f"{key(spec)}-"
    files = sorted(directory.glob("*.jsonl"))
    return [file for file in files if file.name.startswith(own) or not _KEPT.search(file.name)]


def save(trace: Trace, directory: Path, spec: str) -> Path:
    """Write the trace, which failed on the target `spec`, into `directory`, made if needed; equal
    traces of a target share a file.

    Raises OSError and CodecError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()

    def parts() -> Iterator[bytes]:
        for line in trace_lines(trace):
            digest.update(data := line.encode())
            yield data

    near = directory / "unfinished.jsonl"
    return write_parts(
        near, parts(), lambda: directory / f"{key(spec)}-{digest.hexdigest()[:16]}.jsonl"
    )


def save_log(log: str, trace: Path) -> Path | None:
    """Write what a target left behind beside its failing trace; None where it cannot be written."""
    path = trace.with_suffix(".log")
    try:
        path.write_text(log, encoding="utf-8")
    except OSError:
        return None
    return path

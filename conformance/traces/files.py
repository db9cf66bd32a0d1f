"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name, then move it to its place. Raises OSError."""
    write_parts(path, [content], lambda: path)


def write_parts(near: Path, parts: Iterable[bytes], place: Callable[[], Path]) -> Path:
    """Write parts one by one into a file in the folder of `near`, then move it to its place, which
    is asked for when all were written. Raises OSError."""
    unfinished = near.with_name(f".{near.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        return unfinished.replace(place())
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise

"""Lists of host events against a driver, and files of what such a list showed.

A file is one JSON document: the device, the events, every record, and what was found. Sizes are
bytes.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from pathlib import Path
from typing import Final

import msgspec

from conformance.judge.driver.seen import Seen
from conformance.traces.files import write_whole

VERSION: Final = 1


class Do(Enum):
    """What the host does."""

    RESIZE = "resize"
    """Set the requested size, and go on at once: a second one meets requests under way."""
    SETTLE = "settle"
    """Give the driver time to come to rest, and look at it."""
    BUSY = "busy"
    """Begin a migration and hold it open: PLUG, UNPLUG and UNPLUG ALL are answered by BUSY."""
    END_BUSY = "end-busy"
    """Cancel that migration."""
    MIGRATE = "migrate"
    """Go on in another process, as the migration brought the guest there."""
    RESET = "reset"
    """Reset the machine; the guest boots again."""
    KEXEC = "kexec"
    """Have the guest start another kernel, which finds plugged what was plugged."""
    SUSPEND = "suspend"
    """Ask the guest to suspend to RAM, and wake it up."""
    FILL = "fill"
    """Have the guest write a file of that size in memory."""
    FREE = "free"
    """Have the guest delete these files."""
    SCRIBBLE = "scribble"
    """Write garbage into every unplugged block, which VIRTIO lets a device do."""


SIZED: Final = frozenset({Do.RESIZE, Do.FILL})


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event; `size` for those that have one."""

    do: Do
    size: int = 0

    def __str__(self) -> str:
        return f"{self.do.value} {self.size}" if self.do in SIZED else self.do.value


class Setup(msgspec.Struct, frozen=True):
    """The device of a run. `inaccessible`: it offers UNPLUGGED_INACCESSIBLE."""

    region: int
    block: int
    inaccessible: bool = True


class Found(msgspec.Struct, frozen=True):
    """What failed a run: a rule of VIRTIO, or how the guest ended (`died`, `hung`)."""

    what: str
    message: str


class Driven(msgspec.Struct, frozen=True):
    """A list of events and, once it was run, what was seen."""

    setup: Setup
    events: tuple[Event, ...]
    driver: str = ""
    seed: int | None = None
    seen: tuple[Seen, ...] = ()
    found: Found | None = None
    format: str = "slotproof driver run"
    version: int = VERSION


class DrivenError(ValueError):
    """A file that holds no run of a driver; the message is one line."""


def save_driven(run: Driven, directory: Path) -> Path:
    """Write a run into `directory`, made if needed; equal runs share a file. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n"
    path = directory / f"driver-{hashlib.sha256(content).hexdigest()[:16]}.json"
    write_whole(path, content)
    return path


def read_driven(path: Path) -> Driven:
    """The run in a file. Raises DrivenError."""
    try:
        run = msgspec.json.decode(path.read_bytes(), type=Driven)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DrivenError(f"{path}: {reason}: expected a readable file") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DrivenError(f"{path}: no run of a driver: {error}") from None
    if (run.format, run.version) != (Driven.__struct_defaults__[-2], VERSION):
        raise DrivenError(f"{path}: {run.format!r} {run.version}: expected version {VERSION}")
    return run

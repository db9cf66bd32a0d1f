"""Migration of a QEMU to a file and from it, with deadlines. Source: QEMU's qapi/migration.json.

A running migration makes virtio-mem busy, so one is held open ahead of its last step, where QEMU
waits for `migrate-continue` (capability pause-before-switchover). A bandwidth limit would not hold
it: the boot RAM is zeros, of which QEMU sends 256 MiB in two seconds whatever the limit. That wait
stops a guest that runs, and a QEMU before 8.2 that never ran the guest takes a cancelled one for
the end of a migration: there the program that QEMU writes to does not read before it is told to.
Memory that is full, as that of a Linux guest, is held by a bandwidth limit.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.targets.qemu.process import QemuError, QemuProcess

_HELD: Final = "pre-switchover"
"""The status of a migration that waits to be continued."""
_SLOW: Final = 1000
"""Bytes a second, of a guest's many MiB."""
_UNLIMITED: Final = 0
_RUNNING: Final = frozenset({"setup", "active", _HELD, "device", "cancelling"})
_DEADLINE: Final = 60.0
"""Seconds; a migration of 16 GiB takes about 3."""
_POLL: Final = 0.002
"""Seconds between two looks at a migration."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The file that a migration goes through, alone in its directory with what belongs to it.

    `piped`: by a program, for a QEMU before 8.2, which cannot open a file itself, and for a guest
    that is to go on; it reads nothing while `gate` is missing and the directory is there.
    `running`: a guest whose memory is full runs, and is to go on.
    """

    path: Path
    piped: bool
    running: bool = False

    @property
    def sink(self) -> str:
        """Where to, as a migration URI."""
        if not self.piped:
            return f"file:{self.path}"
        places = (self.path.parent, self.gate, self.path)
        directory, gate, path = (shlex.quote(str(place)) for place in places)
        wait = f"while [ -d {directory} ] && [ ! -e {gate} ]; do sleep 0.01; done"
        return f"exec:{wait}; cat > {path}"

    @property
    def gate(self) -> Path:
        """The file whose being there lets the program read."""
        return self.path.with_suffix(".gate")

    @property
    def source(self) -> str:
        """Where from, as a migration URI."""
        return f"exec:cat {shlex.quote(str(self.path))}" if self.piped else f"file:{self.path}"


def start(source: QemuProcess, stream: Stream) -> None:
    """Begin a migration to `stream` and hold it open; one that already runs goes on."""
    if _status(source) in _RUNNING:
        return
    _begin(source, stream, hold=True)
    # On the way there QEMU stops a machine that was suspended meanwhile.
    _wait(source, {"active", _HELD} if stream.piped or stream.running else {_HELD})


def cancel(source: QemuProcess, stream: Stream) -> None:
    """End a running migration; without one nothing happens."""
    if _status(source) in _RUNNING:
        # QEMU waits for the program to end, now and then before it answers; until all of the boot
        # RAM were read, which takes two seconds, the migration is cancelled.
        stream.gate.touch()
        source.qmp("migrate_cancel")
        _wait(source, {"cancelled"})


def finish(source: QemuProcess, stream: Stream) -> None:
    """Write `stream` to its end: that of the migration that runs, or else of a new one."""
    if _status(source) not in _RUNNING:
        _begin(source, stream, hold=False)
    elif stream.piped or stream.running:
        stream.gate.touch()
        source.qmp("migrate-set-parameters", {"max-bandwidth": _UNLIMITED})
    else:
        _wait(source, {_HELD})
        source.qmp("migrate-continue", {"state": _HELD})
    _wait(source, {"completed"})


def load(destination: QemuProcess, stream: Stream) -> None:
    """Read a finished `stream` into a QEMU that was started with `-incoming defer`."""
    destination.qmp("migrate-incoming", {"uri": stream.source})
    _wait(destination, {"completed"})


def _begin(source: QemuProcess, stream: Stream, *, hold: bool) -> None:
    if hold:
        stream.gate.unlink(missing_ok=True)
    else:
        stream.gate.touch()
    paused = hold and not stream.piped and not stream.running
    pause = {"capability": "pause-before-switchover", "state": paused}
    source.qmp("migrate-set-capabilities", {"capabilities": [pause]})
    bandwidth = _SLOW if hold and stream.running else _UNLIMITED
    source.qmp("migrate-set-parameters", {"max-bandwidth": bandwidth})
    source.qmp("migrate", {"uri": stream.sink})


def _status(process: QemuProcess) -> str | None:
    """The last migration's status; None where there was none."""
    status = process.qmp("query-migrate").get("status")
    return None if status is None else str(status)


def _wait(process: QemuProcess, wanted: set[str]) -> None:
    """Wait for one of the statuses. Raises QemuError if it cannot come any more, or is late."""
    deadline = time.monotonic() + _DEADLINE
    while (status := _status(process)) not in wanted:
        if status not in _RUNNING and status is not None:
            raise QemuError(f"the migration is {status}, not {' or '.join(sorted(wanted))}")
        if time.monotonic() > deadline:
            raise process.error(f"the migration is {status} after {_DEADLINE:g} s", late=True)
        time.sleep(_POLL)

"""The memslots that KVM is told of, as `strace` sees them.

A VMM starts under a tracer that sees all of its threads. Then another one takes over that leaves
the threads alone which run the guest, as those stop at every exit.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.targets.driver.bus import DriverError

_SET: Final = re.compile(
    r"KVM_SET_USER_MEMORY_REGION2?, \{slot=(\w+), flags=[^,]*, guest_phys_addr=(\w+), "
    r"memory_size=(\w+), userspace_addr=(\w+)[^}]*\}"
)
_RESULT: Final = re.compile(r"= (-?\d+)(?: .*)?$")
_THREAD: Final = re.compile(r"(?:\[pid +)?(\d+)\]? +")
_SPACE: Final = 16
"""A slot number's bits from here on name the address space; 0 is the usual one."""
_SECONDS: Final = 5.0
_POLL: Final = 0.002


@dataclass(frozen=True, slots=True)
class Memslot:
    """Guest physical [addr, addr + size) is the VMM's own memory from `host` on; all in bytes."""

    addr: int
    size: int
    host: int


class Memslots:
    """What KVM holds after the calls that were read so far; `ever` holds all there were."""

    def __init__(self) -> None:
        self._now: dict[int, Memslot] = {}
        self._calls: dict[str, tuple[int, Memslot]] = {}
        self.ever: set[Memslot] = set()
        self.changes = 0

    @property
    def now(self) -> list[Memslot]:
        """The memslots in ascending order."""
        return sorted(self._now.values(), key=lambda slot: slot.addr)

    def read(self, text: str) -> None:
        """Take note of whole lines of a tracer."""
        for line in text.splitlines():
            thread = match[1] if (match := _THREAD.match(line)) else ""
            if call := _SET.search(line):
                number, addr, size, host = (int(part, 0) for part in call.groups())
                if line.endswith("<unfinished ...>"):
                    self._calls[thread] = number, Memslot(addr, size, host)
                else:
                    self._done(number, Memslot(addr, size, host), line)
            elif "ioctl resumed>" in line and thread in self._calls:
                self._done(*self._calls.pop(thread), line)

    def _done(self, number: int, slot: Memslot, line: str) -> None:
        result = _RESULT.search(line)
        if result is None or int(result[1]) or number >> _SPACE:
            return
        self.changes += 1
        if slot.size:
            self._now[number] = slot
            self.ever.add(slot)
        else:
            self._now.pop(number, None)


def tracer() -> str | None:
    """The program, None where there is none."""
    return shutil.which("strace")


class Watch:
    """Watches one VMM: `prefix` starts it, `settle` once it runs, and then `slots` at any time."""

    def __init__(self, directory: Path) -> None:
        self._logs = [directory / "start", directory / "run"]
        self._offsets = [0, 0]
        self._memslots = Memslots()
        self._tracer: subprocess.Popen[bytes] | None = None

    @property
    def prefix(self) -> list[str]:
        """The tracer as a program that becomes the VMM: the tracing is done by a grandchild."""
        return ["strace", "-D", "-f", *_options(self._logs[0])]

    def settle(self, pid: int, vcpu: str) -> None:
        """Watch no longer the threads with `vcpu` in their names. Raises DriverError."""
        with suppress(ProcessLookupError):
            os.kill(_traced_by(pid, pid), signal.SIGINT)
        threads = [
            int(task.name)
            for task in Path(f"/proc/{pid}/task").iterdir()
            if vcpu not in (task / "comm").read_text().lower()
        ]
        _wait(lambda: all(not _traced_by(pid, thread) for thread in threads), "let go")
        attach = [word for thread in threads for word in ("-p", str(thread))]
        self._tracer = subprocess.Popen(
            ["strace", *_options(self._logs[1]), *attach],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _wait(lambda: all(_traced_by(pid, thread) for thread in threads), "attach")

    def memslots(self) -> Memslots:
        """What KVM was told until now."""
        for number, path in enumerate(self._logs):
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(self._offsets[number])
                data = file.read()
                whole = data[: data.rfind(b"\n") + 1]
                self._offsets[number] += len(whole)
                self._memslots.read(whole.decode(errors="replace"))
        return self._memslots

    def close(self) -> None:
        """Stop tracing."""
        if self._tracer is not None:
            self._tracer.kill()
            self._tracer.wait()
            self._tracer = None


def _options(log: Path) -> list[str]:
    return ["-I2", "-qq", "-e", "trace=ioctl", "-e", "signal=none", "-o", str(log)]


def _traced_by(pid: int, thread: int) -> int:
    """The tracer of a thread, 0 for none."""
    status = Path(f"/proc/{pid}/task/{thread}/status").read_text()
    return int(re.findall(r"TracerPid:\s+(\d+)", status)[0])


def _wait(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise DriverError(f"strace did not {what} within {_SECONDS:g} s")
        time.sleep(_POLL)

"""The memslots that KVM is told of, as `strace` sees them.

A VMM starts under a tracer that sees all of its threads. Then another one takes over that leaves
the threads alone which run the guest, as those stop at every exit.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.targets.tracing import options_for, threads_of, traced, traced_by, wait
from model.state import Faults

_SET: Final = re.compile(
    r"KVM_SET_USER_MEMORY_REGION2?, \{slot=(\w+), flags=[^,]*, guest_phys_addr=(\w+), "
    r"memory_size=(\w+), userspace_addr=(\w+)[^}]*\}"
)
_RESULT: Final = re.compile(r"= (-?\d+)(?: .*)?$")
_THREAD: Final = re.compile(r"(?:\[pid +)?(\d+)\]? +")
_SPACE: Final = 16
"""A slot number's bits from here on name the address space; 0 is the usual one."""


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
            if own := traced_by(pid, pid):
                os.kill(own, signal.SIGINT)
        threads = threads_of(pid, vcpu)
        wait(lambda: all(not traced_by(pid, thread) for thread in threads), "let go")
        self._follow(pid, threads)

    def _follow(self, pid: int, threads: list[int]) -> None:
        attach = [word for thread in threads for word in ("-p", str(thread))]
        self._tracer = subprocess.Popen(
            ["strace", *_options(self._logs[-1]), *attach],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait(lambda: all(traced_by(pid, thread) != 0 for thread in threads), "attach")

    @contextmanager
    def failing(self, pid: int, vcpu: str, faults: Faults[bool]) -> Iterator[None]:
        """Have host operations fail, and watch all the same. Raises DriverError."""
        threads = threads_of(pid, vcpu)
        self.close()
        wait(lambda: all(not traced_by(pid, thread) for thread in threads), "let go")
        with traced(pid, threads, [*_options(self._log("failing")), *options_for(faults)]):
            yield
        wait(lambda: all(not traced_by(pid, thread) for thread in threads), "let go")
        self._log("run")
        self._follow(pid, threads)

    def _log(self, name: str) -> Path:
        """A further log, which is read from its start on."""
        path = self._logs[0].with_name(f"{name}-{len(self._logs)}")
        self._logs.append(path)
        self._offsets.append(0)
        return path

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
            self._tracer.send_signal(signal.SIGINT)
            self._tracer.wait()
            self._tracer = None


def _options(log: Path) -> list[str]:
    return ["-I2", "-qq", "-e", "trace=ioctl", "-e", "signal=none", "-o", str(log)]

"""One list of events on one Linux guest, and what is seen of its driver meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from conformance.judge.driver.ledger import Ledger, Region
from conformance.judge.driver.seen import (
    Asked,
    Began,
    Features,
    Memory,
    Rested,
    Seen,
    Suspend,
)
from conformance.targets.linux.guest import Guest
from conformance.targets.linux.machine import CONFIG_WRITES
from conformance.targets.qemu.migration import Stream, cancel, finish, start
from conformance.traces.driven import Do, Event

WINDOWS: Final = (1, 1, 60, 100, 200, 300)
"""Seconds of guest time that a driver is given, one after the other, until it has reached the
requested size and asks for nothing. Linux asks again after 50 s to 5 min
(VIRTIO_MEM_RETRY_TIMER_MIN_MS and _MAX_MS)."""
BUSY_WINDOWS: Final = (1, 60)
"""The same while the device can do nothing."""
_LOOKS: Final = 5
"""How often the memory is looked at until no request comes in between."""


class Play:
    """`seen` grows as it goes; `bring` gives a guest that a migration stream brings."""

    def __init__(
        self, guest: Guest, region: Region, bring: Callable[[Stream], Guest], place: Path
    ) -> None:
        self.guest = guest
        self.seen: list[Seen] = []
        self.told = ""
        self._ledger = Ledger(region)
        self._bring = bring
        self._stream = Stream(place / "migration", piped=False, running=True)
        self._busy = self._kexeced = False
        self._files = self._tried = 0
        self._fresh = True
        """No events since the driver last came to rest."""

    def start(self) -> None:
        """Load the driver."""
        self._load()

    def take(self, event: Event) -> None:
        """Carry out one event. Raises TargetError and QemuError."""
        self._fresh = False
        steps: dict[Do, Callable[[], None]] = {
            Do.SETTLE: self._settle,
            Do.BUSY: self._hold,
            Do.END_BUSY: self._release,
            Do.MIGRATE: self._migrate,
            Do.RESET: self._reset,
            Do.KEXEC: self._kexec,
            Do.SUSPEND: self._suspend,
            Do.FREE: self._free,
            Do.SCRIBBLE: self._scribble,
        }
        if event.do is Do.RESIZE:
            self.guest.request(event.size)
        elif event.do is Do.FILL:
            self._fill(event.size)
        else:
            steps[event.do]()
        self._read()

    def end(self) -> None:
        """Let the driver come to rest, and ask the guest's kernel what it told of it."""
        self._release()
        if not self._fresh:
            self._settle()
        self.told = self.guest.do("told")[1]
        self.guest.check()

    def close(self) -> None:
        """End the guest."""
        self.guest.close()
        self._stream.path.unlink(missing_ok=True)

    def _read(self) -> bool:
        """Take in what the log tells; whether that was anything of a request."""
        new = self.guest.log.new()
        for record in new:
            self._see(record)
        return any(isinstance(record, Asked) for record in new)

    def _see(self, record: Seen) -> None:
        self.seen.append(record)
        self._ledger = self._ledger.after(record)

    def _load(self) -> None:
        self.guest.trace(CONFIG_WRITES, wanted=True)
        self.guest.do("load")
        self._read()
        self._see(Features(*self.guest.features()))

    def _settle(self) -> None:
        given = 0
        for seconds in BUSY_WINDOWS if self._busy else WINDOWS:
            self.guest.do(f"sleep {seconds}")
            given += seconds
            asked = self._read() or self.guest.log.pending is not None
            if not asked and self._ledger.size == self._ledger.requested:
                break
        self.guest.check()
        self._look()
        tried = int(self.guest.do("tried")[1])
        used = int(self.guest.do(f"used {self._ledger.region.addr}")[1])
        intact = self.guest.do("md5sum -cs /tmp/sums")[0] == 0 if self._files else None
        self._see(Rested(given, tried != self._tried, used, intact))
        self._tried, self._fresh = tried, True

    def _look(self) -> None:
        """Look at the memory of unplugged blocks while no request changes which these are."""
        for _ in range(_LOOKS):
            self._read()
            found = self.guest.memory.touched(self._ledger)
            if not self._read() and self.guest.log.pending is None:
                self._see(Memory(found))
                return

    def _hold(self) -> None:
        start(self.guest.process, self._stream)
        self._busy = True

    def _release(self) -> None:
        if self._busy:
            cancel(self.guest.process, self._stream)
            self._busy = False

    def _migrate(self) -> None:
        finish(self.guest.process, self._stream)
        self._busy = False
        self._read()
        old, self.guest = self.guest, self._bring(self._stream)
        old.close()
        self.guest.trace(CONFIG_WRITES, wanted=True)

    def _reset(self) -> None:
        self._anew("reset", lambda: self.guest.process.qmp("system_reset"))
        self._kexeced = False

    def _kexec(self) -> None:
        # The kernel that was started so has no third one to start.
        if not self._kexeced:
            self._anew("kexec", lambda: self.guest.tell("kexec"))
            self._kexeced = True

    def _anew(self, by: str, begin: Callable[[], object]) -> None:
        """Another guest's kernel takes over."""
        self.guest.trace(CONFIG_WRITES, wanted=False)
        self._read()
        self._see(Began(by))
        begin()
        self.guest.wait_up()
        self._files = self._tried = 0
        self._load()

    def _suspend(self) -> None:
        self.guest.tell("echo mem > /sys/power/state")
        done = False
        while not done and not self.guest.answered():
            done = self.guest.process.qmp("query-status")["status"] == "suspended"
        self._read()
        self._see(Suspend(done))
        if done:
            self.guest.process.qmp("system_wakeup")
        self.guest.told()

    def _fill(self, size: int) -> None:
        self._files += 1
        file = f"/tmp/file{self._files}"
        make = f"head -c {size} /dev/urandom > {file}"
        self.guest.do(f"{make} && md5sum {file} >> /tmp/sums || rm -f {file}")

    def _free(self) -> None:
        self.guest.do("rm -f /tmp/file* /tmp/sums")
        self._files = 0

    def _scribble(self) -> None:
        # A block that is plugged meanwhile would be a guest's own.
        self.guest.process.qmp("stop")
        self._read()
        if self.guest.log.pending is None:
            self.guest.memory.scribble(self._ledger)
        self.guest.process.qmp("cont")

"""A VMM's process with the bare guest in it, and what a VMM has to say about itself."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from conformance.targets.driver.bus import DriverError
from conformance.targets.driver.registers import Transport
from conformance.targets.leash import leashed
from conformance.targets.limits import Limits
from conformance.targets.vmm.line import Line
from model.state import Answer, Config

BOOT_RAM: Final = 128 << 20
"""Bytes of ordinary memory at address 0."""
_STOP_SECONDS: Final = 2.0
ASKED: Final = 30.0
"""Seconds for a program to say its version, or a library what it has."""
_START_SECONDS: Final = 60.0
"""Until a socket of the VMM's is there, or the guest speaks."""
_LOG_LIMIT: Final = 1 << 16
"""Bytes of a log, the last ones."""
_POLL: Final = 0.01


def program(name: str, path: str | None) -> Path:
    """The VMM's program. Raises DriverError, also where there is no KVM."""
    if path is None:
        raise DriverError(f"no registry has {name}: expected vmm:{name}=PATH")
    found = shutil.which(path)
    if found is None:
        raise DriverError(f"{path}: no such program: expected vmm:{name}=PATH")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise DriverError(f"{name} needs /dev/kvm, which cannot be opened here")
    try:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=ASKED)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        said = None
    if said is None or name.replace("-", "") not in said.stdout.lower().replace("-", ""):
        raise DriverError(f"{path} does not say that it is {name}: expected vmm:{name}=PATH")
    return Path(found)


class Machine:
    """A started VMM. The constructor raises DriverError and leaves nothing running then.

    `prefix` is a program that runs the VMM in its own place, such as a tracer.
    """

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self._prefix = list(prefix)
        self._stack = ExitStack()
        directory = TemporaryDirectory(prefix="slotproof-vmm-")
        self.directory = Path(self._stack.enter_context(directory))
        try:
            self.line = self.started()
            self.hello = self.line.hello(_START_SECONDS)
        except BaseException:
            self._stack.close()
            raise

    def started(self) -> Line:
        """Start the VMM and the guest in it; the line to it."""
        raise NotImplementedError

    def transport(self) -> Transport:
        """Where the guest finds the device."""
        raise NotImplementedError

    def resize(self, requested: int) -> Answer:
        """Ask for a requested size (bytes): DONE or REFUSED."""
        raise NotImplementedError

    def system_reset(self) -> None:
        """Reset the machine; the guest starts anew. Only where the VMM can."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The VMM's process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """The process is gone."""
        return self._process.poll() is not None

    def fate(self) -> str | None:
        """How the VMM ended, None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        return f"the VMM ended with {how}{self._last_words()}"

    def log(self) -> str:
        """What the VMM wrote, the end of it."""
        path = self.directory / "log"
        with suppress(OSError):
            return path.read_bytes()[-_LOG_LIMIT:].decode(errors="replace")
        return ""

    def close(self) -> None:
        """End the VMM, whatever state it is in."""
        self._stack.close()

    def spawn(
        self,
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start the process; what it writes goes to the log but for a `stdout` given."""
        with (self.directory / "log").open("wb") as log:
            try:
                self._process, self._leash = leashed(
                    [*self._prefix, *command],
                    stdin=stdin,
                    stdout=log if stdout is None else stdout,
                    stderr=log,
                    pass_fds=pass_fds,
                    env=os.environ | {"RUST_BACKTRACE": "0"},
                )
            except OSError as error:
                raise DriverError(f"cannot start {command[0]}: {error.strerror}") from None
        self._stack.callback(self._reap)

    def keep(self, close: Callable[[], None]) -> None:
        """Call this when the machine ends."""
        self._stack.callback(close)

    def wait_for(self, path: Path) -> None:
        """Wait until the VMM has made a file. Raises DriverError."""
        self._until(path.exists, f"make {path.name}")

    def connected(self, path: Path) -> socket.socket:
        """A connection to a socket of the VMM's; the caller closes it. Raises DriverError."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            self._until(lambda: connection.connect_ex(str(path)) == 0, f"listen on {path.name}")
        except DriverError:
            connection.close()
            raise
        return connection

    def _until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not done():
            if (fate := self.fate()) is not None:
                raise DriverError(fate)
            if time.monotonic() > deadline:
                raise DriverError(f"the VMM did not {what} within {_START_SECONDS:g} s")
            time.sleep(_POLL)

    def _last_words(self) -> str:
        lines = [line.strip() for line in self.log().splitlines() if line.strip()]
        return f": {lines[-1][:300]}" if lines else ""

    def _reap(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._leash.let_go()


@dataclass(frozen=True, slots=True)
class Vmm:
    """A VMM that can be started.

    `capabilities` are what can be asked of it and seen of it.
    """

    name: str
    limits: Limits
    capabilities: frozenset[str]
    start: Callable[[Config, Sequence[str]], Machine]
    slot: Callable[[Config], int]
    """Bytes of a memslot of the device's; the last one may be smaller."""
    one_each: bool = False
    """Its device wants a request and a response in one descriptor each."""
    unplugged_inaccessible: bool = True
    """The device offers VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE."""
    vcpu: str = "vcpu"
    """What the names of the threads that run the guest hold."""
    failing: frozenset[str] = frozenset()
    """The capabilities of host operations that can be made to fail, and that the device carries out
    as `conformance.targets.tracing` knows."""

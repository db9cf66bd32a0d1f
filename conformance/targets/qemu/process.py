"""One QEMU process with its QMP session and its qtest socket, started, watched and reaped."""

import contextlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from qemu.qmp import ExecuteError, QMPError

from conformance.targets.driver.bus import DriverError, DriverLate
from conformance.targets.leash import leashed
from conformance.targets.qemu.monitor import QmpMonitor
from conformance.targets.target import PERSISTENT
from conformance.targets.working import Deadline
from model.state import Op

_PROGRAM = "qemu-system-x86_64"
_HOW_TO_GET = "on Debian 12: apt-get install -t bookworm-backports qemu-system-x86 (10.0)"
_PROBE_TIMEOUT = 30.0
_STOP_TIMEOUT = 2.0
_LOG_LIMIT = 1 << 16
"""Bytes of standard error kept in a log, the last ones."""
_EXIT_GRACE = 1.0
"""Seconds between QEMU's sockets closing and its exit status being there, at most."""


class QemuError(DriverError):
    """QEMU is missing, refused its arguments, exited, crashed or did not answer in time.

    `log` is the command line, how QEMU ended and what it wrote to standard error, where one ran.
    """


class QemuLate(QemuError, DriverLate):
    """QEMU runs on and did not answer in time."""


class QmpRefused(QemuError):
    """QEMU answered a QMP command with an error; it runs on and can be used."""


def find_qemu(path: str | None = None, *, memslots: bool = True) -> Path:
    """The QEMU at `path` (a file, or a name on PATH), by default `qemu-system-x86_64`.

    Raises `QemuError` when there is none, when it has no virtio-mem, or when that has no
    `dynamic-memslots` (QEMU 8.2 was the first to have it) and `memslots` are wanted.
    """
    name = path or _PROGRAM
    found = shutil.which(name)
    if found is None:
        raise QemuError(f"no QEMU found as {name!r}; {_HOW_TO_GET}")
    help = _probe(found, "-device", "virtio-mem-pci,help")
    if "block-size" not in help:
        raise QemuError(f"{found} has no virtio-mem-pci; {_HOW_TO_GET}")
    if memslots and "dynamic-memslots" not in help:
        raise QemuError(
            f"{found} has no virtio-mem-pci with dynamic-memslots: QEMU 8.2 or later is needed; "
            f"{_HOW_TO_GET}"
        )
    return Path(found)


_VERSION: Final = re.compile(r"QEMU emulator version ((\d+)\S*)")


def has_memslots(binary: Path) -> bool:
    """Its virtio-mem has `dynamic-memslots`. Raises `QemuError`."""
    return "dynamic-memslots" in _probe(str(binary), "-device", "virtio-mem-pci,help")


def qemu_version(binary: Path) -> str:
    """The version number that `binary` gives for itself, such as `10.0.2`; else `QemuError`."""
    match = _VERSION.search(_probe(str(binary), "--version"))
    if match is None:
        raise QemuError(f"{binary} does not say which QEMU version it is")
    return match[1]


def lacking(binary: Path) -> frozenset[str]:
    """The operations that its machines do not survive, and what its device has not. Raises
    `QemuError`.

    Measured 2026-11-28: 10.0.2 and 11.1.3 do them all; 7.2 aborts where a machine that never ran is
    suspended ("invalid runstate transition: 'prelaunch' -> 'suspended'"), and where a virtio-mem is
    unplugged (memory_region_set_ram_discard_manager), and offers no PERSISTENT_SUSPEND. Those
    between were not at hand, and are not asked; nor is one of no version.
    """
    match = _VERSION.search(_probe(str(binary), "--version"))
    recent = match is not None and int(match[2]) >= 10
    return frozenset() if recent else frozenset({Op.WAKE_UP.value, Op.UNREALIZE.value, PERSISTENT})


def _probe(binary: str, *args: str) -> str:
    try:
        run = subprocess.run(
            [binary, *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QemuError(f"cannot run {binary}: {error}") from error
    return run.stdout


class QemuProcess:
    """Context manager around one QEMU. One thread at a time may use it; several may run at once.

    `args` is the command line without `-qmp` and `-qtest`, which are added. Timeouts are seconds:
    `start_timeout` until QMP and qtest are up, `call_timeout` for any QMP command that gives none.
    """

    _monitor: QmpMonitor
    _process: subprocess.Popen[bytes]
    _stderr: Path
    _cleanup: contextlib.ExitStack
    qtest_channel: socket.socket
    """The accepted qtest connection, for `QtestSocket`."""

    def __init__(
        self,
        binary: Path,
        args: Sequence[str],
        *,
        start_timeout: float = 30.0,
        call_timeout: float = 10.0,
    ) -> None:
        self._binary = binary
        self._args = tuple(args)
        self._start_timeout = start_timeout
        self._call_timeout = call_timeout

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            directory = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="slotproof-qemu-"))
            )
            try:
                self._monitor = QmpMonitor(directory / "qmp")
                stack.callback(self._monitor.close)
                listener = stack.enter_context(socket.socket(socket.AF_UNIX))
                listener.bind(str(directory / "qtest"))
                listener.listen(1)
            except (OSError, QMPError) as error:
                raise QemuError(f"cannot listen for QEMU in {directory}: {error}") from error
            self._spawn(directory)
            stack.callback(self._reap)
            self._connect(listener)
            stack.callback(self.qtest_channel.close)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """The process is gone."""
        return self._process.poll() is not None

    def qmp(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Run a QMP command and return its value (JSON types).

        Raises `QmpRefused` for an error answer, `QemuError` when QEMU is gone or silent.
        """
        limit = self._call_timeout if timeout is None else timeout
        try:
            return self._monitor.execute(command, arguments or {}, Deadline(self.pid, limit))
        except ExecuteError as error:
            raise QmpRefused(f"QMP {command}: {error}") from error
        except TimeoutError as error:
            raise self.error(
                f"QMP {command} had no answer within {limit:g} s", late=True
            ) from error
        except (QMPError, EOFError, OSError) as error:
            raise self.error(f"QMP {command} failed, connection lost", lost=True) from error

    def wait_event(self, name: str, timeout: float) -> dict[str, Any]:
        """The next QMP event called `name` not handed out yet; events before it are dropped."""
        try:
            return self._monitor.wait_event(name, Deadline(self.pid, timeout))
        except TimeoutError as error:
            raise self.error(f"no QMP event {name} within {timeout:g} s", late=True) from error
        except EOFError as error:
            raise self.error(f"no QMP event {name}, connection lost", lost=True) from error

    def error(self, what: str, *, lost: bool = False, late: bool = False) -> QemuError:
        """`what` went wrong, as one line with QEMU's exit status and its last line on stderr.

        `lost` says a connection was closed by QEMU, so its exit status is worth a short wait;
        `late` that QEMU did not answer in time, a `QemuLate` if it still runs.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_GRACE if lost else 0)
        status = self._process.returncode
        kind = QemuLate if late and status is None else QemuError
        words = self._words()
        last = next((line.strip() for line in reversed(words.split("\n")) if line.strip()), None)
        said = "nothing on stderr" if last is None else f"last line on stderr: {last}"
        error = kind(f"{what}; {_fate(status)}; {said}")
        error.log = f"$ {shlex.join(self._command)}\n{what}; {_fate(status)}\n{words}"
        return error

    def _spawn(self, directory: Path) -> None:
        self._stderr = directory / "stderr"
        self._command = [str(self._binary), *self._args]
        self._command += ["-qmp", f"unix:{directory / 'qmp'}"]
        # Without a log file of its own, qtest logs every command to stderr.
        self._command += ["-qtest", f"unix:{directory / 'qtest'}", "-qtest-log", "none"]
        try:
            with self._stderr.open("wb") as log:
                # In a session of its own, Ctrl-C ends the caller and not QEMU under its feet.
                self._process, self._leash = leashed(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                )
        except OSError as error:
            raise QemuError(f"cannot start {self._binary}: {error.strerror}") from error

    def _connect(self, listener: socket.socket) -> None:
        what = f"{self._binary.name} did not start"
        try:
            self._monitor.accept(Deadline(self.pid, self._start_timeout), lambda: self.ended)
            listener.settimeout(self._start_timeout)
            self.qtest_channel, _ = listener.accept()
        except TimeoutError as error:
            raise self.error(f"{what} within {self._start_timeout:g} s", late=True) from error
        except (QMPError, EOFError, OSError) as error:
            raise self.error(what, lost=True) from error

    def _reap(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._leash.let_go()

    def _words(self) -> str:
        """What QEMU wrote to standard error, the end of it."""
        try:
            return self._stderr.read_bytes()[-_LOG_LIMIT:].decode(errors="replace")
        except OSError:
            return ""


def _fate(status: int | None) -> str:
    """An exit status as `subprocess` reports it (negative: a signal), in words."""
    if status is None:
        return "QEMU is still running"
    if status < 0:
        return f"QEMU was ended by {signal.Signals(-status).name}"
    return f"QEMU exited with status {status}"

"""One QEMU with a Linux guest in it: its agent, its console, its log."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Final

from conformance.judge.finding import Kind
from conformance.targets.linux import machine
from conformance.targets.linux.initramfs import DONE, UP
from conformance.targets.linux.log import LogReader
from conformance.targets.linux.memory import GuestFile
from conformance.targets.qemu.machine import DEVICE_ID
from conformance.targets.qemu.process import QemuProcess
from conformance.targets.target import TargetError
from conformance.targets.working import spent
from conformance.traces.driven import Setup

_MOST: Final = 120.0
"""Seconds of this machine's processor without a word from the agent: the guest hangs. It idles
through any wait at once."""
_STILL: Final = 240.0
"""Seconds in which QEMU does nothing at all: the guest hangs as well. That this machine has much
else to do is no reason to say so."""
_CALL: Final = 60.0
"""Seconds for one command to QEMU."""
_LOOK: Final = 0.5
"""Seconds between two looks at the console meanwhile."""
_FALLS: Final = ("Kernel panic", "BUG:", "Oops", "WARNING:", "general protection fault")
"""What Linux writes to its console where its own state is wrong."""
BACKEND: Final = f"/machine/peripheral/{DEVICE_ID}/virtio-backend"
"""The virtio device of the function, by its path in QEMU."""


class Guest:
    """Context manager; `incoming`: the guest is to come by a migration."""

    def __init__(
        self, binary: Path, kernel: Path, initramfs: Path, setup: Setup, *, incoming: bool = False
    ) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="slotproof-guest-"))
        args = machine.guest_args(kernel, initramfs, setup, self._place)
        args += ["-incoming", "defer"] * incoming
        self.process = QemuProcess(binary, args, start_timeout=_STILL, call_timeout=_CALL)
        self._said = b""
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self._place, ignore_errors=True)
            stack.enter_context(self.process)
            self._agent = stack.enter_context(socket.socket(socket.AF_UNIX))
            self._agent.connect(str(machine.agent(self._place)))
            self._agent.settimeout(_LOOK)
            self.memory = GuestFile(self.process.pid)
            stack.callback(self.memory.close)
            self.log = LogReader(machine.log(self._place))
            self._cleanup = stack.pop_all()

    def close(self) -> None:
        """End it."""
        self._cleanup.close()

    def wait_up(self) -> str:
        """Wait for the agent of a guest that boots; the release of its kernel."""
        self._until(UP)
        return self._until("\n").strip()

    def do(self, command: str) -> tuple[int, str]:
        """Have the agent carry out a line of shell: how it ended, and what it wrote."""
        self.tell(command)
        return self.told()

    def tell(self, command: str) -> None:
        """Give the agent a line of shell, and wait for nothing."""
        self._agent.sendall(f"{command}\n".encode())

    def told(self) -> tuple[int, str]:
        """What became of the line of shell."""
        text = self._until(DONE)
        return int(self._until("\n")), text.removesuffix(DONE)

    def answered(self) -> bool:
        """The line of shell ended already."""
        with contextlib.suppress(TimeoutError):
            self._receive(_LOOK / 10)
        return DONE.encode() in self._said

    def request(self, size: int) -> None:
        """Set the requested size."""
        where = {"path": f"/machine/peripheral/{DEVICE_ID}", "property": "requested-size"}
        self.process.qmp("qom-set", {**where, "value": size})

    def features(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The features of the memory device that it offers and that the driver accepted."""
        status = self.process.qmp("x-query-virtio-status", {"path": BACKEND})
        offered, accepted = (
            device_bits(status[name]) for name in ("host-features", "guest-features")
        )
        return offered, accepted

    def trace(self, event: str, *, wanted: bool) -> None:
        """Write an event to the log from now on, or no more."""
        self.process.qmp("trace-event-set-state", {"name": event, "enable": wanted})

    def check(self) -> None:
        """Raise TargetError where the guest's console says that it fell over."""
        for line in self.console().splitlines():
            if any(word in line for word in _FALLS):
                raise TargetError(Kind.DIED, f"the guest's kernel: {line.strip()}")

    def console(self) -> str:
        """What the guest's kernel wrote to its console."""
        return machine.console(self._place).read_text(errors="replace")

    def _until(self, words: str) -> str:
        """What the agent says up to some words. Raises TargetError."""
        wanted, patience = words.encode(), Patience(self.process.pid)
        while wanted not in self._said:
            try:
                self._receive(_LOOK)
            except TimeoutError:
                self.check()
                if (hangs := patience.over()) is not None:
                    raise TargetError(Kind.HUNG, hangs, self.console()) from None
        at = self._said.index(wanted) + len(wanted)
        text, self._said = self._said[:at], self._said[at:]
        return text.decode(errors="replace")

    def _receive(self, seconds: float) -> None:
        self._agent.settimeout(seconds)
        data = self._agent.recv(1 << 16)
        if not data:
            raise self.process.error("the guest's serial port is closed", lost=True)
        self._said += data


class Patience:
    """How long a guest that says nothing is waited for, by what its QEMU does meanwhile."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._begun = self._last = spent(pid)
        self._since = time.monotonic()

    def over(self) -> str | None:
        """Why it is waited for no longer, None while it is."""
        done, now = spent(self._pid), time.monotonic()
        if done - self._begun > _MOST:
            return f"the guest said nothing in {_MOST:g} s of processor time"
        if done > self._last:
            self._last, self._since = done, now
        if now - self._since > _STILL:
            return f"the guest said nothing, and did nothing for {_STILL:g} s"
        return None


def device_bits(features: dict[str, object]) -> tuple[int, ...]:
    """The bits of the memory device that QMP tells by name, or by number where it has none."""
    names = ("VIRTIO_MEM_F_ACPI_PXM", "VIRTIO_MEM_F_UNPLUGGED_INACC", "VIRTIO_MEM_F_PERSISTENT")
    told = " ".join(map(str, features.get("dev-features", ())))  # type: ignore[call-overload]
    unknown = int(str(features.get("unknown-dev-features", 0)))
    return tuple(bit for bit, name in enumerate(names) if name in told or unknown >> bit & 1)

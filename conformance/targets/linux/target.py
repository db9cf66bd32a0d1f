"""A Linux guest as a driver under test.

A guest boots once for each setup, up to where its driver is to be loaded, and is kept as a
migration stream. Every list of events begins from that stream, in a process of its own.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.judge.driver.ledger import Region
from conformance.judge.finding import Kind
from conformance.targets.linux.driven import Played
from conformance.targets.linux.guest import Guest
from conformance.targets.linux.initramfs import initramfs
from conformance.targets.linux.kernel import Kernel
from conformance.targets.linux.machine import ADDR, MOST
from conformance.targets.linux.play import Play
from conformance.targets.qemu.migration import Stream, finish, load
from conformance.targets.qemu.process import QemuError, QemuLate
from conformance.targets.target import TargetError
from conformance.traces.driven import Do, Event, Setup


class LinuxTarget:
    """The virtio_mem driver of a kernel, in a QEMU that has virtio-mem."""

    able: Final = frozenset(Do)

    def __init__(self, binary: Path, kernel: Kernel, busybox: Path, base: bytes = b"") -> None:
        """`base` is an initramfs of the user's own, which ours goes on top of."""
        self.name = f"linux {kernel.version}"
        self._binary = binary
        self._place = Path(tempfile.mkdtemp(prefix="slotproof-linux-"))
        self._kernel = self._place / "kernel"
        self._kernel.write_bytes(kernel.image)
        self._initramfs = self._place / "initramfs"
        image = initramfs(busybox.read_bytes(), kernel.modules, kernel.image, base)
        self._initramfs.write_bytes(image)
        self._booted: dict[Setup, Stream] = {}

    def close(self) -> None:
        shutil.rmtree(self._place, ignore_errors=True)
        self._booted = {}

    def play(self, setup: Setup, events: Sequence[Event]) -> Played:
        if setup.region > MOST or setup.region % setup.block:
            raise TargetError(Kind.REFUSED, f"expected a region of whole blocks up to {MOST}")
        region = Region(ADDR, setup.region, setup.block)
        with self._failures():
            stream = self._stream(setup)
            guest = self.guest(setup, stream)
        play = Play(guest, region, lambda stream: self.guest(setup, stream), self._place)
        failure = None
        try:
            with self._failures():
                play.start()
                for event in events:
                    play.take(event)
                play.end()
        except TargetError as error:
            failure = (error.kind, str(error))
        finally:
            play.close()
        return Played(region, tuple(play.seen), failure, play.told)

    def guest(self, setup: Setup, stream: Stream) -> Guest:
        """A guest that a stream brings, running."""
        guest = Guest(self._binary, self._kernel, self._initramfs, setup, incoming=True)
        with contextlib.ExitStack() as stack:
            stack.callback(guest.close)
            load(guest.process, stream)
            guest.process.qmp("cont")
            # What QEMU logs of a device that is being restored is no driver's doing.
            guest.log.new()
            stack.pop_all()
        return guest

    def _stream(self, setup: Setup) -> Stream:
        """A guest of the setup that has booted."""
        if setup not in self._booted:
            with contextlib.closing(
                Guest(self._binary, self._kernel, self._initramfs, setup)
            ) as guest:
                guest.wait_up()
                guest.process.qmp("stop")
                stream = Stream(self._place / f"booted-{len(self._booted)}", piped=False)
                finish(guest.process, stream)
                self._booted[setup] = stream
        return self._booted[setup]

    @contextlib.contextmanager
    def _failures(self):  # type: ignore[no-untyped-def]
        try:
            yield
        except QemuError as error:
            kind = Kind.HUNG if isinstance(error, QemuLate) else Kind.DIED
            raise TargetError(kind, str(error), error.log) from error

"""A process watched by a real tracer, before, while and after host operations fail."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.targets.tracing import traced_by
from conformance.targets.vmm.watch import Watch
from model.arithmetic import MIB
from model.state import NO_FAULTS

VMM = """
import ctypes, os, sys, threading
def guest():
    thread = threading.get_native_id()
    with open(f"/proc/self/task/{thread}/comm", "w") as name:
        name.write("vcpu0")
    print(thread, flush=True)
    threading.Event().wait()
threading.Thread(target=guest, daemon=True).start()
libc = ctypes.CDLL(None, use_errno=True)
for line in sys.stdin:
    number = int(line)
    region = (ctypes.c_uint64 * 4)(number, number << 20, 1 << 20, 1 << 40)
    print(libc.ioctl(0, ctypes.c_ulong(0x4020AE46), region), flush=True)
"""
"""Adds the memslot whose number it is given, of a MiB at so many of them; its own `vcpu` sleeps."""


class Watched:
    """The process, without KVM: every ioctl that is not to fail is made to succeed."""

    def __init__(self, directory: Path) -> None:
        self.watch = Watch(directory)
        self._process = subprocess.Popen(
            [*self.watch.prefix, sys.executable, "-c", VMM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.guest = int(self._said())

    def adds(self, number: int) -> bool:
        """Whether KVM takes the memslot."""
        assert self._process.stdin is not None
        print(number, file=self._process.stdin, flush=True)
        return int(self._said()) == 0

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    @property
    def tracers(self) -> list[bool]:
        """Whether the thread that adds memslots and the one that runs the guest are traced."""
        return [bool(traced_by(self.pid, thread)) for thread in (self.pid, self.guest)]

    @property
    def seen(self) -> list[int]:
        return [slot.addr // MIB for slot in self.watch.memslots().now]

    def close(self) -> None:
        self.watch.close()
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def watched(strace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    program = tmp_path / "strace"
    program.write_text(f'#!/bin/sh\nexec {strace} -e inject=ioctl:retval=0 "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert shutil.which("strace") == str(program)
    made = Watched(tmp_path)
    yield made
    made.close()


def test_a_vmm_is_watched_on_after_its_host_failed(watched: Watched) -> None:
    assert watched.tracers == [True, True]
    assert watched.adds(1) and watched.seen == [1]
    watched.watch.settle(watched.pid, "vcpu")
    assert watched.tracers == [True, False]
    assert watched.adds(2) and watched.seen == [1, 2]
    for number in (3, 5):
        with watched.watch.failing(watched.pid, "vcpu", replace(NO_FAULTS, populate=True)):
            assert watched.tracers == [True, False]
            assert not watched.adds(number) and number not in watched.seen
        assert watched.tracers == [True, False]
        assert watched.adds(number + 1)
        assert number not in watched.seen and number + 1 in watched.seen
    with watched.watch.failing(watched.pid, "vcpu", replace(NO_FAULTS, discard=True)):
        # Read only once the tracer that saw it is gone.
        assert watched.adds(7)
    assert watched.seen == [1, 2, 4, 6, 7]
    watched.watch.close()
    assert watched.tracers == [False, False]

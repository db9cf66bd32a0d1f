"""Host operations of a running VMM that fail for one action, by `strace`, which then lets go of it.

Sources: strace(1), tampering (`-e inject=`); QEMU system/physmem.c (ram_block_discard_range);
Firecracker src/vmm/src/vstate/memory.rs; Cloud Hypervisor virtio-devices/src/mem.rs
(discard_memory_range); Linux, Documentation/virt/kvm/api.rst (KVM_SET_USER_MEMORY_REGION).
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from conformance.targets.driver.bus import DriverError
from conformance.traces.codec import FAULT_NAMES
from model.state import NO_FAULTS, Faults

INJECTED: Final = {"discard": "madvise,fallocate", "populate": "ioctl"}
"""The system calls by which a VMM carries an operation out: it gives memory back by one of two, and
has KVM map a memslot by the third."""
_ERROR: Final = "error=ENOMEM"
_SECONDS: Final = 5.0
_POLL: Final = 0.002


def tracer() -> str | None:
    """The program, None where there is none."""
    return shutil.which("strace")


def options_for(faults: Faults[bool]) -> list[str]:
    """What has a tracer make the operations fail; none for none. Raises DriverError for one that
    no system call stands for."""
    names = [name for name in FAULT_NAMES if getattr(faults, name)]
    if unknown := [name for name in names if name not in INJECTED]:
        raise DriverError(f"nothing makes a {unknown[0]} fail from outside")
    calls = [INJECTED[name] for name in names]
    # Nothing is done to a call that is not traced.
    traced = ["-e", f"trace={','.join(dict.fromkeys(['ioctl', *calls]))}"]
    return [*traced, *(word for call in calls for word in ("-e", f"inject={call}:{_ERROR}"))]


def traced_by(pid: int, thread: int) -> int | None:
    """The tracer of a thread, 0 for none; None where the thread is gone."""
    try:
        status = Path(f"/proc/{pid}/task/{thread}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    line = next(line for line in status.splitlines() if line.startswith("TracerPid:"))
    return int(line.split()[1])


def wait(done: Callable[[], bool], what: str) -> None:
    """Raises DriverError."""
    deadline = time.monotonic() + _SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise DriverError(f"strace did not {what} within {_SECONDS:g} s")
        time.sleep(_POLL)


def threads_of(pid: int, vcpu: str) -> list[int]:
    """The threads of a VMM but those with `vcpu` in their names, which run the guest."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # One that ends meanwhile is none.
        with suppress(FileNotFoundError, ProcessLookupError):
            if vcpu not in (task / "comm").read_text().lower():
                found.append(int(task.name))
    return found


@contextmanager
def traced(pid: int, threads: Sequence[int], options: Sequence[str]) -> Iterator[None]:
    """A tracer with these options holds the threads. Raises DriverError."""
    with ExitStack() as stack:
        process = subprocess.Popen(
            ["strace", *options, *(word for thread in threads for word in ("-p", str(thread)))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        stack.callback(process.wait)
        stack.callback(process.send_signal, signal.SIGINT)
        wait(lambda: all(traced_by(pid, thread) != 0 for thread in threads), "attach")
        yield


def failing(pid: int, faults: Faults[bool], vcpu: str = "cpu") -> AbstractContextManager[None]:
    """Host operations of a VMM fail meanwhile; nothing is traced for none. Raises DriverError."""
    if faults == NO_FAULTS:
        return nullcontext()
    return traced(pid, threads_of(pid, vcpu), ["-qq", "-o", "/dev/null", *options_for(faults)])

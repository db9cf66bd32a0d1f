"""Host operations of a running VMM that fail for one action, by `strace`, which then lets go of it.

Sources: strace(1), tampering (`-e inject=`); QEMU system/physmem.c (ram_block_discard_range) and
util/oslib-posix.c (qemu_prealloc_mem); Linux madvise(2), MADV_POPULATE_WRITE, in 5.14 and later;
Firecracker src/vmm/src/vstate/memory.rs; Cloud Hypervisor virtio-devices/src/mem.rs
(discard_memory_range); Linux, Documentation/virt/kvm/api.rst (KVM_SET_USER_MEMORY_REGION).
"""

from __future__ import annotations

import mmap
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
from conformance.traces.faults import FaultsAt
from model.state import NO_FAULTS, Faults

INJECTED: Final = {
    "discard": "madvise,fallocate:error=ENOMEM",
    "populate": "ioctl:error=ENOMEM",
    "prealloc": "madvise:error=ENOMEM:when=2",
}
"""The system calls by which a VMM carries an operation out, and how they fail: it gives memory back
by one of two, has KVM map a memslot by the third, and allocates memory by the second `madvise` of a
request: QEMU tries the first page, then all, and gives all back by the third."""
_POPULATE_WRITE: Final = 23
_SECONDS: Final = 5.0
_POLL: Final = 0.002


def preallocates_at_once() -> bool:
    """The system populates memory by `madvise`, as the failing of a preallocation takes it."""
    with mmap.mmap(-1, mmap.PAGESIZE) as page:
        try:
            page.madvise(_POPULATE_WRITE)
        except OSError:
            return False
    return True


def tracer() -> str | None:
    """The program, None where there is none."""
    return shutil.which("strace")


def options_for(faults: Faults[bool]) -> list[str]:
    """What has a tracer make the operations fail; none for none. Where one memslot alone is to
    fail, that is the call of that number, of those by which a VMM tells of one each."""
    names = [name for name in FAULT_NAMES if getattr(faults, name)]
    at = f":when={faults.memslot}" if isinstance(faults, FaultsAt) else ""
    failing = [INJECTED[name] + (at if name != "prealloc" else "") for name in names]
    # Nothing is done to a call that is not traced.
    calls = dict.fromkeys(["ioctl", *(one.partition(":")[0] for one in failing)])
    injected = (word for one in failing for word in ("-e", f"inject={one}"))
    return ["-e", f"trace={','.join(calls)}", *injected]


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

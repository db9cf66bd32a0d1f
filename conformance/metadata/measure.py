"""The cost of memslots measured on the running kernel, item by item against what the model says.

A virtual machine without a guest gets the memslots, once static and once dynamic, first without and
then with dirty logging. What KVM's areas of vmalloc grew by is compared to the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from conformance.metadata import vmalloc
from conformance.metadata.device import DeviceMetadata
from conformance.metadata.kvm import KvmError, KvmVm
from conformance.metadata.vmalloc import Areas
from model.allocation import memslot_taken
from model.extents import Extents
from model.kernels import ITEMS, LAZY_RMAPS, Vm
from model.metadata import Span, slot_spans

ATTEMPTS: Final = 20
"""Measurements, until one is not disturbed by other virtual machines."""
_PATIENCE: Final = 1.0
"""Seconds until the memory of a virtual machine that is gone is free."""
ROWS: Final = (*(item.name for item in ITEMS), vmalloc.OTHER)
MEMINFO: Final = Path("/proc/meminfo")


class DisturbedError(Exception):
    """Other virtual machines changed their memslots during every attempt."""


@dataclass(frozen=True, slots=True)
class Case:
    """One state of the memslots. `rows` are the predicted and the measured pages of each item,
    `differs` names the items whose areas are not those predicted, `seconds` KVM took to set up
    the memslots, or to start logging."""

    device: str
    memslots: int
    static: bool
    logging: bool
    rows: tuple[tuple[str, int, int], ...]
    differs: tuple[str, ...]
    seconds: float


def measured(vm: Vm, device: DeviceMetadata) -> list[Case]:
    """The four cases of a device. Raises KvmError and DisturbedError."""
    if vm.kernel.release < LAZY_RMAPS:
        raise KvmError("--measure tells the items apart from Linux 5.14 on")
    once = replace(vm, smm=False, shadow_root=False, tracker=False, dirty_ring=False)
    fixed = device.fixed
    whole: list[Span] = [(0, fixed.region)]
    check_memory(once, fixed.addr, whole)
    cases = undisturbed(lambda: _both(once, device, whole, static=True))
    mapped = list(slot_spans(fixed, device.mapped or Extents.EMPTY))
    return cases + undisturbed(lambda: _both(once, device, mapped, static=False))


def check_memory(vm: Vm, addr: int, spans: Sequence[Span]) -> None:
    """Raise KvmError where the free memory does not hold the memslots' arrays twice over."""
    needed = sum(
        taken.bytes(vm.kernel.page)
        for start, size in spans
        for taken in memslot_taken(vm, addr + start, size, logging=True).values()
    )
    if (available := available_memory()) < 2 * needed:
        raise KvmError(
            f"the static memslot takes {needed} bytes of the kernel's memory, and {available} are "
            f"free: measure a smaller --region"
        )


def available_memory() -> int:
    """Bytes that can be had without swapping."""
    for line in MEMINFO.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def undisturbed(measure: Callable[[], list[Case]]) -> list[Case]:
    """The cases of an attempt after which all else is as it was. Raises DisturbedError."""
    for _ in range(ATTEMPTS):
        before = vmalloc.read()
        cases = measure()
        if _settled(before):
            return cases
    raise DisturbedError(
        f"other virtual machines changed their memslots in each of {ATTEMPTS} attempts: stop them"
    )


def _settled(before: Areas) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while vmalloc.read() != before:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _both(vm: Vm, device: DeviceMetadata, spans: Sequence[Span], *, static: bool) -> list[Case]:
    """One virtual machine with these memslots, without and with dirty logging."""
    addr = device.fixed.addr
    with KvmVm(device.fixed.region) as machine:
        start = vmalloc.read()
        cases = []
        for logging in (False, True):
            began = time.perf_counter()
            for number, (offset, size) in enumerate(spans):
                machine.set_memslot(number, addr + offset, offset, size, logging=logging)
            seconds = time.perf_counter() - began
            seen = vmalloc.difference(vmalloc.read(), start)
            cases.append(
                compared(
                    Case(device.name, len(spans), static, logging, (), (), seconds),
                    expected(vm, addr, spans, logging),
                    seen,
                )
            )
    return cases


def expected(vm: Vm, addr: int, spans: Sequence[Span], logging: bool) -> Areas:
    """The areas that the model predicts."""
    return vmalloc.counted(
        (name, taken.areas)
        for offset, size in spans
        for name, taken in memslot_taken(vm, addr + offset, size, logging).items()
    )


def compared(case: Case, predicted: Areas, seen: Areas) -> Case:
    """The case with its rows."""
    changed = {name for name, _ in vmalloc.difference(seen, predicted)}
    return replace(
        case,
        rows=tuple(
            (row, vmalloc.pages_of(predicted, row), vmalloc.pages_of(seen, row)) for row in ROWS
        ),
        differs=tuple(row for row in ROWS if row in changed),
    )

"""Memslots that are updated: beside 256 dynamic ones, and beside a static one as large; by ioctl,
and through a QEMU that KVM carries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from conformance.metadata.kvm import KvmVm
from conformance.targets.qemu.accel import KVM
from conformance.targets.qemu.fit import ADDRESS
from conformance.targets.qemu.guest import QemuGuest
from conformance.targets.qemu.process import find_qemu
from conformance.targets.qemu.processor import StoppedProcessor
from model.arithmetic import GIB, MIB
from model.state import Answer, Config, Op, action

REGION = 256 * GIB
SLOTS = 256


def spans(static: bool) -> list[tuple[int, int]]:
    """Offset and size of each memslot, in bytes."""
    if static:
        return [(0, REGION)]
    size = REGION // SLOTS
    return [(number * size, size) for number in range(SLOTS)]


@contextmanager
def machine(static: bool) -> Iterator[KvmVm]:
    """A virtual machine with all memslots, and address space for one more."""
    with KvmVm(REGION + GIB) as made:
        log(made, static, on=False)
        yield made


def log(made: KvmVm, static: bool, *, on: bool) -> None:
    """Have every memslot log dirty pages, or no longer."""
    for number, (start, size) in enumerate(spans(static)):
        made.set_memslot(number, ADDRESS + start, start, size, logging=on)


def one_more(made: KvmVm) -> None:
    """Make a memslot of 1 GiB behind the others, and delete it."""
    for size in (GIB, 0):
        made.set_memslot(SLOTS, ADDRESS + REGION, REGION, size, logging=False)


def logged(made: KvmVm, static: bool) -> None:
    """Dirty logging starts and ends."""
    log(made, static, on=True)
    log(made, static, on=False)


@contextmanager
def qemu(static: bool) -> Iterator[QemuGuest]:
    """A QEMU whose device has a block plugged in every GiB but the first. Raises QemuError."""
    config = Config(
        region=REGION, block=2 * MIB, limit=SLOTS, requested=REGION, addr=ADDRESS, option=not static
    )
    with closing(QemuGuest(find_qemu(), config, StoppedProcessor(), accel=KVM)) as guest:
        for number in range(1, SLOTS):
            request(guest, Op.PLUG, number)
        mapped = guest.mapped()
        assert (0 if mapped is None else len(mapped)) == (0 if static else SLOTS - 1)
        yield guest


def request(guest: QemuGuest, op: Op, number: int = 0) -> None:
    """A request for the first block of a GiB of the region."""
    done = guest.apply(action(op, addr=ADDRESS + number * GIB, blocks=1))
    assert done.answer is Answer.ACK


def plug_and_unplug(guest: QemuGuest) -> None:
    """The first memslot is mapped and unmapped, where there are several."""
    request(guest, Op.PLUG)
    request(guest, Op.UNPLUG)


def timed(work: Callable[[], None], rounds: int) -> list[float]:
    """Milliseconds of each round, after one that does not count."""
    work()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append((time.perf_counter() - start) * 1000)
    return found


def measured(static: bool) -> Iterator[tuple[str, list[float]]]:
    """What is done, and the milliseconds of its rounds. Raises KvmError and QemuError."""
    with machine(static) as made:
        yield "a memslot of 1 GiB made and deleted beside them", timed(lambda: one_more(made), 40)
        yield "dirty logging started and ended", timed(lambda: logged(made, static), 10)
    with qemu(static) as guest:
        yield (
            "PLUG and UNPLUG of a block in a QEMU with KVM",
            timed(lambda: plug_and_unplug(guest), 40),
        )

"""The ways to a device: qtest, the bare guest under TCG and under KVM, and libkrun; each with its
memslots observed after every request, and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Final

from conformance.targets.driver.bus import DriverError
from conformance.targets.driver.device import VirtioMem
from conformance.targets.driver.speech import Speech
from conformance.targets.qemu.accel import KVM, TCG, Accel, kvm_missing
from conformance.targets.qemu.fit import fitted
from conformance.targets.qemu.guest import QemuGuest
from conformance.targets.qemu.process import find_qemu
from conformance.targets.qemu.processor import Processor, StoppedProcessor
from conformance.targets.tracing import tracer
from conformance.targets.vmm.host import HostSide
from conformance.targets.vmm.krun import krun
from conformance.targets.vmm.qemu import GuestProcessor
from model.arithmetic import GIB, MIB
from model.extents import Extents
from model.state import Answer, Config, Op, action

SLOT: Final = 128 * MIB
SLOTS: Final = 8


@dataclass(frozen=True, slots=True)
class Way:
    """A device of `SLOTS` memslots of `slot` bytes: `ask` answers a request, `mapped` looks."""

    pid: int
    config: Config
    slot: int
    ask: Callable[[Op, int], Answer]
    mapped: Callable[[], Extents | None] | None


@contextmanager
def in_qemu(processor: Callable[[], Processor], accel: Accel, observed: bool) -> Iterator[Way]:
    """A QEMU's device. Raises DriverError."""
    if accel is KVM and (missing := kvm_missing()) is not None:
        raise DriverError(missing)
    region = SLOTS * GIB
    config = fitted(Config(region=region, block=2 * MIB, limit=256, requested=region))
    with closing(QemuGuest(find_qemu(), config, processor(), accel=accel)) as guest:

        def ask(op: Op, addr: int) -> Answer:
            return guest.apply(action(op, addr=addr, blocks=1)).answer

        yield Way(guest.pid, config, GIB, ask, guest.mapped if observed else None)


@contextmanager
def in_krun(observed: bool) -> Iterator[Way]:
    """libkrun's device. Raises DriverError."""
    vmm = krun(None)
    config = vmm.limits.fitted(Config(region=SLOTS * SLOT, block=2 * MIB, limit=1))
    if observed and tracer() is None:
        raise DriverError("no strace")
    with ExitStack() as stack:
        host = stack.enter_context(closing(HostSide(config, SLOT))) if observed else None
        machine = stack.enter_context(closing(vmm.start(config, host.prefix if host else ())))
        if host is not None:
            host.settle(machine.pid, vmm.vcpu)
        driver, speech = VirtioMem(machine.line, machine.transport()), Speech()
        if not driver.setup() or machine.resize(SLOTS * SLOT) is not Answer.DONE:
            raise DriverError("libkrun's device cannot be used")

        def ask(op: Op, addr: int) -> Answer:
            return speech.ask(driver, action(op, addr=addr, blocks=1)).answer

        yield Way(machine.pid, config, SLOT, ask, host.mapped if host else None)


WAYS: Final[Mapping[str, Callable[[bool], AbstractContextManager[Way]]]] = {
    "qtest": lambda observed: in_qemu(StoppedProcessor, TCG, observed),
    "guest under TCG": lambda observed: in_qemu(GuestProcessor, TCG, observed),
    "guest under KVM": lambda observed: in_qemu(GuestProcessor, KVM, observed),
    "krun": in_krun,
}


def requests(way: Way, count: int) -> int:
    """PLUG and UNPLUG a block in one memslot after the other; how many were acknowledged."""
    done = 0
    for number in range(count):
        op = Op.UNPLUG if number % 2 else Op.PLUG
        addr = way.config.addr + number // 2 * way.slot % (SLOTS * way.slot)
        done += way.ask(op, addr) is Answer.ACK
        if way.mapped is not None:
            way.mapped()
    return done

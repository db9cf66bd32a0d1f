"""Drivers of our own with one fault each, on a real QEMU without a guest's processor: what QEMU's
log, its monitor and its memory tell of them is enough to name the fault."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.judge.driver.judge import DriverOracle
from conformance.judge.driver.ledger import Ledger, Region
from conformance.judge.driver.seen import Began, Features, Memory, Rested, Seen, Suspend
from conformance.targets.driver.bus import load, port_out, store
from conformance.targets.driver.requests import RequestType, encode_request
from conformance.targets.linux.guest import BACKEND, device_bits
from conformance.targets.linux.log import LogReader
from conformance.targets.linux.machine import ADDR, CONFIG_WRITES
from conformance.targets.linux.memory import GuestFile
from conformance.targets.qemu.machine import DEVICE_ID
from conformance.targets.qemu.process import QemuProcess
from conformance.targets.qemu.qtest import QtestSocket, qtest_driver
from model.arithmetic import GIB, MIB

BLOCK = 2 * MIB
PMBASE, ACPI_CNTL, LPC = 0x40, 0x44, 0x80000000 | 0x1F << 11
"""ICH9's LPC function 00:1f.0 and its registers for power management."""
PORTS, ENABLE = 0x600, 0x80
SLEEP_S3 = 1 << 13 | 1 << 10
"""PM1 control: SLP_EN, and the type that QEMU's ICH9 takes for S3."""


class Script:
    """A driver that is played by hand; `seen` is what an observer saw of it."""

    def __init__(self, process: QemuProcess, log: Path) -> None:
        self.process = process
        self.qtest = QtestSocket(process)
        self.driver = qtest_driver(self.qtest)
        self.reader = LogReader(log)
        self.memory = GuestFile(process.pid)
        self.ledger = Ledger(Region(ADDR, GIB, BLOCK))
        self.seen: list[Seen] = []
        self.start()

    def see(self, record: Seen) -> None:
        self.seen.append(record)
        self.ledger = self.ledger.after(record)

    def read(self) -> None:
        for record in self.reader.new():
            self.see(record)

    def start(self) -> None:
        assert self.driver.setup()
        self.read()
        status = self.process.qmp("x-query-virtio-status", {"path": BACKEND})
        self.see(
            Features(device_bits(status["host-features"]), device_bits(status["guest-features"]))
        )

    def resize(self, size: int) -> None:
        where = {"path": f"/machine/peripheral/{DEVICE_ID}", "property": "requested-size"}
        self.process.qmp("qom-set", {**where, "value": size})

    def ask(self, kind: RequestType, first: int = 0, blocks: int = 0) -> None:
        addr = ADDR + first * BLOCK if blocks else 0
        assert self.driver.request(encode_request(kind, addr, blocks)) is not None

    def rest(self) -> None:
        self.read()
        self.see(Memory(self.memory.touched(self.ledger)))
        self.see(Rested(400))

    def suspend(self) -> None:
        def configure(register: int, value: int) -> tuple[str, str]:
            return port_out(0xCF8, LPC | register, 4), port_out(0xCFC, value, 4)

        self.qtest.exchange(*configure(PMBASE, PORTS | 1), *configure(ACPI_CNTL, ENABLE))
        self.qtest.exchange(port_out(PORTS + 4, SLEEP_S3, 2))
        self.process.wait_event("SUSPEND", 30)
        self.read()
        self.see(Suspend(True))

    def obey(self) -> None:
        """What every one of these drivers does rightly first."""
        self.resize(32 * BLOCK)
        self.ask(RequestType.PLUG, 0, 32)
        self.qtest.exchange(store(ADDR, 0x1234, 8))
        self.rest()
        self.resize(16 * BLOCK)
        self.ask(RequestType.UNPLUG, 16, 16)
        self.rest()


def touches_an_unplugged_block(script: Script) -> None:
    script.qtest.exchange(store(ADDR + 20 * BLOCK, 0x1234, 8))
    script.rest()


def reads_an_unplugged_block(script: Script) -> None:
    script.qtest.exchange(load(ADDR + 20 * BLOCK, 8))
    script.rest()


def unplugs_above_what_was_asked(script: Script) -> None:
    script.ask(RequestType.UNPLUG, 15, 1)
    script.rest()


def ignores_a_new_requested_size(script: Script) -> None:
    script.resize(64 * BLOCK)
    script.rest()


def plugs_outside_the_usable_region(script: Script) -> None:
    script.read()
    script.ask(RequestType.PLUG, script.ledger.usable // BLOCK, 1)
    script.rest()


def suspends_with_memory_plugged(script: Script) -> None:
    script.suspend()


def starts_over_without_unplug_all(script: Script) -> None:
    script.read()
    script.see(Began("kexec"))
    script.start()
    script.resize(17 * BLOCK)
    script.ask(RequestType.PLUG, 16, 1)
    script.rest()


def writes_the_configuration(script: Script) -> None:
    script.process.qmp("trace-event-set-state", {"name": CONFIG_WRITES, "enable": True})
    script.qtest.exchange(store(script.driver.config_address + 48, 1, 4))
    script.rest()


FAULTS = {
    touches_an_unplugged_block: "driver-unplugged-not-written",
    reads_an_unplugged_block: "driver-unplugged-not-read",
    unplugs_above_what_was_asked: "driver-unplugs-no-more",
    ignores_a_new_requested_size: "driver-reacts",
    plugs_outside_the_usable_region: "driver-plug-not-outside",
    suspends_with_memory_plugged: "driver-no-suspend",
    starts_over_without_unplug_all: "driver-unplugs-all-first",
    writes_the_configuration: "driver-config-read-only",
}


@pytest.fixture
def script(qemu_binary: Path, tmp_path: Path) -> Iterator[Script]:
    log = tmp_path / "log"
    args = [
        *("-object", "memory-backend-ram,id=boot,size=1G"),
        *("-machine", "q35,memory-backend=boot", "-accel", "tcg", "-S", "-cpu", "max"),
        *("-display", "none", "-nodefaults", "-m", "1G,maxmem=8G"),
        *("-object", "memory-backend-memfd,id=mem0,size=1G,share=on,reserve=off", "-device"),
        f"virtio-mem-pci,id={DEVICE_ID},memdev=mem0,requested-size=0,addr=04.0,"
        f"block-size={BLOCK}B,memaddr={ADDR:#x}",
        *("-trace", "virtio_mem_*", "-trace", "virtio_set_status"),
        *("-trace", "handle_qmp_command", "-D", str(log), "-msg", "timestamp=on"),
    ]
    with QemuProcess(qemu_binary, args) as process:
        yield Script(process, log)


def broken(script: Script) -> set[str]:
    oracle = DriverOracle(script.ledger.region)
    return {breach.rule for record in script.seen for breach in oracle.see(record)}


def test_a_driver_that_obeys_breaks_nothing(script: Script) -> None:
    script.obey()
    assert broken(script) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_named_by_its_rule(script: Script, fault: Callable[[Script], None]) -> None:
    script.obey()
    fault(script)
    assert broken(script) == {FAULTS[fault]}

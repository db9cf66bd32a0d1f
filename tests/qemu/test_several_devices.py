"""Several memory devices on a real QEMU: plugged, refused and unplugged beside the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conformance.targets.qemu.machine import BOOT_RAM
from conformance.targets.qemu.process import QemuError, QemuProcess
from conformance.targets.qemu.qtest import QtestSocket
from conformance.targets.qemu.slots import slot_sizes
from model.arithmetic import GIB, MIB
from model.caller import SOFT_MEMSLOT_LIMIT, UNLIMITED, decision_limit
from model.geometry import DecisionInput, decide_memslots, realized_memslots, slot_length
from model.machine import (
    Machine,
    MemoryDevice,
    addable,
    demand_of,
    required_memslots,
    with_device,
    without_device,
)
from model.machine_ints import INTS
from smt_proofs.decision.mutants import MUTANTS

SPACE = 257 * GIB
FIRST = 3
"""The first device number on bus 0 that the board leaves free."""
SELECT_BUS, EJECT = 0xAE10, 0xAE08
"""I/O ports of the pc board, by which a guest ejects. Source: docs/specs/acpi_pci_hotplug.rst."""

Sizes = list[int]
"""Bytes of each memslot of a device."""


@dataclass
class Both:
    """A running QEMU and the model's machine, which take the same steps. `told` is what each made
    of a device: the model's memslots and QEMU's."""

    process: QemuProcess
    machine: Machine[int]
    devices: dict[int, MemoryDevice[int]] = field(default_factory=dict)
    told: list[tuple[Sizes, Sizes]] = field(default_factory=list)

    def plug(self, number: int, size: int) -> None:
        sizes = self.decided(size)
        assert addable(INTS, self.machine, size, len(sizes))
        self.devices[number] = MemoryDevice(size, len(sizes), 0)
        self.machine = with_device(INTS, self.machine, size, len(sizes))
        self.add(number, size)
        self.told.append((sizes, [*slot_sizes(self.process.qmp, f"vm{number}").values()]))

    def decided(self, size: int) -> Sizes:
        """The memslots of a device as the model decides."""
        limit = decision_limit(INTS, demand_of(INTS, self.machine, size))
        asked = DecisionInput(size, 2 * MIB, limit, 4096, 2 * MIB, option=True, has_ram=True)
        slots = realized_memslots(INTS, size, decide_memslots(INTS, asked))
        return [slot_length(INTS, slots, size, index) for index in range(slots.count)]

    def add(self, number: int, size: int) -> None:
        """Plug a device into QEMU. Raises QemuError where it is refused."""
        name, qmp = f"mem{number}", self.process.qmp
        backend = {"qom-type": "memory-backend-ram", "id": name, "size": size, "reserve": False}
        qmp("object-add", backend)
        device = {
            "driver": "virtio-mem-pci",
            "id": f"vm{number}",
            "memdev": name,
            "block-size": 2 * MIB,
            "dynamic-memslots": True,
            "addr": f"{FIRST + number:x}",
        }
        try:
            qmp("device_add", device)
        except QemuError:
            qmp("object-del", {"id": name})
            raise

    def unplug(self, number: int) -> None:
        """The device goes as a guest's ACPI lets it go."""
        self.machine = without_device(INTS, self.machine, self.devices.pop(number))
        self.process.qmp("device_del", {"id": f"vm{number}"})
        eject = f"outl {SELECT_BUS:#x} 0x0\n", f"outl {EJECT:#x} {1 << (FIRST + number):#x}\n"
        QtestSocket(self.process).ask(*eject)
        while self.process.wait_event("DEVICE_DELETED", 10.0)["data"].get("device") is None:
            pass
        self.process.qmp("object-del", {"id": f"mem{number}"})


def in_both(binary: Path, steps: Callable[[Both], None], space: int = SPACE) -> Both:
    """A machine with space for devices and none yet, which the steps are carried out on."""
    args = ["-machine", "pc,accel=tcg", "-cpu", "max,phys-bits=46", "-S", "-display", "none"]
    args += ["-nodefaults", "-m", f"{BOOT_RAM}B,slots=1,maxmem={BOOT_RAM + space}B"]
    start = Machine(space, 0, 0, 0, 0, *[UNLIMITED] * 4)
    with QemuProcess(binary, args) as process:
        both = Both(process, start)
        steps(both)
        listed = process.qmp("query-memory-devices", {})
        assert len(listed) == len(both.devices)
        assert sum(one["data"]["max-size"] for one in listed) == both.machine.used_space
    return both


def three_devices(both: Both) -> None:
    for number, size in enumerate((256 * GIB, 512 * MIB, 512 * MIB)):
        both.plug(number, size)


def test_three_devices_exceed_the_soft_limit_on_a_real_qemu(qemu_binary: Path) -> None:
    both = in_both(qemu_binary, three_devices)
    assert [len(qemu) for _, qemu in both.told] == [255, 1, 1]
    assert all(model == qemu for model, qemu in both.told)
    assert required_memslots(INTS, both.machine) == SOFT_MEMSLOT_LIMIT + 1


def test_devices_that_come_and_go_have_what_the_model_says(qemu_binary: Path) -> None:
    def steps(both: Both) -> None:
        three_devices(both)
        # No space is left: whatever limit was computed, both refuse.
        with pytest.raises(QemuError, match="not enough space"):
            both.add(3, GIB)
        assert not addable(INTS, both.machine, GIB, 1)
        both.unplug(1)
        both.plug(3, 512 * MIB)
        both.unplug(0)
        both.plug(4, 100 * GIB)
        both.plug(5, 150 * GIB)
        both.unplug(5)
        both.plug(6, 156 * GIB)

    both = in_both(qemu_binary, steps)
    assert [model for model, _ in both.told] == [qemu for _, qemu in both.told]
    assert [len(qemu) for _, qemu in both.told] == [255, 1, 1, 1, 99, 149, 155]
    assert both.machine.several <= SOFT_MEMSLOT_LIMIT


@pytest.mark.parametrize("name", ["promised-memslots-ignored", "share-upside-down"])
def test_a_wrong_rule_shows_on_a_real_qemu(qemu_binary: Path, name: str) -> None:
    def steps(both: Both) -> None:
        both.plug(0, 512 * GIB)
        both.plug(1, 256 * GIB)

    with MUTANTS[name].applied():
        both = in_both(qemu_binary, steps, 4 * SPACE)
    assert any(model != qemu for model, qemu in both.told)

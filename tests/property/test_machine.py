"""Several memory devices, executed: sequences of them, and what no theorem promises."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from model.arithmetic import GIB, MIB
from model.caller import SOFT_MEMSLOT_LIMIT, UNLIMITED, decision_limit
from model.geometry import DecisionInput, decide_memslots
from model.machine import (
    Machine,
    MemoryDevice,
    addable,
    demand_of,
    required_memslots,
    reserved_of,
    with_device,
    with_mapped,
    with_unmapped,
    without_device,
)
from model.machine_ints import INTS
from smt_proofs.decision.machine_inputs import device, sane

EMPTY = device(device_space=257 * GIB).machine


def count_of(machine: Machine[int], size: int) -> tuple[int, int]:
    """The limit for a dynamic virtio-mem of `size` bytes, and the memslots that it decides on."""
    limit = decision_limit(INTS, demand_of(INTS, machine, size))
    question = DecisionInput(size, 2 * MIB, limit, 4096, 2 * MIB, option=True, has_ram=True)
    return limit, decide_memslots(INTS, question).count


def plugged(machine: Machine[int], *sizes: int) -> tuple[Machine[int], list[int]]:
    """The machine with devices of these sizes in turn, and the memslots that each has."""
    counts = []
    for size in sizes:
        _, count = count_of(machine, size)
        assert addable(INTS, machine, size, count)
        machine = with_device(INTS, machine, size, count)
        counts.append(count)
    return machine, counts


def test_a_machine_without_devices_is_where_the_induction_starts() -> None:
    assert sane(INTS, EMPTY) and required_memslots(INTS, EMPTY) == 0


@pytest.mark.parametrize("seed", range(40))
def test_any_sequence_keeps_what_the_theorems_say(seed: int) -> None:
    """Devices with their decisions, DIMMs, refusals, memslots mapped and unmapped, unplugs."""
    dice = Random(seed)
    free = dice.choice((3, 40, 300, 509, 32764, UNLIMITED))
    machine = replace(
        EMPTY,
        device_space=dice.choice((9, 257, 1024)) * GIB,
        kvm_max=max(free, dice.choice((508, 509))),
        kvm_free=free,
        vhost_free=dice.choice((free, 64, UNLIMITED)),
    )
    devices: list[MemoryDevice[int]] = []
    for _ in range(60):
        step = dice.choice(("plug", "plug", "dimm", "map", "map", "unmap", "unplug"))
        if step in ("plug", "dimm"):
            size = dice.choice((2 * MIB, GIB, machine.device_space // 3, machine.device_space))
            limit, count = 1, 1
            fits = size <= machine.device_space - machine.used_space
            if step == "plug":
                # Whatever the core makes of a device that does not fit, even a quotient by 0.
                limit, count = count_of(machine, size) if fits else (dice.randrange(1 << 16),) * 2
            if addable(INTS, machine, size, count):
                assert fits and 1 <= count <= limit <= SOFT_MEMSLOT_LIMIT
                machine = with_device(INTS, machine, size, count)
                devices.append(MemoryDevice(size, count, 0))
        elif devices:
            at = dice.randrange(len(devices))
            one = devices.pop(at)
            if step == "map":
                more = dice.randint(0, one.count - one.mapped)
                machine = with_mapped(INTS, machine, more)
                devices.append(replace(one, mapped=one.mapped + more))
            elif step == "unmap":
                fewer = dice.randint(0, one.mapped)
                machine = with_unmapped(INTS, machine, fewer)
                devices.append(replace(one, mapped=one.mapped - fewer))
            else:
                machine = without_device(INTS, machine, one)
        assert sane(INTS, machine)
        assert machine.several == sum(one.count for one in devices if one.count > 1)
        assert machine.single == sum(one.count == 1 for one in devices)
        assert machine.used == sum(one.mapped for one in devices)
        assert required_memslots(INTS, machine) <= SOFT_MEMSLOT_LIMIT + machine.single


def test_three_devices_may_exceed_the_soft_limit_by_one_memslot_each() -> None:
    """The sum is not within 256: once so many are promised, each further device has one still."""
    machine, counts = plugged(EMPTY, 256 * GIB, 512 * MIB, 512 * MIB)
    assert counts == [255, 1, 1]
    assert required_memslots(INTS, machine) == 257 > SOFT_MEMSLOT_LIMIT


def test_more_devices_than_the_soft_limit_have_one_memslot_each() -> None:
    machine, counts = plugged(EMPTY, *[512 * MIB] * 300)
    assert set(counts) == {1} and required_memslots(INTS, machine) == 300


def test_a_limit_for_a_device_that_is_refused_may_be_beyond_reason() -> None:
    machine, _ = plugged(EMPTY, 255 * GIB)
    limit, _ = count_of(machine, 512 * GIB)
    # 256 less the 254 promised, times 512 GiB, of 2 GiB: and then it does not fit.
    assert limit == 512
    assert not addable(INTS, machine, 512 * GIB, 512)


def test_a_limit_for_a_device_in_a_full_machine_is_a_quotient_by_zero() -> None:
    """C converts what comes of that to an unsigned int, which is not defined."""
    machine, _ = plugged(EMPTY, 256 * GIB, GIB // 2)
    full = with_device(INTS, machine, GIB // 2, 1)
    with pytest.raises(ZeroDivisionError):
        count_of(replace(full, several=9), GIB)


def test_others_may_take_what_was_promised() -> None:
    """QEMU asks for free memslots when a memory device is plugged, and nobody else when they are
    taken: a PCI device that maps a BAR in between leaves too few."""
    machine, counts = plugged(replace(EMPTY, kvm_max=509, kvm_free=509), 256 * GIB)
    assert counts == [reserved_of(INTS, machine)] == [255]
    taken = replace(machine, kvm_free=254)
    assert not sane(INTS, taken)
    assert with_mapped(INTS, taken, 255).kvm_free == (1 << 64) - 1

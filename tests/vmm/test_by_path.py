"""VMMs that no registry has: their programs are named by the environment, else each is skipped."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from conformance.targets.driver.bus import DriverError
from conformance.targets.vmm.cloud_hypervisor import cloud_hypervisor
from conformance.targets.vmm.firecracker import firecracker
from conformance.targets.vmm.machine import Vmm
from conformance.targets.vmm.target import VmmTarget
from conformance.traces.faults import FaultsAt
from model.arithmetic import GIB, MIB
from model.extents import Extents
from model.profiles import Profile
from model.state import NO_FAULTS, Answer, BlockState, Config, Faults, Op, action
from model.versions import CLOUD_HYPERVISOR_52, FIRECRACKER_1_14

MAKERS = {"FIRECRACKER": firecracker, "CLOUD_HYPERVISOR": cloud_hypervisor}
NO_MEMSLOT = replace(NO_FAULTS, populate=True)
NO_DISCARD = replace(NO_FAULTS, discard=True)
FIRST_SLOT = Extents.of_ranges([(0, 1)])


def vmm(name: str) -> Vmm:
    variable = f"SLOTPROOF_{name}"
    if not (path := os.environ.get(variable)):
        pytest.skip(f"{variable} names no program")
    try:
        return MAKERS[name](path)
    except DriverError as error:
        pytest.skip(str(error))


class Driven:
    """A device with all of 4 GiB requested, whose host can fail."""

    def __init__(self, made: Vmm, profile: Profile) -> None:
        target = VmmTarget(made).failing()
        if target is None:
            pytest.skip("no strace: on Debian apt-get install strace")
        self.target = target
        self.config = target.fitted(profile, Config(4 * GIB, 2 * MIB, 256))
        target.start(profile, self.config)
        size = self.config.region
        assert target.apply(action(Op.RESIZE, value=size)).answer is Answer.DONE

    def on(
        self, op: Op, block: int, faults: Faults[bool] = NO_FAULTS, blocks: int = 1
    ) -> tuple[Answer, BlockState | None, int | None, Extents | None]:
        addr = self.config.addr + block * self.config.block
        seen = self.target.apply(action(op, addr=addr, blocks=blocks, faults=faults))
        size = None if seen.size is None else seen.size // self.config.block
        return seen.answer, seen.block_state, size, seen.mapped


@pytest.fixture
def in_firecracker() -> Iterator[Driven]:
    driven = Driven(vmm("FIRECRACKER"), FIRECRACKER_1_14)
    with closing(driven.target):
        yield driven


@pytest.fixture
def in_cloud_hypervisor() -> Iterator[Driven]:
    driven = Driven(vmm("CLOUD_HYPERVISOR"), CLOUD_HYPERVISOR_52)
    with closing(driven.target):
        yield driven


def test_firecracker_keeps_a_block_plugged_whose_memslot_kvm_refused(
    in_firecracker: Driven,
) -> None:
    nothing = Extents.EMPTY
    assert in_firecracker.on(Op.PLUG, 0, NO_MEMSLOT) == (Answer.ERROR, None, 1, nothing)
    assert in_firecracker.on(Op.STATE, 0) == (Answer.ACK, BlockState.PLUGGED, 1, nothing)
    # From then on the memslot is taken to be there.
    assert in_firecracker.on(Op.PLUG, 1) == (Answer.ACK, None, 2, nothing)
    assert in_firecracker.on(Op.PLUG, 512) == (Answer.ACK, None, 3, Extents.of_ranges([(1, 2)]))


@pytest.mark.parametrize(("memslot", "mapped"), [(1, Extents.EMPTY), (2, FIRST_SLOT)])
def test_firecracker_keeps_the_memslots_before_the_one_that_kvm_refused(
    in_firecracker: Driven, memslot: int, mapped: Extents
) -> None:
    faults = FaultsAt(discard=False, prealloc=False, populate=True, memslot=memslot)
    border = GIB // in_firecracker.config.block - 1
    seen = in_firecracker.on(Op.PLUG, border, faults, blocks=2)
    assert seen == (Answer.ERROR, None, 2, mapped)


def test_cloud_hypervisor_answers_a_failing_discard_by_error(in_cloud_hypervisor: Driven) -> None:
    assert in_cloud_hypervisor.on(Op.PLUG, 0)[:3] == (Answer.ACK, None, 1)
    failed = in_cloud_hypervisor.on(Op.UNPLUG, 0, NO_DISCARD)
    assert failed[:3] == (Answer.ERROR, None, 1)
    assert in_cloud_hypervisor.on(Op.UNPLUG, 0)[:3] == (Answer.ACK, None, 0)


@pytest.mark.parametrize(
    ("name", "region", "block", "told"),
    [
        ("FIRECRACKER", GIB + 512 * MIB, 2 * MIB, "Total size"),
        ("FIRECRACKER", 0, 2 * MIB, "Total size"),
        ("FIRECRACKER", GIB, 3 * MIB, "Block size"),
        ("FIRECRACKER", GIB, MIB, "Block size"),
        ("CLOUD_HYPERVISOR", GIB + 2 * MIB, 2 * MIB, ""),
    ],
)
def test_a_device_that_cannot_be_is_refused(name: str, region: int, block: int, told: str) -> None:
    made = vmm(name)
    with pytest.raises(DriverError, match=rf"(?i){told}"):
        made.start(replace(Config(GIB, block, 1), region=region), ()).close()

"""The machines on which a real QEMU's memslot decision is compared with the model's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from conformance.targets.qemu.machine import DIMM_SIZE
from conformance.traces.sizes import format_size
from model.arithmetic import GIB, MIB, TIB
from model.caller import SOFT_MEMSLOT_LIMIT

_PAGE: Final = 4096
"""Bytes. `maxmem` must be a multiple of it: TARGET_PAGE_SIZE, pc_memory_init of hw/i386/pc.c."""


@dataclass(frozen=True, slots=True)
class Device:
    """A virtio-mem: `region` and `block` in bytes, `option` is dynamic-memslots.

    A block of 0 bytes leaves the choice of the block size to QEMU.
    """

    region: int
    block: int
    option: bool = True

    def __str__(self) -> str:
        block = format_size(self.block) if self.block else "by default"
        off = "" if self.option else ", dynamic-memslots=off"
        return f"region {format_size(self.region)}, block {block}{off}"


@dataclass(frozen=True, slots=True)
class DecisionCase:
    """A virtio-mem that is plugged last into a machine. All sizes in bytes.

    `device_space` is maxmem less the boot memory. Plugged before are first `dimms` DIMMs of
    `machine.DIMM_SIZE`, one memslot each, then the `earlier` virtio-mem devices.
    """

    region: int
    block: int
    device_space: int
    option: bool = True
    earlier: tuple[Device, ...] = ()
    dimms: int = 0

    @property
    def device(self) -> Device:
        """The virtio-mem that the case is about."""
        return Device(self.region, self.block, self.option)

    def __str__(self) -> str:
        dimms = f", after {self.dimms} DIMMs" if self.dimms else ""
        earlier = "".join(f", after a device of {device}" for device in self.earlier)
        return f"{self.device} in {format_size(self.device_space)} of device space{dimms}{earlier}"


LARGEST_WITH_KVM: Final = 64 * GIB
"""Bytes of memory devices in a machine that KVM carries. It keeps up to 2.6 MiB of metadata for a
GiB of memslots, twice with SMM: no more than 330 MiB for a machine."""


def fits_kvm(case: DecisionCase) -> bool:
    """KVM's metadata fits, should all of the machine's memory devices be mapped."""
    memory = case.region + sum(device.region for device in case.earlier) + case.dimms * DIMM_SIZE
    return memory <= LARGEST_WITH_KVM


def whole(region: int, block: int) -> DecisionCase:
    """A device that takes all device space: it gets every memslot there is."""
    return DecisionCase(region, block, region)


def share(region: int, block: int, limit: int) -> tuple[DecisionCase, DecisionCase]:
    """The most device space in which a device's share is still `limit` memslots, and one page more.

    The two shares are the integer, or what is just above it, and what is just below it: the core
    divides in doubles and drops the fraction. For a region of `limit` times a power of two, the
    first is the integer itself.
    """
    space = SOFT_MEMSLOT_LIMIT * region // limit // _PAGE * _PAGE
    return DecisionCase(region, block, space), DecisionCase(region, block, space + _PAGE)


def after(
    region: int, block: int, *earlier: Device, option: bool = True, spare: int = 0
) -> DecisionCase:
    """A device that is plugged after others and leaves `spare` bytes of the device space."""
    space = region + sum(device.region for device in earlier) + spare
    return DecisionCase(region, block, space, option, earlier)


def after_dimms(region: int, block: int, dimms: int) -> DecisionCase:
    """A device that is plugged after DIMMs and takes the rest of the device space."""
    return DecisionCase(region, block, region + dimms * DIMM_SIZE, dimms=dimms)


_SUBSET: Final = (
    whole(512 * MIB, 2 * MIB),
    whole(GIB, MIB),
    whole(2 * GIB + 514 * MIB, 2 * MIB),
    # A share of 1 GiB and 8 KiB: only whole blocks make a memslot.
    whole(256 * GIB + 2 * MIB, MIB),
    whole(TIB, 2 * MIB),
    *share(5 * GIB, 2 * MIB, 2),
    *share(12 * GIB, GIB, 3),
    share(70 * GIB, 0, 7)[0],
    share(510 * GIB, 128 * MIB, 255)[0],
    DecisionCase(4 * GIB, 2 * MIB, 8 * GIB, option=False),
    after(500 * GIB, 4 * MIB, Device(400 * GIB, 2 * MIB), Device(100 * GIB, MIB, option=False)),
    after_dimms(64 * GIB, 2 * MIB, 253),
)
"""Few machines that start fast, for every run: each kind of the full grid once."""


def _whole_regions() -> Iterator[DecisionCase]:
    """The limit of 256, from one memslot of one block to memslots far above the smallest size."""
    for region, blocks in (
        (2 * MIB, (MIB,)),
        (GIB, (128 * MIB, GIB)),
        (GIB + 2 * MIB, (2 * MIB,)),
        (5 * GIB, (GIB,)),
        (6 * GIB, (4 * MIB, 2 * GIB)),
        (256 * GIB, (2 * MIB, GIB, 2 * GIB)),
        (256 * GIB + 2 * MIB, (2 * MIB,)),
        (257 * GIB, (4 * MIB, 128 * MIB, GIB)),
        (TIB, (128 * MIB, 2 * GIB)),
        (TIB + 128 * MIB, (MIB, 2 * MIB, 4 * MIB, 128 * MIB)),
        (TIB + 2 * GIB, (128 * MIB, GIB, 2 * GIB)),
        # Dirty bitmaps for regions this large cost QEMU seconds and gigabytes: few of them.
        (16 * TIB, (2 * MIB,)),
        (16 * TIB + GIB, (GIB,)),
        (24 * TIB + 6 * GIB, (2 * GIB,)),
    ):
        for block in blocks:
            yield whole(region, block)


def _shares() -> Iterator[DecisionCase]:
    """Limits below 256, each just reached and just missed."""
    for limit in (1, 2, 3, 7, 100, 255, 256):
        for unit, block in ((GIB, 2 * MIB), (2 * GIB, 2 * GIB)):
            yield from share(limit * unit, block, limit)
    for limit in (2, 3, 7, 100, 255):
        yield from share(258 * GIB + 128 * MIB, 128 * MIB, limit)
    # Far below one memslot.
    yield DecisionCase(5 * GIB, 2 * MIB, 4 * TIB)
    yield DecisionCase(2 * MIB, MIB, 32 * TIB)


def _defaults() -> Iterator[DecisionCase]:
    """The block size that QEMU chooses shows where the share is rounded up to whole blocks."""
    yield whole(GIB, 0)
    yield whole(257 * GIB + 2 * MIB, 0)
    yield share(14 * GIB + 14 * MIB, 0, 3)[0]


def _crowded() -> Iterator[DecisionCase]:
    """What earlier devices took in bytes and in memslots lowers the limit of the next."""
    half, off = Device(512 * GIB, 2 * MIB), Device(256 * GIB, 2 * MIB, option=False)
    yield after(512 * GIB, 2 * MIB, half)
    yield after(512 * GIB, 2 * MIB, half, spare=4096)
    yield after(512 * GIB, GIB, half, spare=512 * GIB)
    yield after(768 * GIB, 2 * MIB, off)
    yield after(256 * GIB, 2 * MIB, Device(768 * GIB, 128 * MIB), option=False)
    yield after(512 * GIB, 4 * MIB, Device(GIB, 2 * MIB))
    yield after(GIB, 2 * MIB, Device(512 * GIB, 2 * MIB))
    yield after(300 * GIB, MIB, Device(200 * GIB, GIB), off, Device(50 * GIB, 2 * GIB))
    # DIMMs take a memslot each: 156, 3, 2, 1 and none are left, then less than none.
    for dimms in (100, 253, 254, 255, 256):
        yield after_dimms(700 * GIB, 128 * MIB, dimms)
    yield replace(after(700 * GIB, GIB, Device(4 * GIB, MIB), spare=256 * DIMM_SIZE), dimms=256)


def _switched_off() -> Iterator[DecisionCase]:
    for region, space in ((GIB, GIB), (TIB, TIB), (64 * GIB, 512 * GIB)):
        yield DecisionCase(region, 2 * MIB, space, option=False)


def decision_grid(full: bool) -> tuple[DecisionCase, ...]:
    """The machines to compare, each once: a subset that takes seconds, or the full grid.

    A QEMU of the full grid may take 3 GiB of memory.
    """
    if not full:
        return _SUBSET
    groups = (_whole_regions(), _shares(), _defaults(), _crowded(), _switched_off())
    return tuple(dict.fromkeys((*_SUBSET, *(case for group in groups for case in group))))

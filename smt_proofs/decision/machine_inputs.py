"""A machine with several memory devices as theorems take it, and what they may assume of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic

from model.arithmetic import GIB, W
from model.caller import SOFT_MEMSLOT_LIMIT, UNLIMITED
from model.machine import (
    Machine,
    MemoryDevice,
    required_memslots,
    reserved_of,
)
from smt_proofs.decision.caller import fits
from smt_proofs.decision.theorem import Hypothesis
from smt_proofs.symbolic.evaluation import Terms

FILE: Final = "hw/mem/memory-device.c, QEMU 8.2 and later"


@dataclass(frozen=True, slots=True)
class DeviceInput(Generic[W]):
    """A machine, and a memory device that is plugged into it or is one of its own."""

    machine: Machine[W]
    device: MemoryDevice[W]


def any_device(d: Terms) -> DeviceInput[Any]:
    """All machines and devices: sizes of 64 bits, numbers of memslots of 32 and of 16 bits."""
    counts = ("several", "single", "used", "kvm_max", "kvm_free", "vhost_max", "vhost_free")
    machine = Machine(
        device_space=d.word("device_space"),
        used_space=d.word("used_space"),
        **{name: d.word(name, 32) for name in counts},
    )
    device = MemoryDevice(d.word("size"), d.word("count", 16), d.word("mapped", 16))
    return DeviceInput(machine, device)


OVER: Final = "all sizes of 64 bits, all numbers of memslots of 32 bits, a device's of 16"


def several_within_limit(d: Any, m: Machine[Any]) -> Any:
    """Devices with several memslots have no more than 256 together."""
    return d.le(m.several, d.lit(SOFT_MEMSLOT_LIMIT))


def used_within_reserve(d: Any, m: Machine[Any]) -> Any:
    """No more memslots are mapped than were promised to the devices."""
    return d.le(m.used, required_memslots(d, m))


def reserve_is_free(d: Any, m: Machine[Any]) -> Any:
    """All memslots promised and not mapped yet are free in KVM and in vhost."""
    reserved = reserved_of(d, m)
    return d.both(d.le(reserved, m.kvm_free), d.le(reserved, m.vhost_free))


def sane(d: Any, m: Machine[Any]) -> Any:
    """All three, and no more space is used than there is."""
    counts = d.both(several_within_limit(d, m), used_within_reserve(d, m))
    return d.both(d.both(counts, reserve_is_free(d, m)), d.le(m.used_space, m.device_space))


def device(size: int = GIB, count: int = 1, mapped: int = 0, **machine: int) -> DeviceInput[int]:
    """A device, and a machine of 16 GiB without others but for the fields given."""
    usual = {
        "device_space": 16 * GIB,
        "used_space": 0,
        "several": 0,
        "single": 0,
        "used": 0,
        "kvm_max": UNLIMITED,
        "kvm_free": UNLIMITED,
        "vhost_max": UNLIMITED,
        "vhost_free": UNLIMITED,
    }
    return DeviceInput(Machine(**(usual | machine)), MemoryDevice(size, count, mapped))


SEVERAL_BEFORE: Final = Hypothesis(
    "several-within-limit",
    "devices with several memslots have 256 at most",
    "the claim of the step before",
    lambda d, c: several_within_limit(d, c.machine),
)
USED_BEFORE: Final = Hypothesis(
    "used-within-reserve",
    "no more memslots are mapped than promised",
    "the claim of the step before",
    lambda d, c: used_within_reserve(d, c.machine),
)
FREE_BEFORE: Final = Hypothesis(
    "reserve-is-free",
    "what is promised and not mapped is free in KVM and vhost",
    "the claim of the step before; other users of memslots could take them: QEMU asks no one else",
    lambda d, c: reserve_is_free(d, c.machine),
)
SPACE_BEFORE: Final = Hypothesis(
    "used-within-space",
    "used space <= device space",
    "the claim of the step before",
    lambda d, c: d.le(c.machine.used_space, c.machine.device_space),
)
FEW_DEVICES: Final = Hypothesis(
    "few-devices",
    "devices of one memslot are fewer than 2^31",
    "the sum that is compared with the free memslots must not wrap at 32 bits",
    lambda d, c: d.lt(c.machine.single, d.lit(1 << 31)),
)


def as_decided(d: Any, c: DeviceInput[Any]) -> Any:
    """One memslot, or for a device that fits no more than the soft limit leaves."""
    m = c.machine
    if d.test(d.lt(c.device.size, d.lit(1))) or d.test(d.lt(c.device.count, d.lit(1))):
        return d.truth(False)
    if not d.test(fits(d, m.device_space, m.used_space, c.device.size)):
        return d.truth(True)
    promised = d.add(required_memslots(d, m), c.device.count)
    one = d.eq(c.device.count, d.lit(1))
    return d.either(one, d.le(promised, d.lit(SOFT_MEMSLOT_LIMIT)))


AS_DECIDED: Final = Hypothesis(
    "count-as-decided",
    "size >= 1; count is 1, or within what 256 leaves for a device that fits",
    "caller_limit_is_sane, count_never_exceeds_limit and that a memory backend is not empty; "
    "of a device that does not fit nothing is assumed: it is refused",
    as_decided,
)
BEFORE: Final = (SEVERAL_BEFORE, USED_BEFORE, FREE_BEFORE, SPACE_BEFORE)


def counted(d: Any, c: DeviceInput[Any]) -> Any:
    """The device's memslots are among those promised, by what kind of device it is."""
    one = d.lit(1)
    if d.test(d.eq(c.device.count, one)):
        return d.le(one, c.machine.single)
    return d.both(d.le(one, c.device.count), d.le(c.device.count, c.machine.several))


def unmapped_part(d: Any, c: DeviceInput[Any]) -> Any:
    """No more of the device's own is mapped than it has, and the rest is part of the reserve."""
    if d.test(d.lt(c.device.count, c.device.mapped)):
        return d.truth(False)
    return d.le(d.sub(c.device.count, c.device.mapped), reserved_of(d, c.machine))


ONE_OF_THEM: Final = "reserve_covers_every_device: the device is one of those counted"
DEVICE_COUNTED: Final = Hypothesis(
    "device-counted", "its memslots are among those promised", ONE_OF_THEM, counted
)
MAPPED_COUNTED: Final = Hypothesis(
    "mapped-counted",
    "its mapped memslots are among those mapped",
    ONE_OF_THEM,
    lambda d, c: d.le(c.device.mapped, c.machine.used),
)
REST_RESERVED: Final = Hypothesis(
    "rest-reserved",
    "its memslots that are not mapped are part of the reserve",
    f"{ONE_OF_THEM}, and maps no memslot that it does not have (indices-in-bounds)",
    unmapped_part,
)
SIZE_COUNTED: Final = Hypothesis(
    "size-counted",
    "size <= used space",
    "the device is one of those counted",
    lambda d, c: d.le(c.device.size, c.machine.used_space),
)
MAPS_ITS_OWN: Final = Hypothesis(
    "maps-its-own",
    "no more is mapped than is reserved",
    f"{ONE_OF_THEM}, and maps no memslot that it does not have (indices-in-bounds)",
    lambda d, c: d.le(c.device.mapped, reserved_of(d, c.machine)),
)

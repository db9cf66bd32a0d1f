"""Theorems about several memory devices: each step that a machine takes keeps its counts sane.

They are the steps of an induction over any sequence of devices plugged and unplugged and memslots
mapped and unmapped; a machine without devices is where it starts. That the memslots of a device are
part of the machine's counts is `reserve_covers_every_device`, an induction over the devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic

from model.arithmetic import GIB, W
from model.caller import SOFT_MEMSLOT_LIMIT, UNLIMITED
from model.machine import (
    Machine,
    MemoryDevice,
    addable,
    required_memslots,
    reserved_of,
    with_device,
    with_mapped,
    with_unmapped,
    without_device,
)
from smt_proofs.decision.caller import OF_CORE, fits
from smt_proofs.decision.theorem import Arithmetic, Hypothesis, Outside, Theorem, register
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

SEVERAL: Final = Outside("several-within-limit", device(several=300), "there are 300 before")
USED: Final = Outside("used-within-reserve", device(used=5), "five are mapped before")
FREE: Final = Outside("reserve-is-free", device(single=9, kvm_free=1), "eight are missing before")
SPACE: Final = Outside("used-within-space", device(used_space=17 * GIB), "too much is used before")


def plugged(d: Any, c: DeviceInput[Any]) -> Any:
    """The machine is sane whether the device was refused or not, and counts it if it was not."""
    m, count = c.machine, c.device.count
    if not d.test(addable(d, m, c.device.size, count)):
        return sane(d, m)
    after = with_device(d, m, c.device.size, count)
    more = d.add(required_memslots(d, m), count)
    return d.both(sane(d, after), d.eq(required_memslots(d, after), more))


register(
    Theorem(
        name="plugging_a_device_stays_sane",
        claim="a device plugged or refused leaves several memslots 256 at most, none mapped that "
        "was not promised, and those promised free in KVM and vhost",
        source=f"memory_device_check_addable and memory_device_plug, {FILE}",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_device,
        over=OVER,
        hypotheses=(*BEFORE, FEW_DEVICES, AS_DECIDED),
        goal=plugged,
        outside=(
            SEVERAL,
            USED,
            FREE,
            SPACE,
            Outside(
                "few-devices",
                device(single=UNLIMITED),
                "one more than 2^32 - 1 wraps to none, which are free",
            ),
            Outside("count-as-decided", device(count=257), "a device takes 257 by itself"),
        ),
        mutants=(
            "free-memslots-not-asked",
            "vhost-not-asked",
            "reserve-not-asked",
            "space-not-asked",
            "several-counted-as-one",
        ),
        pins={
            "device_space": 8,
            "used_space": 0,
            "mapped": 0,
            "used": 0,
            "kvm_max": 509,
            "vhost_max": 509,
        },
        profiles=OF_CORE,
    )
)


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

FULL: Final = {"used_space": 8 * GIB, "several": 8, "used": 2}
"""A machine with a device of 8 GiB and as many memslots, two of them mapped."""

register(
    Theorem(
        name="unplugging_a_device_stays_sane",
        claim="a device unplugged leaves the counts of the others as sane as they were",
        source=f"memory_device_unplug, {FILE}",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_device,
        over=OVER,
        hypotheses=(*BEFORE, DEVICE_COUNTED, MAPPED_COUNTED, REST_RESERVED, SIZE_COUNTED),
        goal=lambda d, c: sane(d, without_device(d, c.machine, c.device)),
        outside=(
            Outside(
                "several-within-limit",
                device(**(FULL | {"several": 300, "single": 1})),
                "there are 300 before",
            ),
            Outside(
                "used-within-reserve",
                device(mapped=1, **(FULL | {"single": 1, "used": 20})),
                "more are mapped than promised before",
            ),
            Outside(
                "reserve-is-free",
                device(**(FULL | {"single": 1, "kvm_free": 1})),
                "five are missing before",
            ),
            Outside(
                "used-within-space",
                device(**(FULL | {"single": 1, "used_space": 20 * GIB})),
                "too much is used before",
            ),
            Outside(
                "device-counted",
                device(count=9, mapped=2, **(FULL | {"single": 1})),
                "8 less 9 wraps",
            ),
            Outside(
                "mapped-counted",
                device(8 * GIB, 8, 8, **(FULL | {"used": 7})),
                "7 less 8 wraps",
            ),
            Outside(
                "rest-reserved",
                device(8 * GIB, 8, 1, **FULL),
                "one memslot of another device, which was not promised any, stays mapped",
            ),
            Outside(
                "size-counted",
                device(9 * GIB, 8, 2, **FULL),
                "more space is given back than was used",
            ),
        ),
        mutants=("unplugged-stays-mapped", "unplugged-twice"),
        pins={"device_space": 8, "used_space": 8, "size": 4, "kvm_max": 509, "vhost_max": 509},
        profiles=OF_CORE,
    )
)

MAPS_ITS_OWN: Final = Hypothesis(
    "maps-its-own",
    "no more is mapped than is reserved",
    f"{ONE_OF_THEM}, and maps no memslot that it does not have (indices-in-bounds)",
    lambda d, c: d.le(c.device.mapped, reserved_of(d, c.machine)),
)

register(
    Theorem(
        name="mapping_memslots_stays_sane",
        claim="memslots that a device maps were promised, and are free in KVM and vhost",
        source=f"memory_devices_region_mod, {FILE}",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_device,
        over=OVER,
        hypotheses=(*BEFORE, MAPS_ITS_OWN),
        goal=lambda d, c: sane(d, with_mapped(d, c.machine, c.device.mapped)),
        outside=(
            SEVERAL,
            USED,
            FREE,
            SPACE,
            Outside("maps-its-own", device(mapped=3, several=2), "one was not promised"),
        ),
        mutants=("mapped-twice",),
        pins={"device_space": 8, "used_space": 8, "kvm_max": 509, "vhost_max": 509},
        profiles=OF_CORE,
    )
)
register(
    Theorem(
        name="unmapping_memslots_stays_sane",
        claim="memslots that a device unmaps are free again, for that device",
        source=f"memory_devices_region_mod, {FILE}",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_device,
        over=OVER,
        hypotheses=(*BEFORE, MAPPED_COUNTED),
        goal=lambda d, c: sane(d, with_unmapped(d, c.machine, c.device.mapped)),
        outside=(
            SEVERAL,
            USED,
            FREE,
            SPACE,
            Outside("mapped-counted", device(mapped=1), "none less one wraps"),
        ),
        mutants=("unmapped-is-not-free",),
        pins={"device_space": 8, "used_space": 8, "kvm_max": 509, "vhost_max": 509},
        profiles=OF_CORE,
    )
)

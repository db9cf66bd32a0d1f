"""Theorems about several memory devices: each step that a machine takes keeps its counts sane.

They are the steps of an induction over any sequence of devices plugged and unplugged and memslots
mapped and unmapped; a machine without devices is where it starts. That the memslots of a device are
part of the machine's counts is `reserve_covers_every_device`, an induction over the devices.
"""

from __future__ import annotations

from typing import Any, Final

from model.arithmetic import GIB
from model.caller import UNLIMITED
from model.machine import (
    addable,
    required_memslots,
    with_device,
    with_mapped,
    with_unmapped,
    without_device,
)
from smt_proofs.decision.caller import OF_CORE
from smt_proofs.decision.machine_inputs import (
    AS_DECIDED,
    BEFORE,
    DEVICE_COUNTED,
    FEW_DEVICES,
    MAPPED_COUNTED,
    MAPS_ITS_OWN,
    OVER,
    REST_RESERVED,
    SIZE_COUNTED,
    DeviceInput,
    any_device,
    device,
    sane,
)
from smt_proofs.decision.theorem import Arithmetic, Outside, Theorem, register

FILE: Final = "hw/mem/memory-device.c, QEMU 8.2 and later"

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

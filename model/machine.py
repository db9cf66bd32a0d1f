"""The memory devices of a machine, as QEMU's memory-device core counts them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic

from model.arithmetic import UINT_BITS, B, W, Words, minimum
from model.caller import MemslotDemand, reserved_memslots


@dataclass(frozen=True, slots=True)
class Machine(Generic[W]):
    """A machine with space for memory devices, and what those that are plugged have taken.

    `device_space` and `used_space` are bytes, all else memslots. `several` are those promised to
    devices with more than one, `single` those of devices with one each: the number of such devices.
    `used` are mapped now. KVM and vhost each have a maximum and so many free. A machine without one
    of them has UNLIMITED there; that QEMU then takes none from it makes no difference, as memslots
    are far fewer.
    """

    device_space: W
    used_space: W
    several: W
    single: W
    used: W
    kvm_max: W
    kvm_free: W
    vhost_max: W
    vhost_free: W


@dataclass(frozen=True, slots=True)
class MemoryDevice(Generic[W]):
    """A memory device of `size` bytes with `count` memslots, `mapped` of them mapped now."""

    size: W
    count: W
    mapped: W


def required_memslots(d: Words[W, B], m: Machine[W]) -> W:
    """Memslots promised to all memory devices. Source: required_memslots of DeviceMemoryState."""
    return d.add(m.several, m.single)


def reserved_of(d: Words[W, B], m: Machine[W]) -> W:
    """Memslots promised and not mapped yet."""
    return reserved_memslots(d, required_memslots(d, m), m.used)


def demand_of(d: Words[W, B], m: Machine[W], size: W) -> MemslotDemand[W]:
    """What the limit for a device of `size` bytes is computed from.

    Source: memory_device_memslot_decision_limit, which takes the smaller of KVM's and vhost's.
    """
    return MemslotDemand(
        size=size,
        device_space=m.device_space,
        used_space=m.used_space,
        required=required_memslots(d, m),
        used=m.used,
        maximum=minimum(d, m.kvm_max, m.vhost_max),
        free=minimum(d, m.kvm_free, m.vhost_free),
    )


def addable(d: Words[W, B], m: Machine[W], size: W, count: W) -> B:
    """A device of `size` bytes and `count` memslots may be plugged.

    Source: memory_device_check_addable, hw/mem/memory-device.c, QEMU 8.2 and later.
    """
    due = d.narrow(d.add(count, reserved_of(d, m)), UINT_BITS)
    if d.test(d.lt(m.kvm_free, due)) or d.test(d.lt(m.vhost_free, due)):
        return d.truth(False)
    end = d.wrapping_add(m.used_space, size)
    return d.both(d.le(m.used_space, end), d.le(end, m.device_space))


def with_device(d: Words[W, B], m: Machine[W], size: W, count: W) -> Machine[W]:
    """The machine once the device is plugged, which maps nothing by itself.

    Source: memory_device_plug.
    """
    taken = replace(m, used_space=d.add(m.used_space, size))
    if d.test(d.eq(count, d.lit(1))):
        return replace(taken, single=d.add(m.single, count))
    return replace(taken, several=d.add(m.several, count))


def without_device(d: Words[W, B], m: Machine[W], device: MemoryDevice[W]) -> Machine[W]:
    """The machine once a device is unplugged; its memslots go first.

    Source: memory_device_unplug.
    """
    unmapped = with_unmapped(d, m, device.mapped)
    given = replace(unmapped, used_space=d.sub(m.used_space, device.size))
    if d.test(d.eq(device.count, d.lit(1))):
        return replace(given, single=d.sub(m.single, device.count))
    return replace(given, several=d.sub(m.several, device.count))


def with_mapped(d: Words[W, B], m: Machine[W], number: W) -> Machine[W]:
    """The machine once a memory device has mapped so many memslots more.

    Source: memory_devices_region_mod; kvm_get_free_memslots and vhost_get_free_memslots.
    """
    return replace(
        m,
        used=d.add(m.used, number),
        kvm_free=d.sub(m.kvm_free, number),
        vhost_free=d.sub(m.vhost_free, number),
    )


def with_unmapped(d: Words[W, B], m: Machine[W], number: W) -> Machine[W]:
    """The machine once a memory device has unmapped so many memslots."""
    return replace(
        m,
        used=d.sub(m.used, number),
        kvm_free=d.add(m.kvm_free, number),
        vhost_free=d.add(m.vhost_free, number),
    )

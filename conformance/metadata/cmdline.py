"""The virtio-mem devices of a QEMU command line, each with the memslot limit that it would get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from conformance.metadata.device import DeviceMetadata, of_config
from conformance.metadata.found import Found
from conformance.metadata.kernel import Switches
from conformance.metadata.options import (
    CommandLineError,
    Options,
    check_names,
    is_on,
    number_of,
    options_of,
    parsed,
    size_of,
    words_of,
)
from conformance.metadata.vhost import driver_vhost, found, netdev_vhost, regions_of
from conformance.traces.sizes import format_size
from model.arithmetic import MIB
from model.caller import MemslotDemand, demand_for, device_limit
from model.geometry import default_block_size
from model.machine_ints import INTS
from model.metadata import HUGE_PAGE, PAGE
from model.profiles import Profile
from model.state import Config

BOOT_MEMORY: Final = 128 * MIB
"""Bytes without `-m`. Source: default_ram_size of the pc machines."""
ONE_SLOT_DEVICES: Final = frozenset({"pc-dimm", "nvdimm", "virtio-pmem-pci"})
"""Other memory devices: they take space and a memslot each."""
MEMORY_NAMES: Final = ("size", "slots", "maxmem")
BACKEND_NAMES: Final = ("qom-type", "id", "size", "share", "hugetlb", "hugetlbsize")
DEVICE_NAMES: Final = (
    *("driver", "id", "memdev", "memaddr", "block-size", "requested-size"),
    "unplugged-inaccessible",
)
"""The options that are read; the profile names one more of a device."""
NO_KVM: Final = (
    "the command line does not ask for KVM (-enable-kvm, -accel kvm or -machine accel=kvm): "
    "without it there is no KVM metadata, and the figures are those with KVM"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a command line says of memory, in bytes; `devices` in the order of their plugging.

    `vhosts` are the name and kind of each vhost device, with how many of `devices` come before it.
    `kvm`: QEMU runs with KVM.
    """

    boot: int
    largest: int
    backends: dict[str, Options]
    devices: tuple[Options, ...]
    vhosts: tuple[tuple[str, str, int], ...]
    switches: Switches
    kvm: bool = True

    @property
    def device_space(self) -> int:
        """The space for memory devices."""
        return self.largest - self.boot


def machine_of(text: str) -> Machine:
    """Read a command line. Raises CommandLineError."""
    memory: Options = {}
    machine: Options = {}
    backends: dict[str, Options] = {}
    devices: list[Options] = []
    vhosts: list[tuple[str, str, int]] = []
    words = words_of(text)
    accelerators: list[str] = []
    for name, value in options_of(words):
        if name == "m":
            memory |= parsed(value, "size")
            check_names(memory, MEMORY_NAMES, "-m")
        elif name == "object":
            options = parsed(value, "qom-type")
            if options.get("qom-type", "").startswith("memory-backend-") and "id" in options:
                check_names(options, BACKEND_NAMES, options["qom-type"])
                backends[options["id"]] = options
        elif name == "device":
            options = parsed(value, "driver")
            driver = options.get("driver", "")
            if is_virtio_mem(options) or driver in ONE_SLOT_DEVICES:
                devices.append(options)
            elif kind := driver_vhost(driver):
                vhosts.append((options.get("id", driver), kind, len(devices)))
        elif name in {"netdev", "nic"}:
            options = parsed(value, "type")
            if kind := netdev_vhost(options):
                # Network back ends are there before any device is plugged.
                vhosts.append((options.get("id", kind), kind, 0))
        elif name in {"machine", "M", "accel"}:
            options = parsed(value, "accel" if name == "accel" else "type")
            accelerators += options.get("accel", "").split(":")
            machine |= options
    boot = size_of(memory["size"], "size", "M") if "size" in memory else BOOT_MEMORY
    largest = size_of(memory["maxmem"], "maxmem") if "maxmem" in memory else boot
    if largest < boot:
        raise CommandLineError(f"maxmem={memory['maxmem']} is below the boot memory of {boot} B")
    return Machine(
        boot,
        largest,
        backends,
        tuple(devices),
        tuple(vhosts),
        switches_of(machine),
        kvm="kvm" in accelerators or asks_for_kvm(words),
    )


def asks_for_kvm(words: list[str]) -> bool:
    """A word of its own asks for KVM, or the program's name does, as in qemu-kvm.

    Source: configure_accelerators, system/vl.c.
    """
    by_name = any(word.endswith("kvm") for word in words[:1])
    return by_name or not {"-enable-kvm", "--enable-kvm"}.isdisjoint(words)


def switches_of(machine: Options) -> Switches:
    """What the options of -machine and -accel say. The PC machines have SMM if KVM has."""
    return Switches(
        smm=is_on(machine, "smm", True),
        private="confidential-guest-support" in machine or None,
        dirty_ring=size_of(machine.get("dirty-ring-size", "0"), "dirty-ring-size") > 0 or None,
    )


def is_virtio_mem(options: Options) -> bool:
    """The device is a virtio-mem, whatever its transport."""
    return options.get("driver", "").startswith("virtio-mem-")


def devices_of(
    machine: Machine,
    profile: Profile,
    plugged: int | None = None,
    regions: int | None = None,
    here: int | None = None,
) -> Found:
    """The devices of a machine, `plugged` bytes each or else what is requested.

    The limit follows QEMU's core: earlier devices take space and memslots, vhost devices bound it;
    `regions` and `here` are those of `vhost.found`. Raises CommandLineError, and
    model.device.ConfigError for a device that QEMU refuses.
    """
    if not any(map(is_virtio_mem, machine.devices)):
        raise CommandLineError(
            "the QEMU command line has no virtio-mem device: "
            "-device virtio-mem-pci,memdev=ID,requested-size=SIZE is one"
        )
    if machine.device_space == 0:
        raise CommandLineError("the QEMU command line has no space for memory devices: -m maxmem=")
    devices: list[DeviceMetadata] = []
    vhosts = found([(name, kind) for name, kind, _ in machine.vhosts], regions, here)
    ordered = list(zip(vhosts, machine.vhosts, strict=True))
    first = next(i for i, options in enumerate(machine.devices) if is_virtio_mem(options))
    used_space = required = 0
    for position, options in enumerate(machine.devices):
        backend = _backend(machine, options)
        size = size_of(backend.get("size", "0"), "size")
        if not is_virtio_mem(options):
            used_space, required = used_space + size, required + 1
            continue
        most = regions_of([vhost for vhost, (*_, at) in ordered if at <= position], regions)
        if used_space + size > machine.device_space:
            raise CommandLineError(_no_space(machine, options, size, used_space))
        demand = demand_for(
            size, machine.device_space, used_space, required, maximum=most, free=most
        )
        device = _device(len(devices) + 1, options, backend, demand, profile, plugged)
        devices.append(device)
        used_space += size
        required += device.fixed.slots.count if device.option else 1
    before = tuple(vhost for vhost, (*_, at) in ordered if at <= first)
    after = tuple(vhost for vhost, (*_, at) in ordered if at > first)
    notes = () if machine.kvm else (NO_KVM,)
    return Found(tuple(devices), before, after, machine.switches, notes=notes)


def _no_space(machine: Machine, options: Options, size: int, used: int) -> str:
    """The line on a device that is larger than the space left, with the maxmem for all devices."""
    sizes = [size_of(_backend(machine, one).get("size", "0"), "size") for one in machine.devices]
    needed = format_size(machine.boot + sum(sizes)).replace(" ", "").replace("iB", "")
    return (
        f"{options.get('id', options['driver'])}: {format_size(size)} do not fit the "
        f"{format_size(machine.device_space - used)} that are left for memory devices: "
        f"write maxmem={needed} or more"
    )


def _backend(machine: Machine, options: Options) -> Options:
    name = options.get("memdev", "")
    if name not in machine.backends:
        known = ", ".join(machine.backends) or "none"
        raise CommandLineError(
            f"{options['driver']} has memdev={name!r}, which is no memory backend: "
            f"known are {known}"
        )
    return machine.backends[name]


def _device(
    number: int,
    options: Options,
    backend: Options,
    demand: MemslotDemand[int],
    profile: Profile,
    plugged: int | None,
) -> DeviceMetadata:
    name = options.get("id", f"virtio-mem {number}")
    check_names(options, (*DEVICE_NAMES, profile.option_name), options["driver"])
    option, inaccessible = (
        is_on(options, profile.option_name, False),
        _inaccessible(options, backend),
    )
    if option and not inaccessible and not profile.accessible_slots:
        raise CommandLineError(
            f"{name}: QEMU refuses {profile.option_name}=on with unplugged-inaccessible="
            f"{options['unplugged-inaccessible']}: write unplugged-inaccessible=on or leave it out"
        )
    page = _page(backend)
    try:
        limit = device_limit(demand)
    except ValueError as error:
        raise CommandLineError(f"{name}: {error}") from None
    block = size_of(options.get("block-size", "0"), "block-size")
    requested = size_of(options.get("requested-size", "0"), "requested-size")
    config = Config(
        region=demand.size,
        block=block or default_block_size(INTS, page, PAGE, HUGE_PAGE),
        limit=limit,
        requested=requested,
        page=page,
        option=option,
        inaccessible=inaccessible,
    )
    if address := number_of(options.get("memaddr", "0"), "memaddr"):
        config = replace(config, addr=address)
    return of_config(name, profile, config, requested if plugged is None else plugged)


def _inaccessible(options: Options, backend: Options) -> bool:
    """The guest may not read unplugged memory; `auto` lets it where that takes no memory.

    Source: virtio_mem_device_realize and virtio_mem_has_shared_zeropage, hw/virtio/virtio-mem.c,
    QEMU 10.0.
    """
    if options.get("unplugged-inaccessible") == "auto":
        anonymous = backend["qom-type"] == "memory-backend-ram"
        return not anonymous or is_on(backend, "share", False)
    return is_on(options, "unplugged-inaccessible", True)


def _page(backend: Options) -> int:
    """The page size of a backend in bytes; that of a file's file system is not known from here."""
    if not is_on(backend, "hugetlb", False):
        return PAGE
    return size_of(backend.get("hugetlbsize", "2M"), "hugetlbsize")

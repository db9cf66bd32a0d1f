"""The QEMU command line of a machine whose only interesting devices are memory devices."""

from collections.abc import Sequence

from conformance.targets.qemu.accel import TCG, Accel

MIB = 1 << 20

BOOT_RAM = 256 * MIB
"""Bytes of ordinary RAM, at guest address 0: virtqueues and buffers live there."""

DIMM_SIZE = 128 * MIB
"""Bytes of each DIMM that `machine_args` adds."""

DEVICE_ID = "vm0"
PORT = 4
"""Device number on bus 0 of the root port that the virtio-mem is behind, so that it can go."""


def earlier_id(number: int) -> str:
    """The id of the virtio-mem at index `number` of the `earlier` ones of `machine_args`."""
    return f"vm{number + 1}"


def machine_args(
    *,
    region: int,
    requested: int,
    device_space: int | None = None,
    device_options: str = "dynamic-memslots=on",
    earlier: Sequence[tuple[int, str]] = (),
    dimms: int = 0,
    stopped: bool = True,
    accel: Accel = TCG,
) -> list[str]:
    """Arguments for a q35 machine with one virtio-mem device to be driven, its CPUs `stopped`.

    Sizes are bytes: `region` of the device, `requested` at start, `device_space` for all memory
    devices (default: `region`, so that the device gets the whole limit of 256 memslots; see QEMU's
    `memory_device_memslot_decision_limit`). `device_options` are further `-device` properties.
    Before that device, QEMU plugs `dimms` DIMMs of `DIMM_SIZE` and then further virtio-mem devices
    with nothing requested, each of `earlier` given as its region and its device options.
    """
    space = region if device_space is None else device_space
    # `-S` keeps the firmware from running, so the PCI setup is the driver's alone.
    args = [
        # First of all, because QEMU 10.0 under TCG asserts (tlb_reset_dirty_range_all) when a
        # migration finds dirty pages in a RAM block larger than the one that was made first.
        *("-object", f"memory-backend-ram,id=boot,size={BOOT_RAM}B"),
        *(
            "-machine",
            "q35,memory-backend=boot",
            *accel.arguments(),
            *(["-S"] if stopped else []),
        ),
        *("-display", "none", "-nodefaults"),
        *("-m", f"{BOOT_RAM}B,slots={max(dimms, 1)},maxmem={BOOT_RAM + space}B"),
    ]
    for number in range(dimms):
        args += _backend(f"dimm-mem{number}", DIMM_SIZE)
        args += ("-device", f"pc-dimm,id=dimm{number},memdev=dimm-mem{number}")
    for number, (size, options) in enumerate(earlier):
        place = f"addr={PORT + 1 + number:02x}.0"
        args += _virtio_mem(number + 1, earlier_id(number), size, 0, f"{place},{options}")
    # Hot-unplug as PCI Express has it, not by the firmware's methods.
    args += ("-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off")
    args += ("-device", f"pcie-root-port,id=root-port,chassis=1,addr={PORT:02x}.0")
    return args + _virtio_mem(0, DEVICE_ID, region, requested, f"bus=root-port,{device_options}")


def _virtio_mem(number: int, name: str, region: int, requested: int, options: str) -> list[str]:
    return [
        *_backend(f"mem{number}", region),
        *(
            "-device",
            f"virtio-mem-pci,id={name},memdev=mem{number},requested-size={requested}B,{options}",
        ),
    ]


def _backend(name: str, size: int) -> list[str]:
    return ["-object", f"memory-backend-ram,id={name},size={size}B,reserve=off"]

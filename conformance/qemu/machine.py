"""The QEMU command line of a machine whose only interesting device is one virtio-mem."""

MIB = 1 << 20

BOOT_RAM = 256 * MIB
"""Bytes of ordinary RAM, at guest address 0: virtqueues and buffers live there."""

DEVICE_ID = "vm0"
PCI_DEVICE = 4
"""Device number on bus 0 of the virtio-mem function."""


def machine_args(
    *,
    region: int,
    requested: int,
    device_space: int | None = None,
    device_options: str = "dynamic-memslots=on",
) -> list[str]:
    """Arguments for a q35 machine with stopped CPUs and one virtio-mem device.

    Sizes are bytes: `region` of the device, `requested` at start, `device_space` for all memory
    devices (default: `region`, so that the device gets the whole limit of 256 memslots; see QEMU's
    `memory_device_memslot_decision_limit`). `device_options` are further `-device` properties.
    """
    space = region if device_space is None else device_space
    # TCG with 46 physical address bits needs no KVM and still takes regions of terabytes; `-S`
    # keeps the firmware from running, so the PCI setup is this package's alone.
    return [
        *("-machine", "q35", "-accel", "tcg", "-S", "-cpu", "max,phys-bits=46"),
        *("-display", "none", "-nodefaults"),
        *("-m", f"{BOOT_RAM}B,slots=1,maxmem={BOOT_RAM + space}B"),
        *("-object", f"memory-backend-ram,id=mem0,size={region}B,reserve=off"),
        *(
            "-device",
            f"virtio-mem-pci,id={DEVICE_ID},memdev=mem0,requested-size={requested}B,"
            f"addr={PCI_DEVICE:02x}.0,{device_options}",
        ),
    ]

"""Configurations that a QEMU of `machine`, beside this, can have and that it handles fast; and
machines that have them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from conformance.targets.qemu.accel import Accel
from conformance.targets.qemu.machine import machine_args
from model.arithmetic import GIB, MIB
from model.caller import SOFT_MEMSLOT_LIMIT, demand_for, device_limit
from model.geometry import MIN_MEMSLOT_SIZE
from model.state import USABLE_EXTENT_X86, Config

ADDRESS: Final = 4 * GIB
"""Where q35 has its first memory device: above the boot RAM and the PCI hole."""
LARGEST_REGION: Final = 8 * GIB
"""Bytes. A migration reads all memory that is plugged, some 6 GiB a second."""
LARGEST_BLOCK: Final = 2 * GIB
"""Bytes. A larger block would not be aligned at ADDRESS, and LARGEST_REGION has few of them."""
PREALLOCATED_REGION: Final = 64 * MIB
"""Bytes of the largest region whose memory is preallocated."""
_REGION_UNIT: Final = 2 * MIB
"""Bytes. A memory device starts and ends at multiples of it: QEMU_VMALLOC_ALIGN on x86."""
_PAGE: Final = 4096


def device_space(region: int, limit: int) -> int:
    """The space for memory devices (bytes) whose share for a device of `region` is `limit`.

    Whole pages, as the machine wants it; `limit` is within 1..256.
    """
    return SOFT_MEMSLOT_LIMIT * region // limit // _PAGE * _PAGE


def fitted(config: Config, *, prealloc: bool = False) -> Config:
    """The nearest configuration that the machine can have; the same again if fitted again.

    The last memslot stays short if it was. The limit is one that QEMU's core hands out.
    `prealloc`: memory is really allocated where it is plugged, so that there is little of it.
    """
    if prealloc:
        region = min(config.region, PREALLOCATED_REGION)
        block = min(config.block, PREALLOCATED_REGION)
        requested = _requested(config, region, block)
        small = replace(config, region=region, block=block, requested=requested)
        return replace(fitted(small), prealloc=True)
    block = min(config.block, LARGEST_BLOCK)
    unit, slot = max(block, _REGION_UNIT), max(block, MIN_MEMSLOT_SIZE)
    region = -(-config.region // unit) * unit
    if region > LARGEST_REGION:
        region = LARGEST_REGION - slot + (region % slot or slot)
    space = device_space(region, min(config.limit, SOFT_MEMSLOT_LIMIT))
    return replace(
        config,
        region=region,
        block=block,
        limit=device_limit(demand_for(size=region, device_space=space)),
        requested=_requested(config, region, block),
        addr=ADDRESS,
        page=_PAGE,
        extent=USABLE_EXTENT_X86,
        # virtio_mem_device_realize refuses several memslots of readable unplugged memory.
        inaccessible=config.inaccessible or config.option,
        prealloc=False,
    )


def _requested(config: Config, region: int, block: int) -> int:
    if config.requested == config.region:
        return region
    requested = config.requested if config.requested <= region else config.requested % region
    return requested // block * block


def machine_of(config: Config, memslots: bool, *, stopped: bool, accel: Accel) -> list[str]:
    """The command line of a machine in which the device gets `config.limit`."""
    switches = {
        "unplugged-inaccessible": config.inaccessible,
        "prealloc": config.prealloc,
        "packed": True,
    }
    if memslots:
        switches["dynamic-memslots"] = config.option
    options = [f"{name}={'on' if on else 'off'}" for name, on in switches.items()]
    return machine_args(
        region=config.region,
        requested=config.requested,
        stopped=stopped,
        accel=accel,
        device_space=device_space(config.region, config.limit),
        device_options=",".join(
            [*options, f"block-size={config.block}B", f"memaddr={config.addr}"]
        ),
    )

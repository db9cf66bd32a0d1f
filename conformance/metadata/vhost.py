"""The vhost devices of a virtual machine: their memory regions bound the memslots that QEMU's core
hands out.

Source: vhost_get_max_memslots, hw/virtio/vhost.c, with vhost_kernel_memslots_limit,
vhost_user_memslots_limit (hw/virtio/vhost-user.c) and vhost_vdpa_memslots_limit; QEMU 10.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from conformance.metadata.options import Options, check_names, is_on
from model.caller import SAFE_MAX_MEMSLOTS, UNLIMITED

KERNEL_REGIONS: Final = 64
"""Without max_mem_regions. Source: drivers/vhost/vhost.c."""
USER_REGIONS: Final = 8
"""A back end that says nothing of memory slots. Source: VHOST_MEMORY_BASELINE_NREGIONS."""
KERNEL: Final = "vhost"
TAP: Final = "tap"
NETDEV_NAMES: Final = (
    *("type", "id", "vhost", "vhostfd", "vhostfds", "vhostforce", "chardev", "queues", "ifname"),
    *("fd", "fds", "br", "helper", "script", "downscript", "sndbuf", "vnet_hdr", "poll-us"),
)
"""Options of the back ends that may be vhost. Source: qapi/net.json, QEMU 10.0.2."""
USER: Final = "vhost-user"

SETTING: Final = (
    f"on the host: echo options vhost max_mem_regions={SAFE_MAX_MEMSLOTS} > "
    "/etc/modprobe.d/vhost.conf; it holds once vhost is loaded again, while no VM uses it: "
    "modprobe -r vhost_net (vhost_vsock and vhost_scsi too where they are loaded) && modprobe "
    "vhost_net; cat /sys/module/vhost/parameters/max_mem_regions shows it"
)
"""A loaded module's parameter cannot be written (0444). Source: drivers/vhost/vhost.c."""


@dataclass(frozen=True, slots=True)
class Vhost:
    """A vhost device: its name, the back end's kind and how many memory regions that takes.

    `known`: the figure was read or given, and is not the one that a back end has by default.
    """

    name: str
    kind: str
    regions: int
    known: bool = False

    @property
    def decides(self) -> bool:
        """QEMU hands out limit 1 because of it."""
        return self.regions < SAFE_MAX_MEMSLOTS


def netdev_vhost(options: Options) -> str | None:
    """The kind of vhost back end that a -netdev has. Raises CommandLineError for an option that is
    nearly one of its."""
    kind = options.get("type", "")
    if kind in (TAP, USER):
        check_names(options, NETDEV_NAMES, f"a netdev {kind}")
    if kind == USER:
        return USER
    forced = any(name in options for name in ("vhostfd", "vhostfds"))
    forced = forced or is_on(options, "vhostforce", False)
    return KERNEL if kind == TAP and is_on(options, "vhost", forced) else None


def driver_vhost(driver: str) -> str | None:
    """The kind of vhost back end that a -device has. vDPA takes as many regions as there are."""
    if driver.startswith("vhost-user-"):
        return USER
    return KERNEL if driver.startswith(("vhost-scsi", "vhost-vsock")) else None


def found(named: Iterable[tuple[str, str]], given: int | None, here: int | None) -> list[Vhost]:
    """The devices of these names and kinds; `given` regions each, or else what the vhost module
    `here` takes, or what is usual."""
    devices = []
    for name, kind in named:
        usual = here or KERNEL_REGIONS if kind == KERNEL else USER_REGIONS
        known = given is not None or (kind == KERNEL and here is not None)
        devices.append(Vhost(name, kind, usual if given is None else given, known))
    return devices


def regions_of(devices: Iterable[Vhost], given: int | None) -> int:
    """The fewest regions, which the core counts with; UNLIMITED without a vhost device."""
    limits = [device.regions for device in devices]
    if not limits and given is not None:
        return given
    return min(limits, default=UNLIMITED)


def remedy(device: Vhost) -> str:
    """What makes the back end take enough regions."""
    if device.kind == KERNEL:
        return f"load vhost with max_mem_regions={SAFE_MAX_MEMSLOTS} before any VM starts"
    return f"use a back end that takes {SAFE_MAX_MEMSLOTS} memory slots, and say --vhost-regions N"

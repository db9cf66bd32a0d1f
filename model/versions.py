"""Devices of other programs by version: profiles that are compared and executed, and not proven.

`CHECKED` says which of them were held against a real device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from model.arithmetic import MIB
from model.own import FailedDiscard, Nonsense, Own, Reach
from model.profiles import CLOUD_HYPERVISOR, FIRECRACKER, PROFILES, QEMU, Usable

FIRECRACKER_1_14: Final = replace(
    FIRECRACKER,
    name="firecracker-1.14",
    summary="Firecracker 1.14 to 1.16: usable in whole memslots, and nonsense is not answered",
    source="src/vmm/src/devices/virtio/mem/device.rs, read at 1.16.1",
    own=Own(
        reach=Reach.SLOT,
        unknown=Nonsense.UNANSWERED,
        short=Nonsense.UNANSWERED,
        failed_discard=FailedDiscard.IGNORED,
    ),
)
FIRECRACKER_MAIN: Final = replace(
    FIRECRACKER_1_14,
    name="firecracker-main",
    summary="Firecracker after 1.16: to a guest, what 1.16 is",
    source="src/vmm/src/devices/virtio/mem/device.rs, read at 81b38b9 (2026-08)",
)
CLOUD_HYPERVISOR_52: Final = replace(
    CLOUD_HYPERVISOR,
    name="cloud-hypervisor-52",
    summary="Cloud Hypervisor 52 and later: all of the region usable from the start",
    source="virtio-devices/src/mem.rs, read at ae44c29 (2026-08)",
    own=Own(
        reach=Reach.REGION,
        unknown=Nonsense.ERROR,
        short=Nonsense.UNANSWERED,
        failed_discard=FailedDiscard.ERROR,
        resize_to_same=False,
        discards_all=True,
        reset_renews=True,
    ),
)
CLOUD_HYPERVISOR_51: Final = replace(
    CLOUD_HYPERVISOR_52,
    name="cloud-hypervisor-51",
    summary="Cloud Hypervisor before 52: a request that makes no sense ends the device",
    source="virtio-devices/src/mem.rs, read at 01f937628bea",
    own=Own(
        reach=Reach.REGION,
        failed_discard=FailedDiscard.ERROR,
        resize_to_same=False,
        discards_all=True,
        reset_renews=True,
    ),
)
DRAGONBALL: Final = replace(
    QEMU,
    name="dragonball",
    summary="Dragonball: one static mapping, usable some way beyond what is requested",
    source="dbs_virtio_devices/src/mem.rs of kata-containers, read at 7c6ba40",
    option_name="",
    size_before_range=True,
    own=Own(
        unknown=Nonsense.UNANSWERED,
        short=Nonsense.UNANSWERED,
        failed_discard=FailedDiscard.ERROR,
        unplug_all_keeps=True,
    ),
)
STRATOVIRT: Final = replace(
    QEMU,
    name="stratovirt",
    summary="StratoVirt: no block is unplugged below the requested size, and a reset forgets them",
    source="virtio/src/device/memory.rs, read at d5b32037 (2026-04)",
    option_name="",
    size_before_range=True,
    own=Own(
        reach=Reach.REGION,
        empty_is_nack=True,
        unplug_keeps_requested=True,
        reset_forgets=True,
        gives_back=False,
    ),
)
KRUN: Final = replace(
    QEMU,
    name="krun",
    summary="libkrun of smol-machines: memory that only grows, in steps of 128 MiB",
    source="seen of libkrun in smolmachines 1.32.2",
    option_name="",
    usable=Usable.REQUESTED,
    own=Own(
        unknown=Nonsense.ERROR,
        short=Nonsense.UNANSWERED,
        states_before_size=True,
        unplug_all_keeps=True,
        resize_only_grows=True,
        resize_unit=128 * MIB,
        gives_back=False,
    ),
)

VERSIONS: Final = {
    profile.name: profile
    for profile in (
        FIRECRACKER_1_14,
        FIRECRACKER_MAIN,
        CLOUD_HYPERVISOR_51,
        CLOUD_HYPERVISOR_52,
        DRAGONBALL,
        STRATOVIRT,
        KRUN,
    )
}
CHECKED: Final[Mapping[str, str]] = {
    FIRECRACKER_1_14.name: "Firecracker 1.16.1, 2026-11-28: 2400 steps, 1974 of them requests; "
    "no difference",
    FIRECRACKER_MAIN.name: "Firecracker 1.17.0-dev (81b38b9), 2026-11-28: 2400 steps, 1974 of them "
    "requests; no difference",
    CLOUD_HYPERVISOR_52.name: "Cloud Hypervisor 53.0, 2026-11-28: 2400 steps, 1749 of them "
    "requests; no difference",
    KRUN.name: "libkrun of smolmachines 1.32.2, 2026-11-28: 3000 steps, 2369 of them requests; "
    "no difference",
}
"""Where a profile was held against a real device: version, steps and what differed. The others were
read."""
KNOWN: Final = PROFILES | VERSIONS
"""All profiles: those that theorems are about, and those by version."""

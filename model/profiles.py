"""Revisions of the device as data: each behaviour that differs is one named switch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from model.own import NOTHING_OWN, Own


class Mapping(Enum):
    """Which memslots a device keeps mapped into guest memory."""

    PLUGGED = "plugged"
    """Those with a plugged block (VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE offered)."""
    USABLE = "usable"
    """Those whose start the usable region covers (the feature is not offered)."""
    STATIC = "static"
    """The whole region, always: no memslots of the device's own."""


class Usable(Enum):
    """How far a device lets its usable region reach."""

    EXTENT = "extent"
    """Beyond the requested size by the configured extent."""
    REQUESTED = "requested"
    """To the requested size."""
    REGION = "region"
    """Over the whole region, once anything is requested."""


class FailedPlug(Enum):
    """What a PLUG leaves behind where a listener refuses the memory."""

    UNDONE = "undone"
    """Nothing: it answers BUSY."""
    KEPT = "kept"
    """Blocks marked and counted as plugged: it answers ERROR."""
    UNCOUNTED = "uncounted"
    """Blocks marked as plugged and not counted: it answers ERROR."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The rule switches of one revision.

    `option_name`: the device property that asks for several memslots, empty where there is none.
    `accessible_slots`: unplugged-inaccessible=off may be combined with several memslots.
    `container_when_off`: with the option off there is still a container with one memslot.
    `busy_before_empty`: UNPLUG_ALL asks for BUSY before it looks whether anything is plugged.
    `post_load_maps`: an incoming migration maps the memslots of the restored blocks.
    `wake_up_keeps`: wake-up from suspend leaves the plugged blocks alone.
    `unrealize_shrinks`: unrealize shrinks the usable region to nothing.
    `usable`, `failed_plug`: see there.
    `size_before_range`: PLUG compares with the requested size before it looks at the range.
    `excess_is_error`: PLUG beyond the requested size is answered by ERROR, not by NACK.
    `unplug_all_closes`: UNPLUG_ALL shrinks the usable region to nothing, whatever is requested.
    `slots_before_discard`: UNPLUG unmaps memslots before it gives the host memory back.
    `unmergeable`: memslots that lie side by side are not made one for vhost; in QEMU since a later
    patch of the series, 16/16, in virtio_mem_prepare_memslots.
    `own`: what else a device of another program does otherwise, by version.
    """

    name: str
    summary: str
    source: str
    option_name: str
    accessible_slots: bool
    container_when_off: bool
    busy_before_empty: bool
    post_load_maps: bool
    wake_up_keeps: bool
    unrealize_shrinks: bool
    usable: Usable = Usable.EXTENT
    failed_plug: FailedPlug = FailedPlug.UNDONE
    size_before_range: bool = False
    excess_is_error: bool = False
    unplug_all_closes: bool = False
    slots_before_discard: bool = False
    unmergeable: bool = True
    own: Own = NOTHING_OWN

    @property
    def peer(self) -> bool:
        """A device whose requests are not QEMU's: `model.peers` has its rules."""
        differs = self.size_before_range or self.excess_is_error or self.unplug_all_closes
        return differs or self.failed_plug is not FailedPlug.UNDONE or self.by_version

    @property
    def by_version(self) -> bool:
        """It has switches of its own, which `model.own_rules` reads."""
        return self.own != NOTHING_OWN

    @property
    def has_listeners(self) -> bool:
        """Somebody beside KVM hears of the memory; Firecracker has nobody to tell."""
        return not self.slots_before_discard

    def shows(self, field: str) -> bool:
        """What an observation shows of the host by that name is as the blocks' states ask for."""
        if field == "told":
            return self.has_listeners
        return field != "held" or self.own.gives_back

    def mapping_for(self, *, option: bool, inaccessible: bool) -> Mapping:
        """How memslots follow the state. Raises ValueError where realize would refuse the pair."""
        if option and not self.option_name:
            raise ValueError(f"{self.name} has no option for several memslots")
        if not option and not self.container_when_off:
            return Mapping.STATIC
        if inaccessible:
            return Mapping.PLUGGED
        if not self.accessible_slots:
            raise ValueError(
                f"{self.option_name}=on needs unplugged-inaccessible=on in {self.name}"
            )
        return Mapping.USABLE


SEED_V2: Final = Profile(
    name="seed-v2",
    summary="the patch under review, version 2",
    source="virtio-mem: Expose device memory via multiple memslots if enabled, v2 14/16",
    option_name="multiple-memslots",
    accessible_slots=True,
    container_when_off=True,
    busy_before_empty=True,
    post_load_maps=False,
    wake_up_keeps=False,
    unrealize_shrinks=True,
    unmergeable=False,
)
QEMU: Final = Profile(
    name="qemu",
    summary="QEMU 9.2 and later",
    source="hw/virtio/virtio-mem.c, read at 10.0.2",
    option_name="dynamic-memslots",
    accessible_slots=False,
    container_when_off=False,
    busy_before_empty=False,
    post_load_maps=True,
    wake_up_keeps=True,
    unrealize_shrinks=False,
)
QEMU_8_2: Final = replace(
    QEMU,
    name="qemu-8.2",
    summary="QEMU 8.2 to 9.1: as qemu, but wake-up unplugs like a system reset",
    source="hw/virtio/virtio-mem.c before VIRTIO_MEM_F_PERSISTENT_SUSPEND (September 2024)",
    wake_up_keeps=False,
)

QEMU_7_2: Final = replace(
    QEMU_8_2,
    name="qemu-7.2",
    summary="QEMU 7.2: no memslots of the device's own, and UNPLUG_ALL asks for BUSY first",
    source="seen of QEMU 7.2.22, whose only difference to qemu-8.2 with the option off is BUSY",
    option_name="",
    busy_before_empty=True,
)

FIRECRACKER: Final = replace(
    QEMU,
    name="firecracker",
    summary="Firecracker: memslots always, of a size that QEMU's decision stands for here",
    source="src/vmm/src/devices/virtio/mem/device.rs, read at 03eac537392f",
    option_name="slot_size_mib",
    container_when_off=True,
    usable=Usable.REQUESTED,
    failed_plug=FailedPlug.KEPT,
    excess_is_error=True,
    unplug_all_closes=True,
    slots_before_discard=True,
)
CLOUD_HYPERVISOR: Final = replace(
    QEMU,
    name="cloud-hypervisor",
    summary="Cloud Hypervisor: one static mapping, all of it usable",
    source="virtio-devices/src/mem.rs, read at 01f937628bea",
    option_name="",
    usable=Usable.REGION,
    failed_plug=FailedPlug.UNCOUNTED,
    size_before_range=True,
)

PROFILES: Final = {
    profile.name: profile
    for profile in (SEED_V2, QEMU, QEMU_8_2, QEMU_7_2, FIRECRACKER, CLOUD_HYPERVISOR)
}


def profile_named(name: str, known: dict[str, Profile] = PROFILES) -> Profile:
    """The known profile of that name. Raises ValueError that lists the names there are."""
    try:
        return known[name]
    except KeyError:
        raise ValueError(f"unknown profile {name!r}: known are {', '.join(known)}") from None

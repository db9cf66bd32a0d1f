"""What a device does to its host in the middle of a step: host operations, and what listeners hear.

The effects of a step are one sequence in the order in which they happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic

from model.arithmetic import B, S, W


class Did(Enum):
    """What was done: an operation on the host's memory, or something that listeners to the device's
    memory (vhost, VFIO) are told."""

    __hash__ = object.__hash__

    HOST_PREALLOC = "host-prealloc"
    """Host memory is allocated for a range ahead of plugging it. Source: qemu_prealloc_mem in
    virtio_mem_set_block_state."""
    HOST_PREALLOC_PLUGGED = "host-prealloc-plugged"
    """Host memory is allocated for every plugged block of a range, run by run. Source:
    virtio_mem_post_load_early."""
    HOST_DISCARD = "host-discard"
    """The host memory of a range is given back. Source: ram_block_discard_range in
    virtio_mem_set_block_state and virtio_mem_unplug_all."""
    HOST_DISCARD_UNPLUGGED = "host-discard-unplugged"
    """The host memory of every unplugged block of a range is given back, run by run. Source:
    virtio_mem_restore_unplugged."""
    MAP = "map"
    """Memslots are added to guest memory; a listener that registers replays the plugged blocks.
    Nobody hears of it where none was added. Source: memory_region_transaction_commit,
    region_add."""
    UNMAP = "unmap"
    """Memslots are removed from guest memory; nobody hears of it where none was. Source:
    memory_region_transaction_commit, region_del."""
    REMAP = "remap"
    """Memslots are added and removed until those that the usable region covers are mapped. Source:
    patch hunk virtio_mem_resize_usable_region."""
    POPULATE = "populate"
    """Listeners are told that a range is about to be plugged; not done where one refused, and those
    told before it are then told of a discard. Source: virtio_mem_notify_plug."""
    DISCARD = "discard"
    """Listeners are told that a range was just discarded. Source: virtio_mem_notify_unplug and
    virtio_mem_notify_unplug_all."""
    REPLAY = "replay"
    """Listeners are told all plugged ranges anew. Source: virtio_mem_post_load_bitmap."""


HOST: Final = frozenset(
    {Did.HOST_PREALLOC, Did.HOST_PREALLOC_PLUGGED, Did.HOST_DISCARD, Did.HOST_DISCARD_UNPLUGGED}
)
"""Operations on the host's memory. All others are told to listeners."""
ABOUT_SLOTS: Final = frozenset({Did.MAP, Did.UNMAP, Did.REMAP})
"""Changes of the mapped memslots, each in one transaction."""


@dataclass(frozen=True, slots=True)
class Effect(Generic[W, B, S]):
    """One thing done in the middle of a step, and what can be seen when it was.

    It concerns [offset, offset + size) of the region, both in bytes. `plugged` and `mapped` are the
    sets as they are then, those that a change of memslots leaves. `done`: it took place, and did
    not fail or meet a refusal.
    """

    did: Did
    plugged: S
    mapped: S
    offset: W
    size: W
    done: B


Effects = tuple[Effect[W, B, S], ...]

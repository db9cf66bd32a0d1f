"""The messages between driver and device, all little-endian, and other structs handed over.

Sources: struct virtio_mem_req, virtio_mem_resp and virtio_mem_config of
standard-headers/linux/virtio_mem.h; MemoryRegionSection of system/memory.h; VirtQueueElement of
hw/virtio/virtio.h. The parts of a union
that lie at the same place have one name.
"""

from __future__ import annotations

from typing import Final

from smt_proofs.source.c_types import U16, U32, U64, CType, pointer_to

LE16: Final = CType("le16", 16)
LE32: Final = CType("le32", 32)
LE64: Final = CType("le64", 64)
INT128: Final = CType("Int128", 64)
"""QEMU's number of 128 bits, of which those below 2^64 are asked for."""
KEPT: Final = frozenset({LE16, LE32, LE64, INT128})
"""Numbers kept in another form, such as the byte order of a message: they are converted before they
are computed with."""

_RANGES: Final = ("plug", "unplug", "state")
STRUCTS: Final[dict[str, dict[str, tuple[str, CType]]]] = {
    "struct virtio_mem_req": {
        "type": ("type", LE16),
        **{f"u.{of}.addr": ("addr", LE64) for of in _RANGES},
        **{f"u.{of}.nb_blocks": ("nb_blocks", LE16) for of in _RANGES},
    },
    "struct virtio_mem_resp": {
        "type": ("type", LE16),
        "u.state.state": ("state", LE16),
    },
    "struct virtio_mem_config": {
        "node_id": ("node_id", LE16),
        **{
            name: (name, LE64)
            for name in (
                "block_size",
                "addr",
                "region_size",
                "usable_region_size",
                "plugged_size",
                "requested_size",
            )
        },
    },
}
"""By struct: the way to a field, its name and type."""

SIZES: Final = {"struct virtio_mem_req": 24, "struct virtio_mem_resp": 10}
"""Bytes of the messages that go through the queue."""

HANDED: Final[dict[str, dict[str, tuple[str, CType]]]] = {
    "MemoryRegionSection": {
        "offset_within_region": ("offset", U64),
        "size": ("size", INT128),
        "mr": ("mr", pointer_to("MemoryRegion")),
    },
    "VirtQueueElement": {
        name: (name, kind)
        for way in ("out", "in")
        for name, kind in ((f"{way}_sg", pointer_to("struct iovec")), (f"{way}_num", U32))
    },
}
"""Structs that a function is handed a pointer to, in the same form."""

SWAPS: Final = {
    "le16_to_cpu": (LE16, U16),
    "le32_to_cpu": (LE32, U32),
    "le64_to_cpu": (LE64, U64),
    "cpu_to_le16": (U16, LE16),
    "cpu_to_le32": (U32, LE32),
    "cpu_to_le64": (U64, LE64),
    "int128_get64": (INT128, U64),
}
"""The calls that change the form, by what they take and what they give."""


def fields_of_struct(name: str) -> dict[str, CType]:
    """The fields of a message by their one name."""
    return dict(STRUCTS[name].values())

"""What the functions of virtio-mem.c may name: fields, constants, primitives, by their C types.

Source: include/hw/virtio/virtio-mem.h, include/qemu/units.h, the VIRTIO header
standard-headers/linux/virtio_mem.h, qapi/common.json (OnOffAuto), errno.h of Linux; QEMU 10.0.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from smt_proofs.source.c_types import (
    BOOL,
    I32,
    I64,
    POINTER,
    U16,
    U32,
    U64,
    VOID,
    CType,
    pointer_to,
)

FIELDS: Final = {
    "nb_memslots": U16,
    "memslot_size": U64,
    "addr": U64,
    "usable_region_size": U64,
    "size": U64,
    "requested_size": U64,
    "block_size": U64,
    "node": U32,
    "bitmap_size": I32,
    "unplugged_inaccessible": U32,
    "prealloc": BOOL,
    "dynamic_memslots": BOOL,
    "multiple_memslots": BOOL,
    "early_migration": BOOL,
}
"""The numbers and flags of VirtIOMEM. A patch that shows a declaration overrules its type."""

POINTERS: Final = {
    "memdev": "HostMemoryBackend",
    "mr": "MemoryRegion",
    "memslots": "MemoryRegion",
    "bitmap": "unsigned long",
}
"""The pointers of VirtIOMEM, not null in a device that is realized, and what they point to."""

MACHINE: Final = "MachineState"
CORE_FIELDS: Final = {
    "maxram_size": U64,
    "ram_size": U64,
    "device_memory.required_memslots": U32,
    "device_memory.used_memslots": U32,
    "device_memory.used_region_size": U64,
}
"""The numbers of the machine that the core of memory devices reads. Source: include/hw/boards.h."""
CORE_POINTERS: Final = {"device_memory": "DeviceMemoryState"}
STRUCT_NAMED: Final = {"VirtIOMEM": (FIELDS, POINTERS), MACHINE: (CORE_FIELDS, CORE_POINTERS)}
"""What a function is about, by its type: numbers and flags, and pointers."""

PLACES: Final = (
    POINTERS.keys()
    | CORE_POINTERS.keys()
    | {"memdev.mr", "memdev.mr.ram_block", "size_change_notifiers"}
)
"""The places that may be named, by their way from the device. Another one could hold anything."""

SLOT_TYPE: Final = "MemoryRegion"
"""What memslots are."""

CONSTANTS: Final = {
    "KiB": (I64, 1 << 10),
    "MiB": (I64, 1 << 20),
    "GiB": (I64, 1 << 30),
    "TiB": (I64, 1 << 40),
    "EIO": (I32, 5),
    "EBUSY": (I32, 16),
    "EINVAL": (I32, 22),
    "ENOMEM": (I32, 12),
    "EFAULT": (I32, 14),
    "ON_OFF_AUTO_AUTO": (I32, 0),
    "ON_OFF_AUTO_ON": (I32, 1),
    "ON_OFF_AUTO_OFF": (I32, 2),
    "VIRTIO_MEM_REQ_PLUG": (I32, 0),
    "VIRTIO_MEM_REQ_UNPLUG": (I32, 1),
    "VIRTIO_MEM_REQ_UNPLUG_ALL": (I32, 2),
    "VIRTIO_MEM_REQ_STATE": (I32, 3),
    "VIRTIO_MEM_RESP_ACK": (I32, 0),
    "VIRTIO_MEM_RESP_NACK": (I32, 1),
    "VIRTIO_MEM_RESP_BUSY": (I32, 2),
    "VIRTIO_MEM_RESP_ERROR": (I32, 3),
    "VIRTIO_MEM_STATE_PLUGGED": (I32, 0),
    "VIRTIO_MEM_STATE_UNPLUGGED": (I32, 1),
    "VIRTIO_MEM_STATE_MIXED": (I32, 2),
    "RESET_TYPE_COLD": (I32, 0),
    "RESET_TYPE_SNAPSHOT_LOAD": (I32, 1),
    "RESET_TYPE_WAKEUP": (I32, 2),
}

EXTENT: Final = "VIRTIO_MEM_USABLE_EXTENT"
"""The macro that differs from target to target; it stands for any extent, as in the model."""

CONSTANT_EXTENT: Final = re.compile(r"(?:[\s()*+]|\b\d+[uUlL]*\b|\b[KMGT]iB\b)*")
"""Its text, a constant."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """A function whose meaning is given, not read: result and parameter types."""

    kind: CType
    parameters: tuple[CType, ...] = ()


_P, _RANGE = POINTER, (POINTER, U64, U64)
PRIMITIVES: Final = {
    EXTENT: Primitive(I64),
    "memory_region_size": Primitive(U64, (_P,)),
    "memory_region_get_ram_ptr": Primitive(pointer_to("void"), (_P,)),
    "memory_region_get_fd": Primitive(I32, (_P,)),
    "memory_region_is_mapped": Primitive(BOOL, (_P,)),
    "memory_region_add_subregion": Primitive(VOID, (_P, U64, _P)),
    "memory_region_del_subregion": Primitive(VOID, (_P, _P)),
    "memory_region_transaction_begin": Primitive(VOID),
    "memory_region_transaction_commit": Primitive(VOID),
    "memory_region_init_alias": Primitive(VOID, (_P, _P, _P, _P, U64, U64)),
    "memory_region_set_unmergeable": Primitive(VOID, (_P, BOOL)),
    "g_new0": Primitive(pointer_to(SLOT_TYPE), (U64,)),
    "qemu_ram_pagesize": Primitive(U64, (_P,)),
    "qemu_ram_get_used_length": Primitive(U64, (_P,)),
    "qemu_real_host_page_size": Primitive(U64),
    "ram_block_discard_range": Primitive(I32, _RANGE),
    "qemu_prealloc_mem": Primitive(BOOL, (I32, _P, U64, I32, _P, BOOL, _P)),
    "find_next_bit": Primitive(U64, _RANGE),
    "find_next_zero_bit": Primitive(U64, _RANGE),
    "bitmap_set": Primitive(VOID, (_P, I64, I64)),
    "bitmap_clear": Primitive(VOID, (_P, I64, I64)),
    "bitmap_zero": Primitive(VOID, (_P, I64)),
    "g_assert_not_reached": Primitive(VOID),
    "kvm_enabled": Primitive(BOOL),
    "kvm_get_free_memslots": Primitive(U32),
    "kvm_get_max_memslots": Primitive(U32),
    "vhost_get_free_memslots": Primitive(U32),
    "vhost_get_max_memslots": Primitive(U32),
    "notifier_list_notify": Primitive(VOID, (_P, _P)),
    "migration_in_incoming_postcopy": Primitive(BOOL),
    "migration_is_running": Primitive(BOOL),
    "migration_is_idle": Primitive(BOOL),
    "realized": Primitive(BOOL),
    "visit_type_size": Primitive(BOOL, (_P, _P, _P, _P)),
    "virtio_notify_config": Primitive(VOID, (_P,)),
    "virtqueue_pop": Primitive(pointer_to("VirtQueueElement"), (_P,)),
    "virtqueue_detach_element": Primitive(VOID, (_P, _P, U32)),
    "iov_to_buf": Primitive(U64, (_P, U32, U64, _P, U64)),
    "iov_size": Primitive(U64, (_P, U32)),
    "g_free": Primitive(VOID, (_P,)),
    "migrate_ram_is_ignored": Primitive(BOOL, (_P,)),
    "migration_incoming_postcopy_advised": Primitive(BOOL),
    "virtio_mem_post_load_bitmap": Primitive(I32, (_P,)),
    "virtio_mem_restore_unplugged": Primitive(I32, (_P,)),
    "virtio_mem_for_each_plugged_range": Primitive(I32, (_P, _P, _P)),
    "virtio_mem_for_each_unplugged_range": Primitive(I32, (_P, _P, _P)),
    "virtio_mem_send_response": Primitive(VOID, (_P, _P, _P)),
    "virtio_mem_thp_size": Primitive(U32),
    "virtio_mem_usable_extent_size": Primitive(U64),
    "virtio_mem_default_block_size": Primitive(U64, (_P,)),
    "virtio_mem_is_busy": Primitive(BOOL),
    "virtio_mem_notify_plug": Primitive(I32, _RANGE),
    "virtio_mem_notify_unplug": Primitive(VOID, _RANGE),
    "virtio_mem_notify_unplug_all": Primitive(VOID, (_P,)),
    "virtio_mem_is_range_plugged": Primitive(BOOL, _RANGE),
    "virtio_mem_is_range_unplugged": Primitive(BOOL, _RANGE),
    "virtio_mem_set_range_plugged": Primitive(VOID, _RANGE),
    "virtio_mem_set_range_unplugged": Primitive(VOID, _RANGE),
}
"""What is called and not followed. The last four are proven too where the source shows them."""

RANGED: Final = frozenset(
    {"virtio_mem_for_each_plugged_range", "virtio_mem_for_each_unplugged_range"}
)
"""Those that are handed a function to call for each range."""

CALLBACK: Final = "function "
"""What goes ahead of the name of a function that is handed over."""

APART: Final = RANGED | {"virtio_mem_post_load_bitmap"}
"""Those of which only that they are asked is looked at: nobody looks at their text."""

HELPERS: Final = frozenset(name for name in PRIMITIVES if name.startswith("virtio_mem_")) - APART
"""The others that are functions of the file."""

OWN: Final = "own "
"""What goes ahead of the name of such a function where its text counts, not what it stands for."""

SIGNATURES: Final[dict[str, Primitive]] = {
    "virtio_mem_decide_memslots": Primitive(VOID, (U32,)),
    "virtio_mem_get_memslots": Primitive(U32),
    "virtio_mem_default_block_size": Primitive(U64, (_P,)),
    "virtio_mem_prepare_memslots": Primitive(VOID),
    "virtio_mem_activate_memslots_to_plug": Primitive(VOID, (U64, U64)),
    "virtio_mem_deactivate_unplugged_memslots": Primitive(VOID, (U64, U64)),
    "virtio_mem_resize_usable_region": Primitive(VOID, (U64, BOOL)),
    "virtio_mem_valid_range": Primitive(BOOL, (U64, U64)),
    "virtio_mem_is_range_plugged": Primitive(BOOL, (U64, U64)),
    "virtio_mem_is_range_unplugged": Primitive(BOOL, (U64, U64)),
    "virtio_mem_set_range_plugged": Primitive(VOID, (U64, U64)),
    "virtio_mem_set_range_unplugged": Primitive(VOID, (U64, U64)),
    "virtio_mem_set_block_state": Primitive(I32, (U64, U64, BOOL)),
    "virtio_mem_state_change_request": Primitive(I32, (U64, U16, BOOL)),
    "virtio_mem_unplug_all": Primitive(I32),
    "virtio_mem_is_busy": Primitive(BOOL),
    "virtio_mem_plug_request": Primitive(VOID, (_P, _P)),
    "virtio_mem_unplug_request": Primitive(VOID, (_P, _P)),
    "virtio_mem_unplug_all_request": Primitive(VOID, (_P,)),
    "virtio_mem_state_request": Primitive(VOID, (_P, _P)),
    "virtio_mem_get_config": Primitive(VOID, (_P, _P)),
    "virtio_mem_set_requested_size": Primitive(VOID, (_P, _P, _P, _P, _P)),
    "virtio_mem_system_reset_hold": Primitive(VOID, (_P, U32)),
    "virtio_mem_rdm_is_populated": Primitive(BOOL, (_P, _P)),
    "virtio_mem_handle_request": Primitive(VOID, (_P, _P)),
    "virtio_mem_post_load": Primitive(I32, (_P, I32)),
    "virtio_mem_post_load_early": Primitive(I32, (_P, I32)),
    "virtio_mem_restore_unplugged": Primitive(I32),
    "virtio_mem_discard_range_cb": Primitive(I32, (_P, U64, U64)),
    "virtio_mem_prealloc_range_cb": Primitive(I32, (_P, U64, U64)),
    "virtio_mem_activate_memslot_range_cb": Primitive(I32, (_P, U64, U64)),
    "memory_device_memslot_decision_limit": Primitive(U32, (_P,)),
}
"""The functions to verify as their callers know them, the device itself left out."""

WITHOUT_EFFECT: Final = frozenset(
    {
        "error_free",
        "error_report",
        "error_report_err",
        "error_setg",
        "fprintf",
        "info_report",
        "printf",
        "qemu_log",
        "qemu_log_mask",
        "snprintf",
        "warn_report",
        "warn_report_err",
        "warn_report_err_once",
        "warn_report_err_once_cond",
        "warn_report_once",
        "virtio_error",
    }
)
"""Calls that touch nothing the model speaks of; so do all of trace_* that the file leaves alone."""

FREES: Final = frozenset(
    {
        "error_free",
        "error_report_err",
        "warn_report_err",
        "warn_report_err_once",
        "warn_report_err_once_cond",
    }
)
"""Those that free an error."""

PURE: Final = frozenset({"strerror", "error_get_pretty", "object_get_canonical_path_component"})
"""Calls that an ignored one may have as argument."""


def is_ignored(name: str) -> bool:
    """A call that has no effect on what is compared."""
    return name in WITHOUT_EFFECT or name.startswith("trace_")

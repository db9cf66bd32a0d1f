"""Texts of the helpers that are taken on trust, by digest: those that were read when a meaning was
given to them.

A digest is that of `trust.digest`: of the text alone, and with what it names of the file's macros,
types and variables. Sources: hw/virtio/virtio-mem.c of QEMU 10.0.2, 10.0.13 and 10.2.2.
"""

from __future__ import annotations

from typing import Final

KNOWN: Final[dict[str, dict[str, str]]] = {
    "virtio_mem_default_thp_size": {"06d3b1c93d22fdde": "79a751c1621684ad"},
    "virtio_mem_for_each_plugged_section": {
        "be6e1edde6be4e87": "be6e1edde6be4e87",
        "79016aac0c1ad75b": "79016aac0c1ad75b",
    },
    "virtio_mem_intersect_memory_section": {"f87759d31526131a": "f87759d31526131a"},
    "virtio_mem_notify_discard_cb": {"1adc6c9015197125": "1adc6c9015197125"},
    "virtio_mem_notify_plug": {
        "90b12b4f12da5901": "90b12b4f12da5901",
        "3a4aaa1621c1e99b": "3a4aaa1621c1e99b",
    },
    "virtio_mem_notify_unplug": {
        "c572edd8d069c393": "c572edd8d069c393",
        "b2ec4f1872d93d65": "b2ec4f1872d93d65",
    },
    "virtio_mem_notify_unplug_all": {"ef1d910b9506d204": "ef1d910b9506d204"},
    "virtio_mem_send_response": {"d99a03540cf43d9e": "d99a03540cf43d9e"},
    "virtio_mem_thp_size": {"29765e79302357fe": "f23252fee78456b3"},
    "virtio_mem_usable_extent_size": {"f0f2fc4f16bc66a1": "f0f2fc4f16bc66a1"},
}
"""By name of the function: the digest of its text, and that with what it names."""

"""Texts of the helpers that are taken on trust, by digest: those that were read when a meaning was
given to them.
given to them.

A digest is that of `trust.digest`. Sources: hw/virtio/virtio-mem.c of QEMU 10.0.2 and 10.2.2.
"""

from __future__ import annotations

from typing import Final

KNOWN: Final[dict[str, frozenset[str]]] = {
    "virtio_mem_default_thp_size": frozenset({"06d3b1c93d22fdde"}),
    "virtio_mem_for_each_plugged_section": frozenset({"be6e1edde6be4e87", "79016aac0c1ad75b"}),
    "virtio_mem_has_legacy_guests": frozenset({"06cba5b93c8049a5"}),
    "virtio_mem_intersect_memory_section": frozenset({"f87759d31526131a"}),
    "virtio_mem_is_busy": frozenset({"1509014eafac54e4"}),
    "virtio_mem_notify_discard_cb": frozenset({"1adc6c9015197125"}),
    "virtio_mem_notify_plug": frozenset({"90b12b4f12da5901", "3a4aaa1621c1e99b"}),
    "virtio_mem_notify_unplug": frozenset({"c572edd8d069c393", "b2ec4f1872d93d65"}),
    "virtio_mem_notify_unplug_all": frozenset({"ef1d910b9506d204"}),
    "virtio_mem_thp_size": frozenset({"29765e79302357fe"}),
    "virtio_mem_usable_extent_size": frozenset({"f0f2fc4f16bc66a1"}),
}

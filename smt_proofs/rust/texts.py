"""Digests of the functions of device.rs that are taken on trust, by the versions that were read."""

from __future__ import annotations

from typing import Final

KNOWN: Final[dict[str, dict[str, str]]] = {
    "update_kvm_slots": {
        "Firecracker 1.14 to 1.16": "edae22d7bc7a22e6",
        "commit 8c4bc5a52, of June 2026, and later": "ccf76186070b8e1a",
    },
    "write_response": {"Firecracker 1.14 and later": "74bad5eb7dce4c7d"},
    "guest_memory": {"Firecracker 1.14 and later": "70039157fbdccd07"},
}

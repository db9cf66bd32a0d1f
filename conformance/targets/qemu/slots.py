"""The memslots of QEMU's virtio-mem: how many and how big it decided, and which are mapped.

Source: `hw/virtio/virtio-mem.c`, which names each alias `memslot-N`, makes it a QOM child of the
device and adds it to the container region `virtio-mem` while its slot is in use. All bytes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from conformance.targets.qemu.machine import DEVICE_ID
from conformance.targets.qemu.process import QemuError

_CHILD = re.compile(r"memslot-(\d+)\[0\]")
_TREE_LINE = re.compile(r"( *)([0-9a-f]+)-([0-9a-f]+) \(prio -?\d+, [^)]*\): (.*)")
_ALIAS = re.compile(r"alias memslot-(\d+) @\S+ ([0-9a-f]+)-([0-9a-f]+)\b.*")
_CONTAINER = "virtio-mem"


class Qmp(Protocol):
    """Runs a QMP command; `QemuProcess.qmp` is one."""

    def __call__(self, command: str, arguments: Mapping[str, object]) -> Any: ...


def slot_sizes(qmp: Qmp, device: str = DEVICE_ID) -> dict[int, int]:
    """Slot number to size, whether mapped or not; empty when dynamic memslots are off.

    The QOM property `addr` of a slot says nothing about its place: it is 0 while unmapped.
    """
    path = f"/machine/peripheral/{device}/virtio-backend"
    children = qmp("qom-list", {"path": path})
    numbers = sorted(int(match[1]) for c in children if (match := _CHILD.fullmatch(c["name"])))
    return {
        number: qmp("qom-get", {"path": f"{path}/memslot-{number}[0]", "property": "size"})
        for number in numbers
    }


def mapped_slots(qmp: Qmp) -> dict[int, tuple[int, int]]:
    """`all_mapped_slots` of a machine with one virtio-mem whose dynamic memslots are on.

    Raises `QemuError` also where there is no such device, or several.
    """
    devices = all_mapped_slots(qmp)
    if not devices:
        raise QemuError("info mtree shows no virtio-mem container: are dynamic memslots on?")
    if len(devices) > 1:
        raise QemuError(f"info mtree shows {len(devices)} virtio-mem containers: which is meant?")
    return devices.popitem()[1]


def all_mapped_slots(qmp: Qmp) -> dict[int, dict[int, tuple[int, int]]]:
    """The mapped slots of each device by its guest address, from `info mtree`.

    A device with dynamic memslots has an entry, if it is mapped itself: the number of each mapped
    slot to (offset in the device region, size). Raises `QemuError` when QEMU's address spaces
    disagree, or when a slot shows another part of the backend than its own.
    """
    tree = qmp("human-monitor-command", {"command-line": "info mtree"})
    devices: dict[int, dict[int, tuple[int, int]]] = {}
    for base, slots in _containers(tree):
        if slots != devices.setdefault(base, slots):
            views = [devices[base], slots]
            raise QemuError(f"QEMU's address spaces disagree on the mapped memslots: {views}")
    return devices


def _containers(tree: str) -> Iterator[tuple[int, dict[int, tuple[int, int]]]]:
    """Address and slots of each appearance of a container, which is in several address spaces."""
    base = depth = 0
    slots: dict[int, tuple[int, int]] | None = None
    for line in tree.splitlines():
        match = _TREE_LINE.fullmatch(line)
        if slots is not None and (match is None or len(match[1]) <= depth):
            yield base, slots
            slots = None
        if match is None:
            continue
        start, end = int(match[2], 16), int(match[3], 16)
        if match[4] == _CONTAINER:
            base, depth, slots = start, len(match[1]), {}
        elif slots is not None and (alias := _ALIAS.fullmatch(match[4])):
            number, offset, size = int(alias[1]), start - base, end - start + 1
            if (int(alias[2], 16), int(alias[3], 16)) != (offset, offset + size - 1):
                raise QemuError(
                    f"memslot {number} at {offset:#x} shows another part: {line.strip()}"
                )
            slots[number] = (offset, size)
    if slots is not None:
        yield base, slots

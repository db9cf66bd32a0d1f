"""The memslots of QEMU's virtio-mem: how many and how big it decided, and which are mapped.

Source: `hw/virtio/virtio-mem.c`, which names each alias `memslot-N`, makes it a QOM child of the
device and adds it to the container region `virtio-mem` while its slot is in use. All bytes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from conformance.qemu.machine import DEVICE_ID
from conformance.qemu.process import QemuError

_DEVICE_PATH = f"/machine/peripheral/{DEVICE_ID}/virtio-backend"
_CHILD = re.compile(r"memslot-(\d+)\[0\]")
_TREE_LINE = re.compile(r"( *)([0-9a-f]+)-([0-9a-f]+) \(prio -?\d+, [^)]*\): (.*)")
_ALIAS = re.compile(r"alias memslot-(\d+) @\S+ ([0-9a-f]+)-([0-9a-f]+)\b.*")
_CONTAINER = "virtio-mem"


class Qmp(Protocol):
    """Runs a QMP command; `QemuProcess.qmp` is one."""

    def __call__(self, command: str, arguments: Mapping[str, object]) -> Any: ...


def slot_sizes(qmp: Qmp) -> dict[int, int]:
    """Slot number to size, whether mapped or not; empty when dynamic memslots are off.

    The QOM property `addr` of a slot says nothing about its place: it is 0 while unmapped.
    """
    children = qmp("qom-list", {"path": _DEVICE_PATH})
    numbers = sorted(int(match[1]) for c in children if (match := _CHILD.fullmatch(c["name"])))
    return {
        number: qmp("qom-get", {"path": f"{_DEVICE_PATH}/memslot-{number}[0]", "property": "size"})
        for number in numbers
    }


def mapped_slots(qmp: Qmp) -> dict[int, tuple[int, int]]:
    """Number of each mapped slot to (offset in the device region, size), from `info mtree`.

    Raises `QemuError` when there is no container region (dynamic memslots are off), when QEMU's
    address spaces disagree, or when a slot shows another part of the backend than its own.
    """
    tree = qmp("human-monitor-command", {"command-line": "info mtree"})
    views = list(_containers(tree))
    if not views:
        raise QemuError("info mtree shows no virtio-mem container: are dynamic memslots on?")
    if any(view != views[0] for view in views):
        raise QemuError(f"QEMU's address spaces disagree on the mapped memslots: {views}")
    return views[0]


def _containers(tree: str) -> Iterator[dict[int, tuple[int, int]]]:
    """The slots inside each appearance of the container, which is in several address spaces."""
    base = depth = 0
    slots: dict[int, tuple[int, int]] | None = None
    for line in tree.splitlines():
        match = _TREE_LINE.fullmatch(line)
        if slots is not None and (match is None or len(match[1]) <= depth):
            yield slots
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
        yield slots

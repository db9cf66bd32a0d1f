"""The cost of a device's memslots in a virtual machine, static against dynamic. All in bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from conformance.metadata.device import DeviceMetadata
from model.allocation import ITEM_NAMES, bytes_taken
from model.extents import Extents
from model.kernels import ITEMS, Vm
from model.metadata import mapped_if_packed, slot_spans
from model.state import Fixed

LOGGING = frozenset(item.name for item in ITEMS if item.logging)
"""Items that are there only while dirty pages are logged."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many memslots take: each item while dirty pages are logged, in the order of
    ITEM_NAMES."""

    memslots: int = 0
    values: tuple[int, ...] = (0,) * len(ITEM_NAMES)

    def __add__(self, other: Cost) -> Cost:
        both = zip(self.values, other.values, strict=True)
        return Cost(self.memslots + other.memslots, tuple(a + b for a, b in both))

    @property
    def items(self) -> dict[str, int]:
        """The bytes of each item."""
        return dict(zip(ITEM_NAMES, self.values, strict=True))

    @property
    def logging(self) -> int:
        """While dirty pages are logged."""
        return sum(self.values)

    @property
    def now(self) -> int:
        """While no dirty pages are logged."""
        return sum(bytes for name, bytes in self.items.items() if name not in LOGGING)


@cache
def memslot_cost(vm: Vm, addr: int, size: int) -> Cost:
    """One memslot at a guest address."""
    return Cost(1, tuple(bytes_taken(vm, addr, [(0, size)], logging=True).values()))


def static_cost(vm: Vm, device: DeviceMetadata) -> Cost:
    """A single memslot over the whole region."""
    return memslot_cost(vm, device.fixed.addr, device.fixed.region)


def mapped_cost(vm: Vm, fixed: Fixed[int, bool], mapped: Extents) -> Cost:
    """These memslots of a device."""
    spans = slot_spans(fixed, mapped)
    return sum((memslot_cost(vm, fixed.addr + start, size) for start, size in spans), Cost())


def dynamic_cost(vm: Vm, device: DeviceMetadata) -> Cost:
    """The mapped memslots of a device."""
    return mapped_cost(vm, device.fixed, device.mapped)


def curve(vm: Vm, fixed: Fixed[int, bool], points: int = 256) -> Iterator[tuple[int, Cost]]:
    """Plugged sizes from 0 to the region, packed, and what is then mapped.

    A size ends each memslot, or each n-th where that would be more than `points`.
    """
    slots = fixed.slots
    every = -(-slots.count // points)
    ends = [index * slots.size for index in range(0, slots.count, every)]
    for plugged in (*ends, fixed.region):
        yield plugged, mapped_cost(vm, fixed, mapped_if_packed(fixed, plugged))

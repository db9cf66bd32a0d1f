"""The region of a device at one moment, as shapes and labelled marks for the page to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.traces.sizes import format_size
from model.extents import Extents
from model.state import ConcreteState, Fixed

WIDTH: Final = 1000.0
"""Units of a bar: the whole region."""
MOST_BORDERS: Final = 300
"""Memslots whose borders are drawn; more would be a grey area."""

Run = tuple[float, float]
"""Start and width of a shape."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a bar is drawn of: sizes in bytes, `count` memslots, the last of which may be short."""

    region: int
    block: int
    slot_size: int
    count: int
    usable: int | None
    requested: int | None
    busy: bool
    plugged: Extents
    mapped: Extents


@dataclass(frozen=True, slots=True)
class Mark:
    """A size on a bar: where, and what it says there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The region at one moment: `lost` are plugged blocks that lie in no mapped memslot.

    `usable` is marked above the bar and `requested` below, so that they never lie on each other;
    None where it is not told.
    """

    mapped: tuple[Run, ...]
    plugged: tuple[Run, ...]
    lost: tuple[Run, ...]
    borders: tuple[float, ...]
    requested: Mark | None
    usable: Mark | None
    busy: bool
    caption: str


def device_of(fixed: Fixed[int, bool], state: ConcreteState, mapped: Extents) -> Device:
    """A state of the model, with these memslots mapped."""
    return Device(
        region=fixed.region,
        block=fixed.block,
        slot_size=fixed.slots.size,
        count=fixed.slots.count,
        usable=state.usable,
        requested=state.requested,
        busy=state.busy,
        plugged=state.plugged,
        mapped=mapped,
    )


def bar(device: Device) -> Bar:
    """The device to scale."""
    reachable = Extents.EMPTY
    for start, end in device.mapped.ranges():
        last = min(end * device.slot_size, device.region)
        if start * device.slot_size < last:
            reachable = reachable.with_range(start * device.slot_size, last)
    plugged, lost = device.plugged, device.plugged
    for start, end in reachable.ranges():
        lost = lost.without_range(start // device.block, end // device.block)
    for start, end in lost.ranges():
        plugged = plugged.without_range(start, end)
    count = device.count
    borders = range(1, count) if count <= MOST_BORDERS else range(0)
    return Bar(
        mapped=_scaled(reachable, 1, device),
        plugged=_scaled(plugged, device.block, device),
        lost=_scaled(lost, device.block, device),
        borders=tuple(_at(index * device.slot_size, device) for index in borders),
        requested=_mark("requested", device.requested, device),
        usable=_mark("usable", device.usable, device),
        busy=device.busy,
        caption=_caption(device),
    )


def _caption(device: Device) -> str:
    blocks = sum(end - start for start, end in device.plugged.ranges())
    mapped = sum(end - start for start, end in device.mapped.ranges())
    some = f"{device.count} memslot{'' if device.count == 1 else 's'}"
    size = format_size(blocks * device.block)
    return f"{size} of {format_size(device.region)} plugged, {mapped} of {some} mapped"


def _mark(name: str, size: int | None, device: Device) -> Mark | None:
    if size is None:
        return None
    return Mark(_at(min(size, device.region), device), f"{name} {format_size(size)}")


def _at(offset: int, device: Device) -> float:
    return round(WIDTH * offset / device.region, 3)


def _scaled(items: Extents, unit: int, device: Device) -> tuple[Run, ...]:
    return tuple(
        (_at(start * unit, device), _at((end - start) * unit, device))
        for start, end in items.ranges()
    )

"""A difference of a source as the page shows it: both sides, the inputs with units, a drawing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from conformance.report.bars import Bar, Device, bar
from conformance.report.source import input_told
from model.extents import Extents

_RUN: Final = re.compile(r"\[(\d+), (\d+)\)")
DRAWN: Final = ("mapped", "plugged")
"""What differs and can be drawn begins with one of these."""


def sides(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What each side says, what is allowed first."""
    names = ("by the rule", "of the source")
    if "old_says" in one:
        names = ("by the old text", "of the new text")
    for word, name, says in zip(("allowed", "seen"), names, _values(one), strict=True):
        yield f"{word}, {name}", _numbers(one["what"], says)


def _numbers(what: str, says: str) -> str:
    """A set as numbers of its members, from first to last; what is none as it is."""
    runs = [[int(start), int(end)] for start, end in _RUN.findall(says)]
    part = what.partition(" ")[0]
    if not runs or part not in DRAWN:
        return says
    return f"{'memslots' if part == 'mapped' else 'blocks'} {input_told(part, runs)}"


def inputs_told(inputs: dict[str, Any]) -> list[tuple[str, str]]:
    """Inputs by name, in one entry, with units."""
    told = [f"{name} {input_told(name, value)}" for name, value in inputs.items()]
    return [("at the inputs", ", ".join(told))] if told else []


def drawn_sides(one: dict[str, Any]) -> Iterator[tuple[str, Bar]]:
    """The device at the inputs; where what differs can be drawn, as allowed and as seen."""
    device = _device(one["inputs"] or {})
    if device is None:
        return
    part = one["what"].partition(" ")[0]
    if part not in DRAWN:
        yield "the device at these inputs", bar(device)
        return
    for (name, _), says in zip(sides(one), _values(one), strict=True):
        runs = Extents.EMPTY
        for start, end in _RUN.findall(says):
            runs = runs.with_range(int(start), int(end))
        fitted = replace(device, mapped=runs) if part == "mapped" else replace(device, plugged=runs)
        if fits(fitted):
            yield name.partition(",")[0], bar(fitted)


def _values(one: dict[str, Any]) -> tuple[str, str]:
    if "old_says" in one:
        return one["old_says"], one["new_says"]
    return one["model_says"], one["source_says"]


def _device(inputs: dict[str, Any]) -> Device | None:
    """A device that can be drawn, None where the inputs are none."""
    sets = {name: Extents.EMPTY for name in ("plugged", "mapped")}
    for name in sets:
        for start, end in inputs.get(name, ()):
            sets[name] = sets[name].with_range(start, end)
    device = Device(
        region=inputs.get("region", 0),
        block=inputs.get("block", 0),
        slot_size=inputs.get("slot_size", 0),
        count=inputs.get("count", 0),
        usable=inputs.get("usable"),
        requested=inputs.get("requested"),
        busy=bool(inputs.get("busy", False)),
        **sets,
    )
    return device if fits(device) else None


def fits(device: Device) -> bool:
    """Every part lies in the region."""
    if not device.region or not device.block or not device.slot_size or not device.count:
        return False
    inside = (device.count - 1) * device.slot_size < device.region
    ends = [end for _, end in device.plugged.ranges()]
    slots = [end for _, end in device.mapped.ranges()]
    return (
        inside
        and max(ends, default=0) * device.block <= device.region
        and max(slots, default=0) <= device.count
    )

"""A difference of a source as the page shows it: both sides, the inputs with units, a drawing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from conformance.report.bars import Bar, Device, bar
from conformance.report.source import input_told, says_told
from model.extents import Extents

LEFT: Final = frozenset({"plugged blocks", "mapped memslots", "plugged set", "mapped set"})
"""What differs of what a call leaves; what differs on the way is not drawn."""


def sides(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What each side says, what is allowed first."""
    names = ("by the rule", "of the source")
    if "old_says" in one:
        names = ("by the old text", "of the new text")
    for word, name, says in zip(("allowed", "seen"), names, _values(one), strict=True):
        yield f"{word}, {name}", says_told(one["what"], says)


def inputs_told(inputs: dict[str, Any]) -> list[tuple[str, str]]:
    """Inputs by name, in one entry, with units."""
    told = [f"{name} {input_told(name, value)}" for name, value in inputs.items()]
    return [("at the inputs", ", ".join(told))] if told else []


def changed_told(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a patch did to the function."""
    if one["change"]:
        yield "its text", one["change"]


def reached_told(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """How far the inputs need not be those of a device."""
    if one.get("helper"):
        yield "reached", "through its callers alone, which may never pass these inputs"


def source_command(data: dict[str, Any], function: str) -> str:
    """The command that shows a function of a source again; none for what came by standard input."""
    if data["file"] == "standard input":
        return ""
    words = ["slotproof", "verify-source", data["file"]]
    words += ["--base", data["base"]] if data["base"] else []
    words += ["--against", data["against"]] if "against" in data else []
    words += [] if data.get("inferred", True) else ["--profile", data["profile"]]
    return shlex.join([*words, "--only", function])


def confirmed_told(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Whether a compiled run says so too."""
    if one.get("confirmed"):
        yield "confirmed", "compiled with gcc and run on these inputs, it does the same"


def drawn_sides(one: dict[str, Any]) -> Iterator[tuple[str, Bar]]:
    """The device before the call; where what is left differs, that too, as allowed and as seen."""
    device = _device(one["inputs"] or {})
    if device is None:
        return
    yield "before", bar(device)
    after = one.get("after")
    if one["what"] not in LEFT or after is None:
        return
    for name, side in (("allowed", "model"), ("seen", "source")):
        plugged, mapped = (_members(after[side][part]) for part in ("plugged", "mapped"))
        fitted = replace(device, plugged=plugged, mapped=mapped)
        if fits(fitted):
            yield f"after, {name}", bar(fitted)


def _values(one: dict[str, Any]) -> tuple[str, str]:
    if "old_says" in one:
        return one["old_says"], one["new_says"]
    return one["model_says"], one["source_says"]


def _device(inputs: dict[str, Any]) -> Device | None:
    """A device that can be drawn, None where the inputs are none."""
    sets = {name: _members(inputs.get(name, ())) for name in ("plugged", "mapped")}
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


def _members(runs: Iterable[Sequence[int]]) -> Extents:
    return Extents.of_ranges([(start, end) for start, end in runs])


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

"""The answer as a JSON document with its published schema, and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from conformance.metadata.device import VARIANTS, DeviceMetadata, metadata_for, totals
from conformance.traces.codec import MAX_SLOT
from conformance.traces.sizes import UNITS, format_size
from conformance.traces.vocabulary import DIALECT, Schema, closed, ref, whole
from model.arithmetic import U64_MASK, UINT_BITS
from model.geometry import slot_length
from model.machine_ints import INTS
from model.metadata import NOTHING, Metadata
from model.profiles import PROFILES, Mapping

METADATA_VERSION: Final = 1
SOURCES: Final = ("options", "trace", "qemu-cmdline", "qmp")
ITEMS: Final = {
    "rmap_4k": "(1) rmap, 8 B a 4 KiB page",
    "rmap_2m": "    rmap, 8 B a 2 MiB page",
    "rmap_1g": "    rmap, 8 B a 1 GiB page",
    "gfn_track": "(2) gfn_track, 2 B a 4 KiB page",
    "lpage_info_2m": "(3) lpage_info, 4 B a 2 MiB page",
    "lpage_info_1g": "    lpage_info, 4 B a 1 GiB page",
    "dirty_bitmaps": "(4) 2 dirty bitmaps, 1 bit a 4 KiB page",
}
"""The items with the numbers that the patch gives them."""
TOTALS: Final = {
    "no_smm": "total without SMM",
    "smm": "total with SMM",
    "no_smm_tdp_mmu": "total without SMM, TDP MMU",
    "smm_tdp_mmu": "total with SMM, TDP MMU",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """All that the command has to tell; `steps` are the states of a trace, from its start."""

    profile: str
    source: str
    name: str | None
    devices: tuple[DeviceMetadata, ...]
    steps: tuple[DeviceMetadata, ...] = ()

    @property
    def static(self) -> Metadata:
        """The metadata of all devices with a single memslot each."""
        return sum((device.static for device in self.devices), NOTHING)

    @property
    def dynamic(self) -> Metadata:
        """The metadata of the mapped memslots of all devices."""
        return sum((device.dynamic for device in self.devices), NOTHING)


def document(answer: Answer) -> dict[str, Any]:
    """The document of `conformance/schema/metadata-v1.json`."""
    mapped = sum(len(device.mapped) for device in answer.devices)
    return {
        "schema": METADATA_VERSION,
        "command": "metadata",
        "profile": answer.profile,
        "source": {"kind": answer.source, "name": answer.name},
        "devices": [_device(device) for device in answer.devices],
        "static": _cost(answer.static, len(answer.devices)),
        "dynamic": _cost(answer.dynamic, mapped),
        "saved": _saved(answer),
        "steps": [_step(number, state) for number, state in enumerate(answer.steps)],
    }


def _saved(answer: Answer) -> dict[str, int]:
    static, dynamic = totals(answer.static), totals(answer.dynamic)
    return {name: static[name] - dynamic[name] for name in VARIANTS}


def _cost(metadata: Metadata, memslots: int) -> dict[str, Any]:
    return {"memslots": memslots, "items": asdict(metadata), "totals": totals(metadata)}


def _device(device: DeviceMetadata) -> dict[str, Any]:
    fixed = device.fixed
    most = device.at_most
    return {
        "name": device.name,
        "option": device.option,
        "region": fixed.region,
        "block": fixed.block,
        "addr": fixed.addr,
        "limit": device.limit,
        "slots": {"count": fixed.slots.count, "size": fixed.slots.size, "last": _last(device)},
        "mapping": fixed.mapping.value,
        "plugged": device.plugged,
        "mapped": [list(run) for run in device.mapped.ranges()],
        "static": _cost(device.static, 1),
        "dynamic": _cost(device.dynamic, len(device.mapped)),
        "at_most": None if most is None else _cost(metadata_for(fixed, most), len(most)),
    }


def _last(device: DeviceMetadata) -> int:
    slots = device.fixed.slots
    return slot_length(INTS, slots, device.fixed.region, slots.count - 1)


def _step(number: int, state: DeviceMetadata) -> dict[str, Any]:
    return {
        "step": number,
        "plugged": state.plugged,
        "memslots": len(state.mapped),
        "totals": totals(state.dynamic),
    }


def metadata_schema() -> Schema:
    """What `slotproof metadata --json` prints."""
    # Of several devices the sum may exceed 64 bits; one of 2^64 bytes alone does not.
    count: Schema = {"type": "integer", "minimum": 0}
    size = whole(0, U64_MASK)
    run = {"type": "array", "items": whole(0, MAX_SLOT), "minItems": 2, "maxItems": 2}
    slot = whole(0, MAX_SLOT)
    device = closed(
        {
            "name": {"type": "string"},
            "option": {"type": "boolean"},
            "region": size,
            "block": size,
            "addr": size,
            "limit": {"anyOf": [{"type": "null"}, whole(1, (1 << UINT_BITS) - 1)]},
            "slots": closed({"count": slot, "size": size, "last": size}),
            "mapping": {"enum": [mapping.value for mapping in Mapping]},
            "plugged": size,
            "mapped": {"type": "array", "items": run},
            "static": ref("cost"),
            "dynamic": ref("cost"),
            "at_most": {"anyOf": [{"type": "null"}, ref("cost")]},
        }
    )
    step = closed({"step": count, "plugged": size, "memslots": slot, "totals": ref("totals")})
    return {
        "$schema": DIALECT,
        "title": f"slotproof metadata --json, version {METADATA_VERSION}",
        "description": "All sizes are bytes. Items are bytes for one address space and without "
        "regard to SMM and the TDP MMU, which the totals take in. `dynamic` is for plugged blocks "
        "packed at the start of the region, or as seen; `at_most` for blocks wherever they cost "
        "most.",
        **closed(
            {
                "schema": {"const": METADATA_VERSION},
                "command": {"const": "metadata"},
                "profile": {"enum": list(PROFILES)},
                "source": closed(
                    {"kind": {"enum": list(SOURCES)}, "name": {"type": ["string", "null"]}}
                ),
                "devices": {"type": "array", "items": device, "minItems": 1},
                "static": ref("cost"),
                "dynamic": ref("cost"),
                "saved": {
                    **closed({name: {"type": "integer"} for name in VARIANTS}),
                },
                "steps": {"type": "array", "items": step},
            }
        ),
        "$defs": {
            "cost": closed(
                {
                    "memslots": count,
                    "items": closed({field.name: count for field in fields(Metadata)}),
                    "totals": ref("totals"),
                }
            ),
            "totals": closed({name: count for name in VARIANTS}),
        },
    }


def text(answer: Answer) -> list[str]:
    """The answer as lines."""
    lines = [line for device in answer.devices for line in _told(device)]
    lines += ["", f"{'KVM metadata in bytes':<42}{'static':>16}{'dynamic':>16}"]
    static, dynamic = asdict(answer.static), asdict(answer.dynamic)
    lines += [f"{what:<42}{static[name]:>16}{dynamic[name]:>16}" for name, what in ITEMS.items()]
    before, after = totals(answer.static), totals(answer.dynamic)
    lines += [f"{what:<42}{before[name]:>16}{after[name]:>16}" for name, what in TOTALS.items()]
    saved = _saved(answer)
    lines += [
        "",
        f"saved: {about(saved['no_smm'])} without SMM, {about(saved['smm'])} with it; "
        f"with the TDP MMU {about(saved['no_smm_tdp_mmu'])} and {about(saved['smm_tdp_mmu'])}",
    ]
    if answer.steps:
        peak = max(answer.steps, key=lambda state: len(state.mapped))
        lines.append(
            f"most memslots mapped in {len(answer.steps) - 1} steps: {len(peak.mapped)}, "
            f"with {format_size(peak.plugged)} plugged"
        )
    return lines


def _told(device: DeviceMetadata) -> list[str]:
    slots, mapped = device.fixed.slots, len(device.mapped)
    last = "" if _last(device) == slots.size else f", the last of {format_size(_last(device))}"
    most = ""
    if device.at_most is not None and len(device.at_most) > mapped:
        most = f" if the blocks lie together, {len(device.at_most)} at most"
    return [
        f"{device.name}: region {format_size(device.fixed.region)}, {slots.count} "
        f"memslot{'s' if slots.count > 1 else ''} of {format_size(slots.size)}{last}"
        f"{'' if device.option else ' if its option were on'}",
        f"  {format_size(device.plugged)} plugged: {mapped} mapped{most}",
    ]


def about(count: int) -> str:
    """Bytes with three digits that count, in the unit that fits; a negative number is a loss."""
    size, power = float(abs(count)), 0
    while size >= 1024 and power < len(UNITS):
        size, power = size / 1024, power + 1
    sign = "-" if count < 0 else ""
    return f"{sign}{size:.3g} {UNITS[power - 1]}iB" if power else f"{count} B"

"""The published schema of `slotproof metadata --json`."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from conformance.metadata.device import VARIANTS
from conformance.metadata.document import METADATA_VERSION
from conformance.metadata.kernel import Switches
from conformance.metadata.measure import ROWS
from conformance.traces.codec import MAX_SLOT
from conformance.traces.dialect import (
    AMOUNT,
    COUNT,
    MADE,
    TEXT,
    TEXT_OR_NULL,
    TRUTH,
    Schema,
    array,
    closed,
    or_null,
    published,
    ref,
    whole,
)
from model.allocation import ITEM_NAMES
from model.arithmetic import U64_MASK, UINT_BITS
from model.kernels import ITEMS, Arch
from model.metadata import Metadata
from model.profiles import PROFILES, Mapping

SOURCES: Final = ("options", "trace", "qemu-cmdline", "qmp")
SIZE: Final = whole(0, U64_MASK)
SLOT: Final = whole(0, MAX_SLOT)


def metadata_schema() -> Schema:
    """What `slotproof metadata --json` prints."""
    whole_number: Schema = {"type": "integer"}
    saved = closed({"now": whole_number, "logging": whole_number})
    kernels = closed({"name": TEXT, "now": whole_number, "logging": whole_number})
    arrival = closed({"what": TEXT, "static": ref("cost"), "dynamic": ref("cost")})
    source = closed({"kind": {"enum": list(SOURCES)}, "name": TEXT_OR_NULL})
    table = closed({"items": ref("patch_items"), "totals": ref("totals")})
    return published(
        "metadata --json",
        METADATA_VERSION,
        "All sizes are bytes; items are what they take while dirty pages are "
        "logged, in all address spaces. `kernel` and the costs are null where the patch's own "
        "table was asked for, which `patch` always holds: for one address space, and without "
        "regard to SMM and the TDP MMU, which its totals take in. `dynamic` is for plugged "
        "blocks packed at the start of the region, or as seen; `at_most` for blocks wherever "
        "they cost most. `measured` counts pages. `arrivals` are what may come into the machine "
        "and has KVM allocate more, with the costs then.",
        {
            "command": {"const": "metadata"},
            "made": MADE,
            "answer": TEXT,
            "remarks": array(TEXT),
            "profile": {"enum": list(PROFILES)},
            "source": source,
            "kernel": or_null(_kernel()),
            "devices": {"type": "array", "items": _device(), "minItems": 1},
            "static": or_null(ref("cost")),
            "dynamic": or_null(ref("cost")),
            "saved": or_null(saved),
            "kernels": array(kernels),
            "arrivals": array(arrival),
            "patch": closed(
                {
                    "static": table,
                    "dynamic": table,
                    "saved": closed({name: whole_number for name in VARIANTS}),
                }
            ),
            "steps": array(_step()),
            "measured": array(_case()),
        },
        optional=("arrivals", "made"),
        defs={
            "cost": closed(
                {
                    "memslots": COUNT,
                    "items": closed({name: COUNT for name in ITEM_NAMES}),
                    "now": COUNT,
                    "logging": COUNT,
                }
            ),
            "patch_items": closed({field.name: COUNT for field in fields(Metadata)}),
            "totals": closed({name: COUNT for name in VARIANTS}),
        },
    )


def _kernel() -> Schema:
    switch = closed({"on": TRUTH, "why": TEXT})
    return closed(
        {
            "name": TEXT,
            "here": TRUTH,
            "release": {"type": "string", "pattern": r"^\d+\.\d+$"},
            "arch": {"enum": [arch.value for arch in Arch]},
            "page": SIZE,
            "tracking": TRUTH,
            "has_smm": TRUTH,
            "memfd": TRUTH,
            "address_spaces": whole(1, 2),
            "switches": closed({field.name: switch for field in fields(Switches)}),
            "items": closed(
                {item.name: closed({"allocated": TRUTH, "why": TEXT}) for item in ITEMS}
            ),
        }
    )


def _device() -> Schema:
    run = {"type": "array", "items": SLOT, "minItems": 2, "maxItems": 2}
    return closed(
        {
            "name": TEXT,
            "option": TRUTH,
            "region": SIZE,
            "block": SIZE,
            "addr": SIZE,
            "limit": or_null(whole(1, (1 << UINT_BITS) - 1)),
            "slots": closed({"count": SLOT, "size": SIZE, "last": SIZE}),
            "mapping": {"enum": [mapping.value for mapping in Mapping]},
            "plugged": SIZE,
            "mapped": array(run),
            "memslots_at_most": or_null(SLOT),
            "static": or_null(ref("cost")),
            "dynamic": or_null(ref("cost")),
            "at_most": or_null(ref("cost")),
        }
    )


def _step() -> Schema:
    cost = or_null(COUNT)
    return closed({"step": COUNT, "plugged": SIZE, "memslots": SLOT, "now": cost, "logging": cost})


def _case() -> Schema:
    pages = closed({"predicted": COUNT, "measured": {"type": "integer"}})
    return closed(
        {
            "device": TEXT,
            "memslots": SLOT,
            "static": TRUTH,
            "logging": TRUTH,
            "seconds": AMOUNT,
            "pages": closed({name: pages for name in ROWS}),
            "differs": array({"enum": list(ROWS)}),
        }
    )

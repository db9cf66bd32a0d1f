"""Theorems about the device: every transition keeps every invariant and obeys every contract.

For all region and block sizes, all numbers of blocks and memslots, all states that meet the
invariants, all requests and events, and all host failures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic

from model.arithmetic import B, S, W
from model.geometry import Memslots
from model.invariants import INVARIANTS, Invariant
from model.profiles import Mapping, Profile
from model.state import Action, Faults, Fixed, Op, State
from smt_proofs.symbolic.radix import Count
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.statements import Kind

OVER: Final = (
    "regions below 2^63 bytes that end below 2^64, blocks of 2 to 2^47 bytes that are powers of "
    "two, 1 to 65535 memslots that tile the region, all states that meet the invariants, all "
    "actions and host failures"
)


@dataclass(frozen=True, slots=True)
class Situation(Generic[W, B, S]):
    """A device, its state, and what happens to it."""

    fixed: Fixed[W, B]
    state: State[W, B, S]
    action: Action[W, B]


def any_device(d: SetTerms, profile: Profile, mapping: Mapping) -> Fixed[Any, Any]:
    """All devices of a profile and a way of mapping.

    Block sizes are powers of two up to 2^47 bytes, so that 65535 blocks stay below 2^63.
    """
    d.fact("the block is at most 2^47 bytes", d.half >= 1 << 16)
    region, addr = d.bytes("region", whole=True), d.bytes("addr", whole=True)
    d.fact("the region is not empty and below 2^63 bytes", region.blocks >= 1)
    d.fact("the region is not empty and below 2^63 bytes", region.blocks < d.half)
    d.fact("the region ends below 2^64", addr.blocks + region.blocks < 2 * d.half)
    tiling = [
        d.group * d.slot_count - d.group < region.blocks,
        region.blocks <= d.group * d.slot_count,
        d.group <= region.blocks,
    ]
    d.fact("theorem slots_tile_region_in_blocks", *tiling)
    if mapping is Mapping.STATIC:
        d.fact("the region is one memslot", d.slot_count == 1, d.group == region.blocks)
    extent, start = d.bytes("extent", whole=False), d.bytes("start_requested", whole=True)
    d.fact("the extent is below 2^63 bytes", extent.blocks < d.half)
    d.fact("the requested size at start is at most the region", start.blocks <= region.blocks)
    offered = {Mapping.PLUGGED: d.truth(True), Mapping.USABLE: d.truth(False)}
    return Fixed(
        profile=profile,
        mapping=mapping,
        slots=Memslots(Count(d.slot_count), type(region)(d.group)),
        region=region,
        block=d.block,
        addr=addr,
        extent=extent,
        start_requested=start,
        inaccessible=offered.get(mapping, d.flag("inaccessible")),
        prealloc=d.flag("prealloc"),
    )


def any_state(d: SetTerms, name: str = "") -> State[Any, Any, Any]:
    """All states. A second one beside another takes a `name`, the end of those of its parts."""
    return State(
        plugged=d.members(f"plugged{name}", Kind.BLOCK),
        mapped=d.members(f"mapped{name}", Kind.SLOT),
        size=d.bytes(f"plugged_size{name}", whole=False),
        requested=d.bytes(f"requested{name}", whole=False),
        usable=d.bytes(f"usable{name}", whole=False),
        busy=d.flag(f"busy{name}"),
        accepted=d.flag(f"accepted{name}"),
        broken=d.flag(f"broken{name}"),
        realized=d.flag(f"realized{name}"),
    )


def any_action(d: SetTerms, op: Op) -> Action[Any, Any]:
    """All actions of an operation, with every combination of failing host operations."""
    return Action(
        op=op,
        addr=d.bytes("at", whole=False),
        blocks=d.number("blocks", 16),
        value=d.bytes("value", whole=False),
        faults=Faults(d.flag("discard_fails"), d.flag("prealloc_fails"), d.flag("populate_fails")),
    )


def state_invariants(mapping: Mapping) -> list[Invariant]:
    """The invariants of the state for a way of mapping, in the order in which they are assumed:
    the bounds first, since others are evaluated within them."""
    found = [i for i in INVARIANTS if not i.of_layout and mapping in i.mappings]
    return sorted(found, key=lambda i: i.name not in ("multiples-of-block", "indices-in-bounds"))


def assume_invariants(d: SetTerms, f: Fixed[Any, Any], s: State[Any, Any, Any]) -> None:
    """Assume all invariants of a state."""
    for invariant in state_invariants(f.mapping):
        d.assume(f"hypothesis {invariant.name}", partial(invariant.holds, d, f, s))

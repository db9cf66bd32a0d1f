"""Theorems that tie blocks to memslots: plugged-in-mapped rests on them.

They hold for the memslots that the decision function chooses, and speak of an arbitrary block of an
arbitrary request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Generic

from model.arithmetic import GIB, MIB, B, W, is_aligned
from model.geometry import end_slot, first_slot, slot_length, slot_start
from smt_proofs.decision import (
    HUGE,
    MANY,
    ODD,
    TINY,
    USUAL,
    Hints,
    Input,
    any_input,
    case,
    cover_hints,
    settled,
    size_in_blocks,
)
from smt_proofs.hypotheses import (
    BLOCK_FITS_GIB,
    LIMIT_IN_BLOCK,
    LIMIT_IN_UINT16,
    REGION_IN_HALF,
)
from smt_proofs.lemmas import (
    aligned_block_fits_its_slot,
    byte_before_end_is_below_end_slot,
    equal_indices_start_alike,
    quotient_grows,
)
from smt_proofs.terms import IntTerms, Terms
from smt_proofs.theorem import Arithmetic, Hypothesis, Outside, Theorem, register


@dataclass(frozen=True, slots=True)
class PlugInput(Generic[W, B]):
    """A device's inputs to the decision, a range [offset, offset + size) of its region, and one
    block `at` (all bytes from the start of the region)."""

    device: Input
    offset: W
    size: W
    at: W


def any_plug(d: Terms) -> PlugInput[Any, Any]:
    """All inputs: a device as in `any_input`, and three free words."""
    device = any_input(d)
    return PlugInput(device, offset=d.word("offset"), size=d.word("size"), at=d.word("at"))


def of_device(hypothesis: Hypothesis) -> Hypothesis:
    """A hypothesis about the decision, read off the device of a `PlugInput`."""
    return replace(hypothesis, holds=lambda d, c: hypothesis.holds(d, c.device))


def range_ends_in_region(d: Any, c: PlugInput[Any, Any]) -> Any:
    """offset + size <= region, said without a sum that could wrap."""
    if d.test(d.lt(c.device.region, c.size)):
        return d.truth(False)
    return d.le(c.offset, d.sub(c.device.region, c.size))


def block_lies_in_range(d: Any, c: PlugInput[Any, Any]) -> Any:
    """offset <= at and at + block <= offset + size, said without a sum that could wrap."""
    if d.test(d.lt(c.size, c.device.block)) or d.test(d.lt(c.at, c.offset)):
        return d.truth(False)
    return d.le(d.sub(c.at, c.offset), d.sub(c.size, c.device.block))


RANGE_IN_REGION: Final = Hypothesis(
    "range-in-region",
    "offset + size <= region",
    "virtio_mem_valid_range lets no other range through, and the usable region ends in the region",
    range_ends_in_region,
)
BLOCK_IN_RANGE: Final = Hypothesis(
    "block-in-range",
    "offset <= at, at + block <= offset + size",
    "the claim is about the blocks that the request names",
    block_lies_in_range,
)
BLOCK_ALIGNED: Final = Hypothesis(
    "block-aligned",
    "block divides at",
    "blocks start at multiples of the block size",
    lambda d, c: is_aligned(d, c.at, c.device.block),
)


def block_in_activated_slot(d: Any, c: PlugInput[Any, Any]) -> Any:
    """The memslot of the block is among those activated, exists, and holds the whole block."""
    accepted, layout = settled(d, c.device)
    slots = layout.slots
    index = first_slot(d, slots, c.at)
    start, end = first_slot(d, slots, c.offset), end_slot(d, slots, c.offset, c.size)
    among = d.both(d.le(start, index), d.both(d.lt(index, end), d.le(end, slots.count)))
    slot_at = slot_start(d, slots, index)
    slot_end = d.add(slot_at, slot_length(d, slots, c.device.region, index))
    inside = d.both(d.le(slot_at, c.at), d.le(d.add(c.at, c.device.block), slot_end))
    return d.both(accepted, d.both(among, inside))


def plug_hints(d: IntTerms, c: PlugInput[Any, Any]) -> Hints:
    """Order of quotients carries over from bytes to memslots; whole blocks fit their memslot."""
    device = c.device
    slots = settled(d, device)[1].slots
    size, end = slots.size, c.offset + c.size
    index = d.divided(c.at, size)
    last = d.divided(end + (size - 1), size)
    if size.eq(device.region):
        count = (d.lit(1), device.region - 1)
    else:
        count = d.divided(device.region + (size - 1), size)
    blocks = size_in_blocks(d, device, size)
    at_blocks, _ = d.divided(c.at, device.block)
    fits = (c.at, size, device.block, at_blocks, blocks, *index)
    narrowed = first_slot(d, slots, c.at)
    return [
        *cover_hints(d, device),
        (quotient_grows, (c.offset, c.at, size, *d.divided(c.offset, size), *index)),
        (byte_before_end_is_below_end_slot, (c.at, end, size, *index, *last)),
        (quotient_grows, (end + (size - 1), device.region + (size - 1), size, *last, *count)),
        (aligned_block_fits_its_slot, fits),
        (equal_indices_start_alike, (narrowed, index[0], size)),
    ]


def ranged(outside: Outside[Any], at: int) -> Outside[Any]:
    """A witness about the decision with a request for the one block at `at`."""
    device = outside.inputs
    return replace(outside, inputs=PlugInput(device, at, device.block, at))


_TWO_SLOTS: Final = case(2 * GIB, 2 * MIB, 2)

register(
    Theorem(
        name="plug_activates_slot_of_every_block",
        invariant="plugged-in-mapped",
        claim="PLUG activates the memslot of each of its blocks, which lies in that one memslot",
        source="patch hunks virtio_mem_activate_memslots_to_plug, virtio_mem_decide_memslots",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_plug,
        hypotheses=(
            *map(of_device, (REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK, BLOCK_FITS_GIB)),
            RANGE_IN_REGION,
            BLOCK_IN_RANGE,
            BLOCK_ALIGNED,
        ),
        goal=block_in_activated_slot,
        hints=plug_hints,
        outside=(
            ranged(HUGE, 0),
            ranged(MANY, 0),
            ranged(TINY, 0),
            ranged(ODD, 341 * 3 * MIB),
            Outside(
                "range-in-region",
                PlugInput(_TWO_SLOTS, 2 * GIB, 2 * MIB, 2 * GIB),
                "the range ends in a memslot that does not exist",
            ),
            Outside(
                "block-in-range",
                PlugInput(_TWO_SLOTS, GIB, 2 * MIB, 0),
                "the memslot of a block outside the request is not activated",
            ),
            Outside(
                "block-aligned",
                PlugInput(_TWO_SLOTS, 0, 2 * GIB, GIB - MIB),
                "bytes that are no block reach into the next memslot",
            ),
        ),
        mutants=(
            "end-slot-rounded-down",
            "end-slot-one-more",
            "first-slot-one-more",
            "share-not-rounded",
        ),
        pins=USUAL,
    )
)

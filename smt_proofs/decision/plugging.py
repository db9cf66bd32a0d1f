"""Theorems that tie blocks to memslots: plugged-in-mapped rests on them.

They hold for the memslots that the decision function chooses, and speak of an arbitrary block of an
arbitrary request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Generic

from model.arithmetic import GIB, MIB, B, W, is_aligned
from model.geometry import end_slot, first_slot, slot_length, slot_start
from smt_proofs.decision.hints import cover_hints, size_in_blocks
from smt_proofs.decision.hypotheses import (
    BLOCK_FITS_GIB,
    LIMIT_IN_BLOCK,
    LIMIT_IN_UINT16,
    REGION_IN_HALF,
)
from smt_proofs.decision.inputs import ALL_WORDS, Input, any_input, case, settled
from smt_proofs.decision.memslots import HUGE, MANY, ODD, TINY, USUAL
from smt_proofs.decision.theorem import Arithmetic, Hints, Hypothesis, Outside, Theorem, register
from smt_proofs.lemmas.division import (
    aligned_block_fits_its_slot,
    byte_before_end_is_below_end_slot,
    quotient_grows,
)
from smt_proofs.lemmas.products import equal_indices_start_alike
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.evaluation import Terms
from smt_proofs.symbolic.terms import IntTerms


@dataclass(frozen=True, slots=True)
class BlockInput(Generic[W, B]):
    """A device's inputs to the decision and one block `at` (bytes from the region's start)."""

    device: Input
    at: W


@dataclass(frozen=True, slots=True)
class PlugInput(Generic[W, B]):
    """As BlockInput, with the range [offset, offset + size) of a request (bytes)."""

    device: Input
    offset: W
    size: W
    at: W


def any_block(d: Terms) -> BlockInput[Any, Any]:
    """All inputs: a device as in `any_input`, and a free word."""
    return BlockInput(any_input(d), at=d.word("at"))


def any_plug(d: Terms) -> PlugInput[Any, Any]:
    """All inputs: a device as in `any_input`, and three free words."""
    device = any_input(d)
    return PlugInput(device, offset=d.word("offset"), size=d.word("size"), at=d.word("at"))


def of_device(*hypotheses: Hypothesis) -> tuple[Hypothesis, ...]:
    """Hypotheses about the decision, read off the device of the inputs."""

    def read(hypothesis: Hypothesis) -> Hypothesis:
        return replace(hypothesis, holds=lambda d, c: hypothesis.holds(d, c.device))

    return tuple(read(hypothesis) for hypothesis in hypotheses)


def fits(d: Any, inner: tuple[Any, Any], outer: tuple[Any, Any]) -> Any:
    """The range (start, size) `inner` lies in `outer`, said without a sum that could wrap."""
    (start, size), (outer_start, outer_size) = inner, outer
    if d.test(d.lt(outer_size, size)) or d.test(d.lt(start, outer_start)):
        return d.truth(False)
    return d.le(d.sub(start, outer_start), d.sub(outer_size, size))


BLOCK_IN_REGION: Final = Hypothesis(
    "block-in-region",
    "at + block <= region",
    "the region holds no other blocks",
    lambda d, c: fits(d, (c.at, c.device.block), (d.lit(0), c.device.region)),
)
BLOCK_ALIGNED: Final = Hypothesis(
    "block-aligned",
    "block divides at",
    "blocks start at multiples of the block size",
    lambda d, c: is_aligned(d, c.at, c.device.block),
)
RANGE_IN_REGION: Final = Hypothesis(
    "range-in-region",
    "offset + size <= region",
    "virtio_mem_valid_range lets no other range through, and the usable region ends in the region",
    lambda d, c: fits(d, (c.offset, c.size), (d.lit(0), c.device.region)),
)
BLOCK_IN_RANGE: Final = Hypothesis(
    "block-in-range",
    "offset <= at, at + block <= offset + size",
    "the claim is about the blocks that the request names",
    lambda d, c: fits(d, (c.at, c.device.block), (c.offset, c.size)),
)


def block_in_one_slot(d: Any, c: BlockInput[Any, Any]) -> Any:
    """The memslot of the block exists, and the whole block lies in it."""
    accepted, layout = settled(d, c.device)
    slots = layout.slots
    index = first_slot(d, slots, c.at)
    start = slot_start(d, slots, index)
    end = d.add(start, slot_length(d, slots, c.device.region, index))
    inside = d.both(d.le(start, c.at), d.le(d.add(c.at, c.device.block), end))
    return d.both(accepted, d.both(d.lt(index, slots.count), inside))


def slot_activated(d: Any, c: PlugInput[Any, Any]) -> Any:
    """The memslot of the block is among those activated; each exists and touches the request."""
    accepted, layout = settled(d, c.device)
    slots = layout.slots
    index = first_slot(d, slots, c.at)
    start, end = first_slot(d, slots, c.offset), end_slot(d, slots, c.offset, c.size)
    among = d.both(d.le(start, index), d.both(d.lt(index, end), d.le(end, slots.count)))
    if not d.test(d.lt(d.lit(0), end)):
        return d.truth(False)
    last = slot_start(d, slots, d.sub(end, d.lit(1)))
    touched = d.both(
        d.le(slot_start(d, slots, start), c.offset), d.lt(last, d.add(c.offset, c.size))
    )
    return d.both(accepted, d.both(among, touched))


def rounded_up_count(d: IntTerms, device: Input, size: Term) -> tuple[Term, Term]:
    """Quotient and remainder behind the memslot count, also where one memslot spans the region."""
    if size.eq(device.region):
        return d.lit(1), device.region - 1
    return d.divided(device.region + (size - 1), size)


def block_hints(d: IntTerms, c: BlockInput[Any, Any]) -> Hints:
    """A whole block fits the memslot it starts in, and that memslot comes before the end."""
    device = c.device
    slots = settled(d, device)[1].slots
    index = d.divided(c.at, slots.size)
    at_blocks, _ = d.divided(c.at, device.block)
    blocks = size_in_blocks(d, device, slots.size)
    count = rounded_up_count(d, device, slots.size)
    return [
        *cover_hints(d, device),
        (byte_before_end_is_below_end_slot, (c.at, device.region, slots.size, *index, *count)),
        (
            aligned_block_fits_its_slot,
            (c.at, slots.size, device.block, at_blocks, blocks, *index),
        ),
        (equal_indices_start_alike, (first_slot(d, slots, c.at), index[0], slots.size)),
    ]


def plug_hints(d: IntTerms, c: PlugInput[Any, Any]) -> Hints:
    """The order of bytes carries over to memslot indices."""
    device = c.device
    size = settled(d, device)[1].slots.size
    end = c.offset + c.size
    index, last = d.divided(c.at, size), d.divided(end + (size - 1), size)
    count = rounded_up_count(d, device, size)
    return [
        *cover_hints(d, device),
        (quotient_grows, (c.offset, c.at, size, *d.divided(c.offset, size), *index)),
        (byte_before_end_is_below_end_slot, (c.at, end, size, *index, *last)),
        (quotient_grows, (end + (size - 1), device.region + (size - 1), size, *last, *count)),
    ]


def with_block(outside: Outside[Any], at: int) -> Outside[Any]:
    """A witness about the decision with the block at `at`."""
    return replace(outside, inputs=BlockInput(outside.inputs, at))


def with_request(outside: Outside[Any]) -> Outside[Any]:
    """A witness about the decision with a request for the first block."""
    return replace(outside, inputs=PlugInput(outside.inputs, 0, outside.inputs.block, 0))


_TWO_SLOTS: Final = case(2 * GIB, 2 * MIB, 2)

register(
    Theorem(
        name="every_block_lies_in_one_slot",
        invariant="plugged-in-mapped",
        claim="each block of the region lies whole in one memslot, the one of its first byte",
        source="patch hunks virtio_mem_decide_memslots, virtio_mem_prepare_memslots",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_block,
        over=ALL_WORDS,
        hypotheses=(
            *of_device(REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK, BLOCK_FITS_GIB),
            BLOCK_IN_REGION,
            BLOCK_ALIGNED,
        ),
        goal=block_in_one_slot,
        hints=block_hints,
        outside=(
            with_block(HUGE, 0),
            with_block(MANY, 0),
            with_block(TINY, 0),
            with_block(ODD, 341 * 3 * MIB),
            Outside(
                "block-in-region",
                BlockInput(_TWO_SLOTS, 2 * GIB),
                "past the region there is no memslot",
            ),
            Outside(
                "block-aligned",
                BlockInput(_TWO_SLOTS, GIB - MIB),
                "bytes that are no block reach into the next memslot",
            ),
        ),
        mutants=("share-not-rounded", "first-slot-one-more"),
        pins=USUAL,
    )
)
register(
    Theorem(
        name="plug_activates_slot_of_every_block",
        invariant="plugged-in-mapped",
        claim="the memslots that PLUG asks to map are exactly those that hold a block of its range",
        source="patch hunk virtio_mem_activate_memslots_to_plug",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_plug,
        over=ALL_WORDS,
        hypotheses=(
            *of_device(REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK),
            RANGE_IN_REGION,
            BLOCK_IN_RANGE,
        ),
        goal=slot_activated,
        hints=plug_hints,
        outside=(
            with_request(HUGE),
            with_request(MANY),
            with_request(TINY),
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
        ),
        mutants=(
            "end-slot-rounded-down",
            "end-slot-one-more",
            "end-slot-of-the-region",
            "first-slot-one-more",
        ),
        pins=USUAL,
    )
)

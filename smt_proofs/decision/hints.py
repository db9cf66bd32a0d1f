"""Which lemmas the theorems about memslots are given, on the terms of a path."""

from __future__ import annotations

from model.arithmetic import GIB
from model.geometry import memslot_size, single_memslot
from smt_proofs.decision.inputs import Input, settled
from smt_proofs.decision.theorem import Hints
from smt_proofs.lemmas.division import (
    aligned_share_covers_region,
    larger_slots_cover_no_less,
    last_byte_loses_at_most_one_share,
    multiple_of_a_multiple_has_no_remainder,
    rest_of_the_region_has_no_remainder,
    rounded_up_quotient_is_within_cover,
    rounding_up_adds_less_than_a_block,
)
from smt_proofs.lemmas.products import multiple_has_no_remainder
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.terms import IntTerms


def cover_hints(d: IntTerms, c: Input) -> Hints:
    """The chain from the rounded share to the count: limit memslots cover the region."""
    if single_memslot(d, c):
        return []
    share, rest = d.divided(c.region, c.limit)
    step, slack = d.divided(share + (c.block - 1), c.block)
    blocks, _ = d.divided(c.region, c.block)
    size = memslot_size(d, c, c.block)
    quotient, remainder = d.divided(c.region + (size - 1), size)
    covers = (c.region, c.limit, c.block, share, rest, blocks, step, slack)
    return [
        (aligned_share_covers_region, covers),
        (larger_slots_cover_no_less, (step * c.block, size, c.limit)),
        (rounded_up_quotient_is_within_cover, (c.region, size, c.limit, quotient, remainder)),
    ]


def size_in_blocks(d: IntTerms, c: Input, size: Term) -> Term:
    """How many blocks the memslot size is, by the branch that chose it."""
    if size.eq(c.region):
        return d.divided(c.region, c.block)[0]
    share, _ = d.divided(c.region, c.limit)
    step, _ = d.divided(share + (c.block - 1), c.block)
    if size.eq(step * c.block):
        return step
    return d.lit(1) if size.eq(c.block) else d.divided(d.lit(GIB), c.block)[0]


def alignment_hints(d: IntTerms, c: Input) -> Hints:
    """Multiples of the block: the memslot size, every start, and what the last memslot gets."""
    size = settled(d, c)[1].slots.size
    blocks = size_in_blocks(d, c, size)
    region_blocks, _ = d.divided(c.region, c.block)
    whole = (size, c.block, blocks, *d.divided(size, c.block))
    hints = [*cover_hints(d, c), (multiple_has_no_remainder, whole)]
    for index in d.indices:
        start = (index, size, c.block, blocks, *d.divided(index * size, c.block))
        rest = d.divided(c.region - index * size, c.block)
        hints += [
            (multiple_of_a_multiple_has_no_remainder, start),
            (
                rest_of_the_region_has_no_remainder,
                (c.region, region_blocks, index, size, c.block, blocks, *rest),
            ),
        ]
    return hints


def fineness_hints(d: IntTerms, c: Input) -> Hints:
    """The rounded share exceeds the region's share by less than a block."""
    hints = cover_hints(d, c)
    if not hints:
        return []
    share = d.divided(c.region, c.limit)
    step = d.divided(share[0] + (c.block - 1), c.block)
    shorter = d.divided(c.region - 1, c.limit)
    return [
        *hints,
        (rounding_up_adds_less_than_a_block, (share[0], c.block, *step)),
        (last_byte_loses_at_most_one_share, (c.region, c.limit, *share, *shorter)),
    ]

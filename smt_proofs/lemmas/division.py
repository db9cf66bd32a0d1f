"""Facts about division and rounding: memslots that cover a region, blocks within memslots."""

from __future__ import annotations

from smt_proofs.lemmas.lemma import Formula, divides, lemma_by
from smt_proofs.lemmas.products import (
    equal_indices_start_alike,
    factors_in_any_order,
    multiple_has_no_remainder,
    multiples_differ_by_a_block,
    product_of_naturals_is_natural,
)
from smt_proofs.solving.solve import Term


@lemma_by(
    lambda region, limit, block, share, rest, blocks, step, slack: [
        # Rounding adds a byte a share, which covers the rest ...
        (product_of_naturals_is_natural, (step * block - share - 1, limit)),
        # ... or it adds nothing: the rest is of whole blocks, and less than one.
        (equal_indices_start_alike, (step * block, share, limit)),
        (product_of_naturals_is_natural, (blocks - step * limit - 1, block)),
        (product_of_naturals_is_natural, (step * limit - blocks, block)),
        (factors_in_any_order, (step, block, limit)),
    ]
)
def aligned_share_covers_region(
    region: Term,
    limit: Term,
    block: Term,
    share: Term,
    rest: Term,
    blocks: Term,
    step: Term,
    slack: Term,
) -> Formula:
    """`limit` shares, each rounded up to whole blocks, cover the region if limit <= block."""
    premises = [
        *divides(region, limit, share, rest),
        *divides(share + (block - 1), block, step, slack),
        region == blocks * block,
        limit <= block,
    ]
    return premises, region <= step * block * limit


@lemma_by(lambda small, large, limit: [(product_of_naturals_is_natural, (large - small, limit))])
def larger_slots_cover_no_less(small: Term, large: Term, limit: Term) -> Formula:
    """The same number of larger memslots covers at least as much."""
    return [small <= large, limit >= 0], small * limit <= large * limit


@lemma_by(
    lambda n, size, limit, quotient, remainder: [
        (product_of_naturals_is_natural, (quotient - limit - 1, size))
    ]
)
def rounded_up_quotient_is_within_cover(
    n: Term, size: Term, limit: Term, quotient: Term, remainder: Term
) -> Formula:
    """If `limit` pieces of `size` cover n, then n / size rounded up is at most `limit`."""
    premises = [*divides(n + (size - 1), size, quotient, remainder), n <= size * limit]
    return premises, quotient <= limit


@lemma_by(
    lambda index, size, block, blocks, quotient, remainder: [
        (equal_indices_start_alike, (size, blocks * block, index)),
        (factors_in_any_order, (blocks, block, index)),
        (multiple_has_no_remainder, (index * size, block, blocks * index, quotient, remainder)),
    ]
)
def multiple_of_a_multiple_has_no_remainder(
    index: Term, size: Term, block: Term, blocks: Term, quotient: Term, remainder: Term
) -> Formula:
    """If size is a multiple of the block, so is index * size."""
    premises = [size == blocks * block, *divides(index * size, block, quotient, remainder)]
    return premises, remainder == 0


@lemma_by(
    lambda region, region_blocks, index, size, block, blocks, quotient, remainder: [
        (equal_indices_start_alike, (size, blocks * block, index)),
        (factors_in_any_order, (blocks, block, index)),
        (
            multiple_has_no_remainder,
            (region - index * size, block, region_blocks - blocks * index, quotient, remainder),
        ),
    ]
)
def rest_of_the_region_has_no_remainder(
    region: Term,
    region_blocks: Term,
    index: Term,
    size: Term,
    block: Term,
    blocks: Term,
    quotient: Term,
    remainder: Term,
) -> Formula:
    """If region and size are multiples of the block, so is region - index * size."""
    premises = [
        region == region_blocks * block,
        size == blocks * block,
        *divides(region - index * size, block, quotient, remainder),
    ]
    return premises, remainder == 0


@lemma_by(
    lambda small, large, size, quotient, rest, larger, other: [
        (product_of_naturals_is_natural, (quotient - larger - 1, size))
    ]
)
def quotient_grows(
    small: Term, large: Term, size: Term, quotient: Term, rest: Term, larger: Term, other: Term
) -> Formula:
    """A larger dividend has no smaller quotient."""
    premises = [
        *divides(small, size, quotient, rest),
        *divides(large, size, larger, other),
        small <= large,
    ]
    return premises, quotient <= larger


@lemma_by(
    lambda at, end, size, quotient, rest, end_quotient, slack: [
        (product_of_naturals_is_natural, (quotient - end_quotient, size))
    ]
)
def byte_before_end_is_below_end_slot(
    at: Term, end: Term, size: Term, quotient: Term, rest: Term, end_quotient: Term, slack: Term
) -> Formula:
    """A byte before `end` lies in a memslot before the one that `end`, rounded up, starts."""
    premises = [
        *divides(at, size, quotient, rest),
        *divides(end + (size - 1), size, end_quotient, slack),
        at < end,
    ]
    return premises, quotient < end_quotient


@lemma_by(
    lambda at, size, block, at_blocks, blocks, quotient, rest: [
        (equal_indices_start_alike, (size, blocks * block, quotient)),
        (factors_in_any_order, (blocks, block, quotient)),
        (multiples_differ_by_a_block, (rest, size, block, at_blocks - blocks * quotient, blocks)),
    ]
)
def aligned_block_fits_its_slot(
    at: Term, size: Term, block: Term, at_blocks: Term, blocks: Term, quotient: Term, rest: Term
) -> Formula:
    """A block that starts in a memslot of whole blocks also ends in it."""
    premises = [
        block >= 1,
        at == at_blocks * block,
        size == blocks * block,
        *divides(at, size, quotient, rest),
    ]
    return premises, rest + block <= size


@lemma_by(
    lambda region, limit, share, rest, quotient, remainder: [
        (product_of_naturals_is_natural, (share - quotient - 2, limit))
    ]
)
def last_byte_loses_at_most_one_share(
    region: Term, limit: Term, share: Term, rest: Term, quotient: Term, remainder: Term
) -> Formula:
    """Without its last byte the region's share shrinks by at most one."""
    premises = [
        *divides(region, limit, share, rest),
        *divides(region - 1, limit, quotient, remainder),
    ]
    return premises, share <= quotient + 1


@lemma_by(lambda n, block, quotient, slack: [])
def rounding_up_adds_less_than_a_block(
    n: Term, block: Term, quotient: Term, slack: Term
) -> Formula:
    """n rounded up to whole blocks is below n + block."""
    return divides(n + (block - 1), block, quotient, slack), quotient * block < n + block


@lemma_by(
    lambda region, limit, count, size, finer, quotient, rest: [
        (product_of_naturals_is_natural, (limit - count, size)),
        (product_of_naturals_is_natural, (quotient - size, limit)),
    ]
)
def cover_of_smaller_slots_is_short(
    region: Term, limit: Term, count: Term, size: Term, finer: Term, quotient: Term, rest: Term
) -> Formula:
    """If `count` <= limit slots of `size` cover the region, no size from there up is short."""
    premises = [
        *divides(region - 1, limit, quotient, rest),
        count <= limit,
        region <= count * size,
        size <= finer,
        size >= 0,
    ]
    return premises, quotient < finer


@lemma_by(
    lambda region, size, count, other: [
        (product_of_naturals_is_natural, (count - 1 - other, size)),
        (product_of_naturals_is_natural, (other - 1 - count, size)),
    ]
)
def tiling_fixes_the_count(region: Term, size: Term, count: Term, other: Term) -> Formula:
    """Two counts for which the last slot of `size` reaches the region's end are equal."""
    premises = [
        size >= 1,
        count >= 1,
        other >= 1,
        (count - 1) * size < region,
        region <= count * size,
        (other - 1) * size < region,
        region <= other * size,
    ]
    return premises, count == other

"""Facts of integer arithmetic that the theorems rest on, each proven for all integers.

A lemma is proven once over fresh variables and then used at the terms of a rule, so a query never
has to discover a non-linear argument by itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import z3

from smt_proofs.solve import Term

Formula = tuple[list[Term], Term]
"""Premises and conclusion."""

LEMMAS: Final[dict[str, Lemma]] = {}


@dataclass(frozen=True, slots=True)
class Lemma:
    """A universally quantified implication over integers; the parameters are its variables."""

    name: str
    formula: Callable[..., Formula]

    @property
    def claim(self) -> str:
        """The lemma in one line."""
        return (self.formula.__doc__ or "").strip().split("\n")[0]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the integers it speaks of."""
        return tuple(inspect.signature(self.formula).parameters)

    def at(self, *terms: Term) -> Term:
        """The instance of the lemma at these terms."""
        premises, conclusion = self.formula(*terms)
        return z3.Implies(z3.And(premises), conclusion)


def lemma(formula: Callable[..., Formula]) -> Lemma:
    """Register a function of integer terms as a lemma. Raises ValueError for a name taken."""
    made = Lemma(formula.__name__, formula)
    if made.name in LEMMAS:
        raise ValueError(f"lemma {made.name} is registered twice")
    LEMMAS[made.name] = made
    return made


def divides(n: Term, d: Term, quotient: Term, remainder: Term) -> list[Term]:
    """n = quotient * d + remainder, as integer division defines it for d >= 1."""
    return [d >= 1, n == quotient * d + remainder, remainder >= 0, remainder < d]


@lemma
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


@lemma
def larger_slots_cover_no_less(small: Term, large: Term, limit: Term) -> Formula:
    """The same number of larger memslots covers at least as much."""
    return [small <= large, limit >= 0], small * limit <= large * limit


@lemma
def rounded_up_quotient_is_within_cover(
    n: Term, size: Term, limit: Term, quotient: Term, remainder: Term
) -> Formula:
    """If `limit` pieces of `size` cover n, then n / size rounded up is at most `limit`."""
    premises = [*divides(n + (size - 1), size, quotient, remainder), n <= size * limit]
    return premises, quotient <= limit


@lemma
def multiple_of_a_multiple_has_no_remainder(
    index: Term, size: Term, block: Term, blocks: Term, quotient: Term, remainder: Term
) -> Formula:
    """If size is a multiple of the block, so is index * size."""
    premises = [size == blocks * block, *divides(index * size, block, quotient, remainder)]
    return premises, remainder == 0


@lemma
def multiple_has_no_remainder(
    n: Term, block: Term, blocks: Term, quotient: Term, remainder: Term
) -> Formula:
    """A multiple of the block leaves no remainder."""
    return [n == blocks * block, *divides(n, block, quotient, remainder)], remainder == 0


@lemma
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


@lemma
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


@lemma
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


@lemma
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


@lemma
def equal_indices_start_alike(index: Term, other: Term, size: Term) -> Formula:
    """Equal memslot indices have equal offsets."""
    return [index == other], index * size == other * size


@lemma
def last_byte_loses_at_most_one_share(
    region: Term, limit: Term, share: Term, rest: Term, quotient: Term, remainder: Term
) -> Formula:
    """Without its last byte the region's share shrinks by at most one."""
    premises = [
        *divides(region, limit, share, rest),
        *divides(region - 1, limit, quotient, remainder),
    ]
    return premises, share <= quotient + 1


@lemma
def rounding_up_adds_less_than_a_block(
    n: Term, block: Term, quotient: Term, slack: Term
) -> Formula:
    """n rounded up to whole blocks is below n + block."""
    return divides(n + (block - 1), block, quotient, slack), quotient * block < n + block


@lemma
def multiples_differ_by_a_block(
    small: Term, large: Term, block: Term, few: Term, many: Term
) -> Formula:
    """Of two different multiples of the block the larger is larger by a block."""
    premises = [block >= 1, small == few * block, large == many * block, small < large]
    return premises, small <= large - block


@lemma
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


@lemma
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

"""Facts of integer arithmetic that the theorems rest on, each proven for all integers.

A lemma is proven once over fresh variables and then used at the terms of a rule, so a query never
has to discover a non-linear argument by itself. A lemma may itself rest on instances of earlier
ones, its steps; then its products are opaque too. Only `product_of_naturals_is_natural` is left to
a solver's reasoning about products.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import z3

from smt_proofs.obligation import NEGATED, Assertion, Obligation
from smt_proofs.solve import Term

Formula = tuple[list[Term], Term]
"""Premises and conclusion."""

Steps = list[tuple["Lemma", tuple[Term, ...]]]
"""Instances of lemmas."""

LEMMAS: Final[dict[str, Lemma]] = {}


@dataclass(frozen=True, slots=True)
class Lemma:
    """A universally quantified implication over integers; the parameters are its variables.

    `steps` names, for these variables, the instances of earlier lemmas that it follows from
    linearly, whatever products are; a lemma without steps is proven as it stands.
    """

    name: str
    formula: Callable[..., Formula]
    steps: Callable[..., Steps] | None = None

    @property
    def claim(self) -> str:
        """The lemma in one line."""
        return (self.formula.__doc__ or "").strip().split("\n")[0]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the integers it speaks of."""
        return tuple(inspect.signature(self.formula).parameters)

    @property
    def rests_on(self) -> tuple[str, ...]:
        """The lemmas that are its steps, by name."""
        variables = [z3.Int(name) for name in self.variables]
        steps = self.steps(*variables) if self.steps is not None else []
        return tuple(dict.fromkeys(lemma.name for lemma, _ in steps))

    def at(self, *terms: Term) -> Term:
        """The instance of the lemma at these terms."""
        premises, conclusion = self.formula(*terms)
        return z3.Implies(z3.And(premises), conclusion)

    @property
    def linear(self) -> bool:
        """Its steps suffice whatever products are: they may be opaque in its proof."""
        return self.steps is not None

    def obligation(self) -> Obligation:
        """The lemma denied, which its steps must contradict.

        Raises ValueError for a step that is not an earlier lemma: it could rest on this one.
        """
        if late := set(self.rests_on) - set(earlier(self.name)):
            raise ValueError(f"lemma {self.name} rests on {late.pop()}, which is not before it")
        variables = [z3.Int(name) for name in self.variables]
        premises, conclusion = self.formula(*variables)
        assertions = [Assertion("premise", premise) for premise in premises]
        if self.steps is not None:
            for lemma, terms in self.steps(*variables):
                assertions.append(Assertion(f"lemma {lemma.name}", lemma.at(*terms)))
        assertions.append(Assertion(NEGATED, z3.Not(conclusion)))
        return Obligation(self.name, "lemma", tuple(assertions))


def earlier(name: str) -> list[str]:
    """The lemmas registered before the one of that name; all of them for any other name."""
    names = list(LEMMAS)
    return names[: names.index(name)] if name in LEMMAS else names


def lemma(formula: Callable[..., Formula]) -> Lemma:
    """Register a function of integer terms as a lemma. Raises ValueError for a name taken."""
    return _registered(Lemma(formula.__name__, formula))


def lemma_by(
    steps: Callable[..., Steps],
) -> Callable[[Callable[..., Formula]], Lemma]:
    """As `lemma`, for one that follows from these instances of earlier ones."""
    return lambda formula: _registered(Lemma(formula.__name__, formula, steps))


def _registered(made: Lemma) -> Lemma:
    if made.name in LEMMAS:
        raise ValueError(f"lemma {made.name} is registered twice")
    LEMMAS[made.name] = made
    return made


def divides(n: Term, d: Term, quotient: Term, remainder: Term) -> list[Term]:
    """n = quotient * d + remainder, as integer division defines it for d >= 1."""
    return [d >= 1, n == quotient * d + remainder, remainder >= 0, remainder < d]


@lemma
def product_of_naturals_is_natural(a: Term, b: Term) -> Formula:
    """The product of two integers that are not negative is not negative."""
    return [a >= 0, b >= 0], a * b >= 0


@lemma
def factors_in_any_order(a: Term, b: Term, c: Term) -> Formula:
    """The order of three factors does not matter."""
    return [], a * b * c == a * c * b


@lemma
def equal_indices_start_alike(index: Term, other: Term, size: Term) -> Formula:
    """Equal memslot indices have equal offsets."""
    return [index == other], index * size == other * size


@lemma_by(
    lambda a, b: (
        [
            (product_of_naturals_is_natural, (x - k, y))
            for x, y in ((a, b), (b, a))
            for k in (0, 1, 2)
        ]
        + [
            (product_of_naturals_is_natural, (k - x, y))
            for x, y in ((a, b), (b, a))
            for k in (0, 1)
        ]
    )
)
def small_factors_make_small_products(a: Term, b: Term) -> Formula:
    """A product of naturals where a factor is 0, 1 or more."""

    def by(factor: Term, other: Term) -> Term:
        nothing = z3.Implies(factor == 0, a * b == 0)
        one = z3.Implies(factor == 1, a * b == other)
        return z3.And(nothing, one, z3.Implies(factor >= 2, a * b >= 2 * other))

    return [a >= 0, b >= 0], z3.And(by(a, b), by(b, a))


@lemma_by(
    lambda a, b, size: [
        (product_of_naturals_is_natural, (a - b - 1, size)),
        (product_of_naturals_is_natural, (b - a - 1, size)),
        (product_of_naturals_is_natural, (a - b - 2, size)),
        (product_of_naturals_is_natural, (b - a - 2, size)),
        (equal_indices_start_alike, (a, b, size)),
    ]
)
def multiples_in_order(a: Term, b: Term, size: Term) -> Formula:
    """Multiples are in the order of their factors, and as far apart."""

    def apart(few: Term, many: Term) -> list[Term]:
        return [z3.Implies(few + k <= many, few * size + k * size <= many * size) for k in (1, 2)]

    equal = z3.Implies(a == b, a * size == b * size)
    return [size >= 0], z3.And(*apart(a, b), *apart(b, a), equal)


@lemma_by(
    lambda n, block, blocks, quotient, remainder: [
        (product_of_naturals_is_natural, (blocks - quotient - 1, block)),
        (product_of_naturals_is_natural, (quotient - blocks - 1, block)),
        (equal_indices_start_alike, (blocks, quotient, block)),
    ]
)
def multiple_has_no_remainder(
    n: Term, block: Term, blocks: Term, quotient: Term, remainder: Term
) -> Formula:
    """A multiple of the block leaves no remainder."""
    return [n == blocks * block, *divides(n, block, quotient, remainder)], remainder == 0


@lemma_by(
    lambda small, large, block, few, many: [
        (product_of_naturals_is_natural, (few - many, block)),
        (product_of_naturals_is_natural, (many - few - 1, block)),
    ]
)
def multiples_differ_by_a_block(
    small: Term, large: Term, block: Term, few: Term, many: Term
) -> Formula:
    """Of two different multiples of the block the larger is larger by a block."""
    premises = [block >= 1, small == few * block, large == many * block, small < large]
    return premises, small <= large - block


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

"""Facts about products and multiples: only the first is left to reasoning about products."""

from __future__ import annotations

import z3

from smt_proofs.lemmas.lemma import Formula, divides, lemma, lemma_by
from smt_proofs.solving.solve import Term


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

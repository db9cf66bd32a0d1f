"""How far a double may be from what it stands for: the standard model of rounding, proven here."""

from __future__ import annotations

from typing import Final

import z3

from smt_proofs.lemmas.lemma import Formula, Steps, lemma_by
from smt_proofs.lemmas.products import product_of_naturals_is_natural
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.doubles import (
    EXACT,
    PRODUCT,
    UINT,
    quotient_scales,
    rounded,
    rounded_quotient,
)

WORD: Final = 64
"""Bits of a word."""
MOST: Final = 256
"""The most memslots that a part is taken of."""


def _near(n: Term, bits: int, result: Term, steps: Term, half: Term) -> Formula:
    premises = [n >= 0, n < 1 << bits, rounded(n, bits, result, steps, half)]
    near = z3.And((result - n) * EXACT <= n, (n - result) * EXACT <= n)
    return premises, z3.And(near, z3.Implies(n >= 1, result >= 1))


@lemma_by(lambda n, result, steps, half: [])
def double_is_near(n: Term, result: Term, steps: Term, half: Term) -> Formula:
    """A word and its double differ by one part in 2^53 at the most."""
    return _near(n, WORD, result, steps, half)


@lemma_by(lambda n, result, steps, half: [])
def product_is_near(n: Term, result: Term, steps: Term, half: Term) -> Formula:
    """A product and its double differ by one part in 2^53 at the most."""
    return _near(n, PRODUCT, result, steps, half)


@lemma_by(
    lambda a, b, result, steps, half: [
        (product_of_naturals_is_natural, (0 - result, b)),
        (product_of_naturals_is_natural, (0 - steps, b)),
        # The whole part is no more than the steps, in each case of how many make one.
        *(
            (product_of_naturals_is_natural, (steps - (1 << scale) * result, b))
            for scale in quotient_scales()
        ),
    ]
)
def whole_quotient_is_near(a: Term, b: Term, result: Term, steps: Term, half: Term) -> Formula:
    """The whole part of a quotient in doubles exceeds the quotient by one part in 2^53 at most."""
    premises = [
        a >= 0,
        b >= 1,
        a < b * (1 << UINT),
        rounded_quotient(a, b, result, steps, half),
    ]
    return premises, z3.And(result >= 0, result * b * EXACT <= a * (EXACT + 1))


def _part_of_all(
    memslots: Term, size: Term, available: Term, small: Term, large: Term, product: Term
) -> list[Term]:
    """`small` and `large` are near to a part and the whole, `product` to memslots * small."""
    return [
        memslots >= 1,
        memslots <= MOST,
        size <= available,
        (small - size) * EXACT <= size,
        (available - large) * EXACT <= available,
        large >= 1,
        (product - memslots * small) * EXACT <= memslots * small,
    ]


def _products(memslots: Term, small: Term, large: Term) -> Steps:
    return [
        (
            product_of_naturals_is_natural,
            ((EXACT + 1) * large - (EXACT - 1) * small, memslots),
        ),
        (product_of_naturals_is_natural, (MOST - memslots, large)),
    ]


@lemma_by(
    lambda memslots, size, available, small, large, product: _products(memslots, small, large)
)
def product_of_a_part_is_small(
    memslots: Term, size: Term, available: Term, small: Term, large: Term, product: Term
) -> Formula:
    """256 times a part or less, rounded, is less than 512 times the whole."""
    premises = _part_of_all(memslots, size, available, small, large, product)
    return premises, product < 2 * MOST * large


@lemma_by(
    lambda memslots, size, available, small, large, product, whole: [
        *_products(memslots, small, large),
        (product_of_naturals_is_natural, (whole - memslots - 1, large)),
    ]
)
def proportion_is_no_more_than_all(
    memslots: Term,
    size: Term,
    available: Term,
    small: Term,
    large: Term,
    product: Term,
    whole: Term,
) -> Formula:
    """Of 256 memslots or fewer, what three roundings make of a part is no more than all of them."""
    premises = _part_of_all(memslots, size, available, small, large, product)
    return [*premises, whole * large * EXACT <= product * (EXACT + 1)], whole <= memslots

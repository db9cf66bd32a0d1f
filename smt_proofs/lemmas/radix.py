"""What the operations of `symbolic.radix` rest on: words of bytes as whole blocks and a rest."""

from __future__ import annotations

import z3

from smt_proofs.lemmas.lemma import Formula, Steps, lemma_by
from smt_proofs.lemmas.products import (
    equal_indices_start_alike,
    factors_in_any_order,
    multiples_in_order,
    product_of_naturals_is_natural,
)
from smt_proofs.solving.solve import Term


def _parts(block: Term, *rests: Term) -> list[Term]:
    """Every rest is below the block."""
    return [block >= 1, *(z3.And(rest >= 0, rest < block) for rest in rests)]


def _by_blocks(a: Term, ra: Term, b: Term, rb: Term, block: Term) -> Steps:
    return [(multiples_in_order, (a, b, block))]


@lemma_by(_by_blocks)
def radix_order(a: Term, ra: Term, b: Term, rb: Term, block: Term) -> Formula:
    """Bytes compare by whole blocks first, then by the rest."""
    by_parts = z3.Or(a < b, z3.And(a == b, ra < rb))
    return _parts(block, ra, rb), (a * block + ra < b * block + rb) == by_parts


@lemma_by(_by_blocks)
def radix_equal(a: Term, ra: Term, b: Term, rb: Term, block: Term) -> Formula:
    """Equal bytes have equal parts."""
    equal = a * block + ra == b * block + rb
    return _parts(block, ra, rb), equal == z3.And(a == b, ra == rb)


@lemma_by(lambda *_: [])
def radix_sum(a: Term, ra: Term, b: Term, rb: Term, block: Term) -> Formula:
    """A sum of bytes carries at most one block."""
    total = a * block + ra + b * block + rb
    carried = z3.And(total == (a + b + 1) * block + (ra + rb - block), ra + rb - block < block)
    plain = total == (a + b) * block + (ra + rb)
    return _parts(block, ra, rb), z3.If(ra + rb >= block, carried, plain)


@lemma_by(lambda *_: [])
def radix_difference(a: Term, ra: Term, b: Term, rb: Term, block: Term) -> Formula:
    """A difference of bytes borrows at most one block."""
    left = a * block + ra - (b * block + rb)
    borrowed = left == (a - b - 1) * block + (ra + block - rb)
    return _parts(block, ra, rb), z3.If(ra < rb, borrowed, left == (a - b) * block + (ra - rb))


@lemma_by(
    lambda a, ra, b, block, quotient, rest: [
        (equal_indices_start_alike, (a, quotient * b + rest, block)),
        (factors_in_any_order, (b, block, quotient)),
        (product_of_naturals_is_natural, (rest, block)),
        (multiples_in_order, (rest, b, block)),
    ]
)
def radix_quotient(a: Term, ra: Term, b: Term, block: Term, quotient: Term, rest: Term) -> Formula:
    """Bytes divided by whole blocks: quotient and remainder of the blocks, the rest kept."""
    premises = [*_parts(block, ra), b >= 1, a == quotient * b + rest, rest >= 0, rest < b]
    bytes_rest = rest * block + ra
    conclusion = z3.And(
        a * block + ra == quotient * (b * block) + bytes_rest,
        bytes_rest >= 0,
        bytes_rest < b * block,
    )
    return premises, conclusion


@lemma_by(lambda a, ra, block, half, limit: [(multiples_in_order, (a, 2 * half, block))])
def radix_limit(a: Term, ra: Term, block: Term, half: Term, limit: Term) -> Formula:
    """Bytes are below 2 * half * block exactly if their whole blocks are below 2 * half."""
    premises = [*_parts(block, ra), limit == 2 * half * block]
    return premises, (a * block + ra < limit) == (a < 2 * half)

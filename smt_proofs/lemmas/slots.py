"""Facts about memslots of `group` blocks each, and the blocks in them; proven for all integers."""

from __future__ import annotations

import z3

from smt_proofs.lemmas.lemma import Formula, divides, lemma_by
from smt_proofs.lemmas.products import multiples_in_order, product_of_naturals_is_natural
from smt_proofs.solving.solve import Term


@lemma_by(
    lambda small, large, size, quotient, rest, larger, other: [
        (multiples_in_order, (quotient, larger, size))
    ]
)
def quotient_leaps(
    small: Term, large: Term, size: Term, quotient: Term, rest: Term, larger: Term, other: Term
) -> Formula:
    """A dividend larger by the divisor has a larger quotient."""
    premises = [
        *divides(small, size, quotient, rest),
        *divides(large, size, larger, other),
        small + size <= large,
    ]
    return premises, quotient < larger


@lemma_by(
    lambda slot, block, group, quotient, rest: [(multiples_in_order, (slot, quotient, group))]
)
def slot_of_block(slot: Term, block: Term, group: Term, quotient: Term, rest: Term) -> Formula:
    """A block lies in a memslot of `group` blocks exactly if that is the quotient."""
    inside = z3.And(slot * group <= block, block < slot * group + group)
    return divides(block, group, quotient, rest), (quotient == slot) == inside


@lemma_by(
    lambda slot, group, count: [
        (product_of_naturals_is_natural, (slot, group)),
        (multiples_in_order, (slot, count, group)),
    ]
)
def slots_start_in_order(slot: Term, group: Term, count: Term) -> Formula:
    """A memslot before the last one ends where or before the last one starts."""
    premises = [group >= 1, slot >= 0, slot < count]
    conclusion = z3.And(
        slot * group >= 0,
        slot * group + group <= count * group,
        z3.Or(slot == count - 1, slot * group + 2 * group <= count * group),
    )
    return premises, conclusion


@lemma_by(
    lambda n, size, count, quotient, remainder: [(multiples_in_order, (count, quotient, size))]
)
def rounded_up_quotient_reaches_count(
    n: Term, size: Term, count: Term, quotient: Term, remainder: Term
) -> Formula:
    """If all but the last of `count` slots end before n, n / size rounded up is `count` or more."""
    premises = [*divides(n + (size - 1), size, quotient, remainder), count * size - size < n]
    return premises, count <= quotient

"""The invariants leave no room: they determine the decision.

Without this a device that always chose one memslot, or needlessly few, might meet every invariant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic

from model.arithmetic import GIB, MIB, B, W, is_aligned
from model.geometry import Memslots
from model.invariants import (
    Layout,
    count_in_limit,
    last_slot_smaller,
    slot_minimum,
    slots_as_fine_as_allowed,
)
from smt_proofs.decision.theorem import Arithmetic, Hints, Hypothesis, Outside, Theorem, register
from smt_proofs.lemmas.division import cover_of_smaller_slots_is_short, tiling_fixes_the_count
from smt_proofs.lemmas.products import multiples_differ_by_a_block
from smt_proofs.symbolic.evaluation import Terms
from smt_proofs.symbolic.terms import IntTerms


@dataclass(frozen=True, slots=True)
class TwoLayouts(Generic[W, B]):
    """Two choices of memslots for the same region (bytes; limit and counts in memslots)."""

    region: W
    block: W
    limit: W
    several: B
    count: W
    size: W
    other_count: W
    other_size: W

    def layouts(self) -> tuple[Layout[W, B], Layout[W, B]]:
        """The two choices as layouts."""
        first = Layout(
            self.region, self.block, self.limit, self.several, Memslots(self.count, self.size)
        )
        return first, replace(first, slots=Memslots(self.other_count, self.other_size))


def any_two(d: Terms) -> TwoLayouts[Any, Any]:
    """All pairs of choices for a region that is not empty and a block size that is set."""
    c = TwoLayouts(
        region=d.word("region"),
        block=d.word("block"),
        limit=d.word("limit", 32),
        several=d.flag("several"),
        count=d.word("count", 16),
        size=d.word("size"),
        other_count=d.word("other_count", 16),
        other_size=d.word("other_size"),
    )
    d.facts += [d.lt(d.lit(0), c.block), d.lt(d.lit(0), c.region)]
    return c


def both_meet(name: str, claim: str, invariant: Callable[..., Any]) -> Hypothesis:
    """The hypothesis that both choices meet an invariant."""

    def holds(d: Any, c: TwoLayouts[Any, Any]) -> Any:
        first, second = c.layouts()
        return d.both(invariant(d, first), invariant(d, second))

    return Hypothesis(name, claim, "an invariant that every decision is proven to meet", holds)


def size_whole_blocks(d: Any, g: Layout[Any, Any]) -> Any:
    """The size of several memslots is whole blocks."""
    return d.either(d.le(g.slots.count, d.lit(1)), is_aligned(d, g.slots.size, g.block))


def same_choice(d: Any, c: TwoLayouts[Any, Any]) -> Any:
    """Equal counts and equal sizes."""
    return d.both(d.eq(c.count, c.other_count), d.eq(c.size, c.other_size))


def order_hints(d: IntTerms, c: TwoLayouts[Any, Any]) -> Hints:
    """The larger of two sizes could lose a block, so it was not the finest."""
    shorter = d.divided(c.region - 1, c.limit)
    blocks, _ = d.divided(c.size, c.block)
    other_blocks, _ = d.divided(c.other_size, c.block)
    d.test(d.lt(c.size, c.other_size))
    d.test(d.lt(c.other_size, c.size))
    finer, other_finer = c.size - c.block, c.other_size - c.block
    return [
        (multiples_differ_by_a_block, (c.size, c.other_size, c.block, blocks, other_blocks)),
        (multiples_differ_by_a_block, (c.other_size, c.size, c.block, other_blocks, blocks)),
        (
            cover_of_smaller_slots_is_short,
            (c.region, c.limit, c.count, c.size, other_finer, *shorter),
        ),
        (
            cover_of_smaller_slots_is_short,
            (c.region, c.limit, c.other_count, c.other_size, finer, *shorter),
        ),
        (tiling_fixes_the_count, (c.region, c.size, c.count, c.other_count)),
    ]


def apart(
    hypothesis: str, region: int, limit: int, right: tuple[int, int], wrong: tuple[int, int]
) -> Outside[TwoLayouts[int, bool]]:
    """Two different choices (count, bytes) that only the named hypothesis keeps apart."""
    inputs = TwoLayouts(region, MIB, limit, True, *right, *wrong)
    return Outside(hypothesis, inputs, f"{wrong[0]} memslots of {wrong[1]} bytes would do as well")


register(
    Theorem(
        name="invariants_determine_decision",
        claim="two choices of memslots that meet all layout invariants are the same choice",
        source="the layout invariants",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_two,
        over="regions and block sizes of 1 byte or more, counts of 16 bits",
        hypotheses=(
            both_meet("count-in-limit", "both meet count-in-limit", count_in_limit),
            both_meet("last-slot-smaller", "both meet last-slot-smaller", last_slot_smaller),
            both_meet("slot-minimum", "both meet slot-minimum", slot_minimum),
            both_meet("size-whole-blocks", "both sizes are whole blocks", size_whole_blocks),
            both_meet("finest", "both meet slots-as-fine-as-allowed", slots_as_fine_as_allowed),
        ),
        goal=same_choice,
        hints=order_hints,
        outside=(
            apart("count-in-limit", 4 * GIB, 2, (2, 2 * GIB), (4, GIB)),
            apart("last-slot-smaller", 5 * GIB, 3, (3, 1707 * MIB), (2, 1707 * MIB)),
            apart("slot-minimum", 4 * GIB, 256, (4, GIB), (256, 16 * MIB)),
            apart("size-whole-blocks", 5 * GIB, 3, (3, 1707 * MIB), (3, 1707 * MIB + 4096)),
            apart("finest", 4 * GIB, 4, (4, GIB), (2, 2 * GIB)),
        ),
        mutants=("coarser-slots-allowed", "one-slot-always-allowed"),
        pins={"block": 2 * MIB, "limit": 3},
    )
)

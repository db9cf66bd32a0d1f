"""Theorems about the decision function: how many memslots, of which size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Generic

from model.arithmetic import GIB, MIB, TIB, W, is_aligned
from model.geometry import (
    DecisionInput,
    decide_memslots,
    default_block_size,
    memslot_size,
    realized_memslots,
    single_memslot,
)
from model.invariants import (
    Layout,
    count_in_limit,
    last_slot_smaller,
    slot_aligned,
    slot_minimum,
    slots_as_fine_as_allowed,
)
from smt_proofs.decision.hypotheses import (
    BLOCK_FITS_GIB,
    DEFAULT_BLOCK_SET,
    LIMIT_IN_BLOCK,
    LIMIT_IN_UINT16,
    REGION_IN_HALF,
    REGION_NOT_EMPTY,
    REGION_WHOLE_BLOCKS,
)
from smt_proofs.decision.theorem import Arithmetic, Outside, Theorem, register
from smt_proofs.lemmas.division import (
    aligned_share_covers_region,
    larger_slots_cover_no_less,
    last_byte_loses_at_most_one_share,
    multiple_of_a_multiple_has_no_remainder,
    rest_of_the_region_has_no_remainder,
    rounded_up_quotient_is_within_cover,
    rounding_up_adds_less_than_a_block,
)
from smt_proofs.lemmas.lemma import Lemma
from smt_proofs.lemmas.products import multiple_has_no_remainder
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.terms import IntTerms, Terms

Input = DecisionInput[Any, Any]
Hints = list[tuple[Lemma, tuple[Term, ...]]]

ALL_WORDS: Final = "all regions, pages and default blocks of 64 bits, all blocks of 1 byte or more"
DECIDE: Final = "patch hunk virtio_mem_decide_memslots; QEMU 8.2 and later, with the option on"


def any_input(d: Terms) -> Input:
    """All inputs with a block size: words of 64 bits, the limit of 32, both flags free.

    What a block size of 0 means is the matter of `default_block_as_if_configured`.
    """
    block = d.word("block")
    d.facts.append(d.lt(d.lit(0), block))
    return DecisionInput(
        region=d.word("region"),
        block=block,
        limit=d.word("limit", 32),
        page=d.word("page"),
        default_block=d.word("default_block"),
        option=d.flag("option"),
        has_ram=d.flag("has_ram"),
    )


def case(region: int, block: int, limit: int, page: int = 4096) -> DecisionInput[int, bool]:
    """Concrete inputs with the option on and a backend (bytes; limit in memslots)."""
    return DecisionInput(region, block, limit, page, 2 * MIB, option=True, has_ram=True)


def settled(d: Any, c: Input) -> tuple[Any, Layout[Any, Any]]:
    """Whether QEMU accepts the decision (it asserts a count of 1 or more), and the final memslots.

    Source of the assertion: patch hunk virtio_mem_get_memslots.
    """
    decided = decide_memslots(d, c)
    whole = d.both(d.le(c.page, c.block), is_aligned(d, c.region, c.block))
    several = d.both(d.both(c.option, c.has_ram), whole)
    slots = realized_memslots(d, c.region, decided)
    return d.le(d.lit(1), decided.count), Layout(c.region, c.block, c.limit, several, slots)


def of_settled(invariant: Callable[..., Any]) -> Callable[[Any, Input], Any]:
    """The claim that QEMU accepts the decision and the final memslots meet the invariant."""

    def goal(d: Any, c: Input) -> Any:
        accepted, layout = settled(d, c)
        return d.both(accepted, invariant(d, layout))

    return goal


def decided_count(d: Any, c: Input) -> Any:
    """The count as stored, before realize looks at it, is within the limit."""
    return count_in_limit(d, Layout(c.region, c.block, c.limit, None, decide_memslots(d, c)))


def one_or_several(d: Any, c: Input) -> Any:
    """One memslot, or all of what several memslots need."""
    several = d.both(settled(d, c)[1].several, d.lt(d.lit(1), c.limit))
    return d.either(d.eq(decide_memslots(d, c).count, d.lit(1)), several)


def default_as_configured(d: Any, c: Input) -> Any:
    """Block size 0 and the default block size give the same count and size."""
    left = decide_memslots(d, replace(c, block=d.lit(0)))
    right = decide_memslots(d, replace(c, block=c.default_block))
    return d.both(d.eq(left.count, right.count), d.eq(left.size, right.size))


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


USUAL: Final = {"block": 2 * MIB, "page": 4096, "default_block": 2 * MIB, "limit": 3}

EMPTY = Outside(
    "region-not-empty", case(0, 2 * MIB, 256), "the count is 0: QEMU's assertion stops it"
)
HUGE = Outside(
    "region-in-half",
    case((1 << 64) - MIB, MIB, 2),
    "rounding the region up wraps: the count is 0",
)
MANY = Outside("limit-in-uint16", case(64 * TIB, MIB, 65536), "65536 memslots are stored as 0")
TINY = Outside(
    "limit-in-block",
    case(65535 * GIB + 4096, 4096, 65535),
    "the rounded share misses a remainder of one block: 65536 memslots, stored as 0",
)
OVER = Outside(
    "limit-in-block",
    case(5000 * GIB + 4096, 4096, 5000),
    "the rounded share misses a remainder of one block: 5001 memslots",
)
ODD = Outside(
    "block-fits-1GiB",
    case(3 * GIB, 3 * MIB, 256),
    "memslots of 1 GiB are no multiple of 3 MiB",
)
RAGGED = Outside(
    "region-whole-blocks",
    case(GIB + 4096, 2 * MIB, 256),
    "one memslot of a size that is no multiple of the block",
)

register(
    Theorem(
        name="count_never_exceeds_limit",
        invariant="count-in-limit",
        claim="1 <= count <= max(limit, 1)",
        source=DECIDE,
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_input,
        over=ALL_WORDS,
        hypotheses=(REGION_NOT_EMPTY, REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK),
        goal=decided_count,
        hints=cover_hints,
        outside=(EMPTY, HUGE, MANY, OVER),
        mutants=("share-rounded-down", "limit-plus-one", "smaller-of-share-and-minimum"),
        pins=USUAL,
    )
)
register(
    Theorem(
        name="every_slot_aligned_to_block",
        invariant="slot-aligned",
        claim="start and size of every memslot are multiples of the block size",
        source=DECIDE + "; virtio_mem_prepare_memslots",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_input,
        over=ALL_WORDS,
        hypotheses=(
            REGION_NOT_EMPTY,
            REGION_IN_HALF,
            LIMIT_IN_UINT16,
            LIMIT_IN_BLOCK,
            BLOCK_FITS_GIB,
            REGION_WHOLE_BLOCKS,
        ),
        goal=of_settled(slot_aligned),
        hints=alignment_hints,
        outside=(EMPTY, HUGE, MANY, TINY, ODD, RAGGED),
        mutants=("share-not-rounded",),
        pins=USUAL,
    )
)
register(
    Theorem(
        name="slots_tile_region_last_smaller",
        invariant="last-slot-smaller",
        claim="all memslots but the last have the slot size, 0 < last <= slot size, no gap",
        source=DECIDE + "; virtio_mem_prepare_memslots",
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_input,
        over=ALL_WORDS,
        hypotheses=(REGION_NOT_EMPTY, REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK),
        goal=of_settled(last_slot_smaller),
        hints=cover_hints,
        outside=(EMPTY, HUGE, MANY, TINY),
        mutants=(
            "count-rounded-down",
            "count-one-more",
            "size-unset-for-two",
            "slot-reaches-the-end",
            "single-slot-too-large",
        ),
        pins=USUAL,
    )
)
register(
    Theorem(
        name="slots_no_smaller_than_minimum",
        invariant="slot-minimum",
        claim="with several memslots, each but the last is at least one block and 1 GiB",
        source=DECIDE + "; VIRTIO_MEM_MIN_MEMSLOT_SIZE",
        arithmetic=Arithmetic.BITS,
        inputs=any_input,
        over=ALL_WORDS,
        hypotheses=(),
        goal=lambda d, c: slot_minimum(d, settled(d, c)[1]),
        mutants=("no-minimum", "minimum-of-one-block"),
        pins=USUAL,
    )
)
register(
    Theorem(
        name="slots_as_fine_as_allowed",
        invariant="slots-as-fine-as-allowed",
        claim="one block less a memslot would break the minimum or the limit",
        source=DECIDE,
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_input,
        over=ALL_WORDS,
        hypotheses=(REGION_NOT_EMPTY, REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK),
        goal=of_settled(slots_as_fine_as_allowed),
        hints=fineness_hints,
        outside=(EMPTY, HUGE, MANY, TINY),
        mutants=("always-one", "one-block-too-coarse"),
        pins=USUAL,
    )
)
register(
    Theorem(
        name="falls_back_to_one_slot",
        invariant="",
        claim="one memslot where limit <= 1, the option is off, no RAM, or realize is to fail",
        source=DECIDE,
        arithmetic=Arithmetic.BITS,
        inputs=any_input,
        over=ALL_WORDS,
        hypotheses=(),
        goal=one_or_several,
        mutants=("option-ignored", "backend-ignored", "page-size-ignored", "alignment-ignored"),
        pins={"block": 2 * MIB, "limit": 3},
    )
)
register(
    Theorem(
        name="default_block_as_if_configured",
        invariant="",
        claim="no block size given: the decision is that for the default block size",
        source=DECIDE,
        arithmetic=Arithmetic.BITS,
        inputs=any_input,
        over=ALL_WORDS,
        hypotheses=(DEFAULT_BLOCK_SET,),
        goal=default_as_configured,
        outside=(
            Outside(
                "default-block-set",
                replace(case(GIB, MIB, 2, page=0), default_block=0),
                "the decision divides by zero",
            ),
        ),
        mutants=("default-block-ignored",),
        pins={"page": 4096, "default_block": 4 * MIB, "limit": 3},
    )
)


@dataclass(frozen=True, slots=True)
class PageInput(Generic[W]):
    """The page size of the backend, of the host, and the transparent huge page size (bytes)."""

    page: W
    host_page: W
    thp: W


def any_pages(d: Terms) -> PageInput[Any]:
    """All triples of sizes."""
    return PageInput(d.word("page"), d.word("host_page"), d.word("thp"))


def default_block_fits(d: Any, c: PageInput[Any]) -> Any:
    """At least the page, and at least the huge page on ordinary memory or else 1 MiB; no more."""
    block = default_block_size(d, c.page, c.host_page, c.thp)
    least = c.thp if d.test(d.eq(c.page, c.host_page)) else d.lit(MIB)
    covers = d.both(d.le(c.page, block), d.le(least, block))
    return d.both(covers, d.either(d.eq(block, c.page), d.eq(block, least)))


register(
    Theorem(
        name="default_block_covers_pages",
        invariant="",
        claim="the default block size is the larger of the page and the huge page (or 1 MiB)",
        source="virtio_mem_default_block_size",
        arithmetic=Arithmetic.BITS,
        inputs=any_pages,
        hypotheses=(),
        goal=default_block_fits,
        mutants=("huge-page-for-any-backend", "default-ignores-page"),
    )
)

"""Theorems about the decision function: how many memslots, of which size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Generic

from model.arithmetic import GIB, MIB, TIB, W
from model.geometry import decide_memslots, default_block_size
from model.invariants import (
    Layout,
    count_in_limit,
    last_slot_smaller,
    slot_aligned,
    slot_minimum,
    slots_as_fine_as_allowed,
)
from smt_proofs.decision.hints import alignment_hints, cover_hints, fineness_hints
from smt_proofs.decision.hypotheses import (
    BLOCK_FITS_GIB,
    DEFAULT_BLOCK_SET,
    LIMIT_IN_BLOCK,
    LIMIT_IN_UINT16,
    REGION_IN_HALF,
    REGION_NOT_EMPTY,
    REGION_WHOLE_BLOCKS,
)
from smt_proofs.decision.inputs import ALL_WORDS, Input, any_input, case, of_settled, settled
from smt_proofs.decision.theorem import Arithmetic, Outside, Theorem, register
from smt_proofs.symbolic.evaluation import Terms

DECIDE: Final = "patch hunk virtio_mem_decide_memslots; QEMU 8.2 and later, with the option on"


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


USUAL: Final = {"block": 2 * MIB, "page": 4096, "default_block": 2 * MIB, "limit": 3}

of_decision: Final = partial(Theorem, source=DECIDE, inputs=any_input, over=ALL_WORDS, pins=USUAL)
"""A theorem about the decision."""

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
    of_decision(
        name="count_never_exceeds_limit",
        invariant="count-in-limit",
        claim="1 <= count <= max(limit, 1)",
        arithmetic=Arithmetic.INTEGERS,
        hypotheses=(REGION_NOT_EMPTY, REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK),
        goal=decided_count,
        hints=cover_hints,
        outside=(EMPTY, HUGE, MANY, OVER),
        mutants=("share-rounded-down", "limit-plus-one", "smaller-of-share-and-minimum"),
    )
)
register(
    of_decision(
        name="every_slot_aligned_to_block",
        invariant="slot-aligned",
        claim="start and size of every memslot are multiples of the block size",
        source=DECIDE + "; virtio_mem_prepare_memslots",
        arithmetic=Arithmetic.INTEGERS,
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
    )
)
register(
    of_decision(
        name="slots_tile_region_last_smaller",
        invariant="last-slot-smaller",
        claim="all memslots but the last have the slot size, 0 < last <= slot size, no gap",
        source=DECIDE + "; virtio_mem_prepare_memslots",
        arithmetic=Arithmetic.INTEGERS,
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
    )
)
register(
    of_decision(
        name="slots_no_smaller_than_minimum",
        invariant="slot-minimum",
        claim="with several memslots, each but the last is at least one block and 1 GiB",
        source=DECIDE + "; VIRTIO_MEM_MIN_MEMSLOT_SIZE",
        arithmetic=Arithmetic.BITS,
        hypotheses=(),
        goal=lambda d, c: slot_minimum(d, settled(d, c)[1]),
        mutants=("no-minimum", "minimum-of-one-block"),
    )
)
register(
    of_decision(
        name="slots_as_fine_as_allowed",
        invariant="slots-as-fine-as-allowed",
        claim="memslots smaller by one block would break the minimum or the limit",
        arithmetic=Arithmetic.INTEGERS,
        hypotheses=(REGION_NOT_EMPTY, REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK),
        goal=of_settled(slots_as_fine_as_allowed),
        hints=fineness_hints,
        outside=(EMPTY, HUGE, MANY, TINY),
        mutants=("always-one", "one-block-too-coarse"),
    )
)
register(
    of_decision(
        name="falls_back_to_one_slot",
        claim="the device has one memslot where limit <= 1, the option is off, there is no RAM, or "
        "realize is to fail",
        arithmetic=Arithmetic.BITS,
        hypotheses=(),
        goal=one_or_several,
        mutants=("option-ignored", "backend-ignored", "page-size-ignored", "alignment-ignored"),
        pins={"block": 2 * MIB, "limit": 3},
    )
)
register(
    of_decision(
        name="default_block_as_if_configured",
        claim="without a given block size, the memslots are those for the default block size",
        arithmetic=Arithmetic.BITS,
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
        claim="the default block size is the larger of the page and the huge page (or 1 MiB)",
        source="virtio_mem_default_block_size",
        arithmetic=Arithmetic.BITS,
        inputs=any_pages,
        hypotheses=(),
        goal=default_block_fits,
        mutants=("huge-page-for-any-backend", "default-ignores-page"),
    )
)

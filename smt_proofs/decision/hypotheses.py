"""The hypotheses that theorems about the decision may assume, weakest natural form of each."""

from __future__ import annotations

from typing import Final

from model.arithmetic import GIB, is_aligned
from smt_proofs.decision.theorem import Hypothesis

REGION_NOT_EMPTY: Final = Hypothesis(
    "region-not-empty",
    "region >= 1",
    "an empty region gives a count of 0, on which QEMU asserts; a memory backend is never empty",
    lambda d, c: d.le(d.lit(1), c.region),
)
REGION_IN_HALF: Final = Hypothesis(
    "region-in-half",
    "region <= 2^63",
    "region + memslot size - 1 must not wrap; physical addresses end at 2^52",
    lambda d, c: d.le(c.region, d.lit(1 << 63)),
)
LIMIT_IN_UINT16: Final = Hypothesis(
    "limit-in-uint16",
    "limit <= 65535",
    "the count is stored to a uint16_t; QEMU's caller never hands out more than 256",
    lambda d, c: d.le(c.limit, d.lit(65535)),
)
LIMIT_IN_BLOCK: Final = Hypothesis(
    "limit-in-block",
    "limit <= block",
    "rounding the share to whole blocks covers the remainder of the division only then; blocks of "
    "1 MiB or more and limits below 2^16 always meet it",
    lambda d, c: d.le(c.limit, c.block),
)
BLOCK_FITS_GIB: Final = Hypothesis(
    "block-fits-1GiB",
    "block divides 1 GiB, or block >= 1 GiB",
    "the minimum memslot size is 1 GiB and must be whole blocks; weaker than the power of two that "
    "the property setter asks for",
    lambda d, c: d.either(
        is_aligned(d, d.lit(GIB), c.block),
        d.le(d.lit(GIB), c.block),
    ),
)
REGION_WHOLE_BLOCKS: Final = Hypothesis(
    "region-whole-blocks",
    "block divides region",
    "realize refuses any other region, after the decision fell back to one memslot",
    lambda d, c: is_aligned(d, c.region, c.block),
)
DEFAULT_BLOCK_SET: Final = Hypothesis(
    "default-block-set",
    "default block >= 1",
    "the default is at least the page size, and division by it must be defined",
    lambda d, c: d.le(d.lit(1), c.default_block),
)

DECISION_HYPOTHESES: Final = (
    REGION_NOT_EMPTY,
    REGION_IN_HALF,
    LIMIT_IN_UINT16,
    LIMIT_IN_BLOCK,
    BLOCK_FITS_GIB,
    REGION_WHOLE_BLOCKS,
)
"""What some theorem about the decision assumes; a theorem holds without those it does not name."""

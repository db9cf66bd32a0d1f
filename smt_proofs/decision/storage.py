"""Theorems about how a decision is stored: the count in 16 bits, the size left unset for one."""

from __future__ import annotations

from typing import Any

from model.arithmetic import GIB, MIB
from model.geometry import decide_memslots
from smt_proofs.decision.hints import cover_hints
from smt_proofs.decision.hypotheses import (
    LIMIT_IN_BLOCK,
    LIMIT_IN_UINT16,
    REGION_IN_HALF,
    REGION_NOT_EMPTY,
)
from smt_proofs.decision.inputs import Input
from smt_proofs.decision.memslots import DECIDE, EMPTY, HUGE, MANY, TINY, of_decision
from smt_proofs.decision.theorem import Arithmetic, register


def unset_for_one(d: Any, c: Input) -> Any:
    """QEMU accepts the decision, and leaves the size unset exactly for a single memslot."""
    decided = decide_memslots(d, c)
    alone, unset = d.eq(decided.count, d.lit(1)), d.eq(decided.size, d.lit(0))
    return d.both(d.le(d.lit(1), decided.count), d.same_truth(alone, unset))


def alone_if_unset(d: Any, c: Input) -> Any:
    """A size left unset goes with one memslot."""
    decided = decide_memslots(d, c)
    return d.either(d.lt(d.lit(0), decided.size), d.eq(decided.count, d.lit(1)))


register(
    of_decision(
        name="size_unset_for_one_slot",
        claim="the size is left unset if and only if the count is 1",
        arithmetic=Arithmetic.INTEGERS,
        hypotheses=(REGION_NOT_EMPTY, REGION_IN_HALF, LIMIT_IN_UINT16, LIMIT_IN_BLOCK),
        goal=unset_for_one,
        hints=cover_hints,
        outside=(EMPTY, HUGE, MANY, TINY),
        mutants=("size-unset-for-two",),
    )
)
register(
    of_decision(
        name="unset_size_means_one_slot",
        claim="a size left unset goes with a count of 1, whatever the inputs",
        arithmetic=Arithmetic.BITS,
        hypotheses=(),
        goal=alone_if_unset,
        mutants=("size-unset-without-slots",),
    )
)
register(
    of_decision(
        name="stored_count_fits_16_bits",
        claim="the count is below 2^16, whatever the inputs",
        source=DECIDE + "; nb_memslots, a uint16_t",
        arithmetic=Arithmetic.BITS,
        hypotheses=(),
        goal=lambda d, c: d.lt(decide_memslots(d, c).count, d.lit(1 << 16)),
        mutants=("count-not-stored",),
        pins={"block": 2 * MIB, "limit": 65536, "region": 65536 * GIB},
    )
)

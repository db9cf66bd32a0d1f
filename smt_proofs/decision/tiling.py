"""The memslots that the decision leaves, as the proofs of the transitions assume them."""

from __future__ import annotations

from typing import Any

from model.arithmetic import is_aligned
from smt_proofs.decision.hints import alignment_hints
from smt_proofs.decision.hypotheses import DECISION_HYPOTHESES
from smt_proofs.decision.inputs import Input, settled
from smt_proofs.decision.memslots import EMPTY, HUGE, MANY, ODD, RAGGED, TINY, of_decision
from smt_proofs.decision.theorem import Arithmetic, register


def tiles_whole_blocks(d: Any, c: Input) -> Any:
    """One memslot or more, of whole blocks, none larger than the region, and the region ends in
    the last one."""
    accepted, layout = settled(d, c)
    count, size = layout.slots.count, layout.slots.size
    before_last = d.mul(d.sub(count, d.lit(1)), size)
    ends_in_last = d.both(d.lt(before_last, c.region), d.le(d.sub(c.region, before_last), size))
    whole = d.both(is_aligned(d, size, c.block), d.le(size, c.region))
    return d.both(accepted, d.both(whole, ends_in_last))


register(
    of_decision(
        name="slots_tile_region_in_blocks",
        claim="a memslot is whole blocks, none exceeds the region, and the last holds its end",
        arithmetic=Arithmetic.INTEGERS,
        hypotheses=DECISION_HYPOTHESES,
        goal=tiles_whole_blocks,
        hints=alignment_hints,
        outside=(EMPTY, HUGE, MANY, TINY, ODD, RAGGED),
        mutants=("count-rounded-down", "count-one-more", "share-not-rounded"),
    )
)

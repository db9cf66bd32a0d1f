"""Theorems about the limit that QEMU's core hands to the decision, its doubles as they are."""

from __future__ import annotations

from typing import Any, Final

from model.arithmetic import GIB
from model.caller import (
    SOFT_MEMSLOT_LIMIT,
    MemslotDemand,
    decision_limit,
    demand_for,
    reserved_memslots,
)
from smt_proofs.decision.theorem import Arithmetic, Hints, Hypothesis, Outside, Theorem, register
from smt_proofs.lemmas.doubles import (
    MOST,
    double_is_near,
    product_is_near,
    product_of_a_part_is_small,
    proportion_is_no_more_than_all,
    whole_quotient_is_near,
)
from smt_proofs.lemmas.products import product_of_naturals_is_natural
from smt_proofs.symbolic.evaluation import Terms
from smt_proofs.symbolic.terms import IntTerms

USUAL: Final = {"used": 0, "maximum": 509, "used_space": 0, "device_space": 8}
"""Inputs that are fixed in a search for examples, which leaves small numbers to find."""
CORE: Final = "memory_device_memslot_decision_limit, hw/mem/memory-device.c, QEMU 8.2 and later"
OF_CORE: Final = ("qemu", "qemu-8.2")
"""The profiles whose core was read."""


def any_demand(d: Terms) -> MemslotDemand[Any]:
    """All demands: sizes of 64 bits, numbers of memslots of 32 bits."""
    sizes = {name: d.word(name) for name in ("size", "device_space", "used_space")}
    counts = {name: d.word(name, 32) for name in ("required", "used", "maximum", "free")}
    return MemslotDemand(**sizes, **counts)


def fits(d: Any, space: Any, used: Any, size: Any) -> Any:
    """A device of `size` bytes, at least one, fits what is left of the space."""
    if d.test(d.lt(space, used)) or d.test(d.lt(size, d.lit(1))):
        return d.truth(False)
    return d.le(size, d.sub(space, used))


DEVICE_FITS: Final = Hypothesis(
    "device-fits",
    "1 <= size <= device space - used space",
    "the core refuses any other device right after, whatever limit it computed",
    lambda d, c: fits(d, c.device_space, c.used_space, c.size),
)
TOO_LARGE: Final = Outside(
    "device-fits",
    demand_for(512 * GIB, 513 * GIB, used_space=511 * GIB),
    "half of the space is asked for where little is left: the limit is 65536",
)


def sane(d: Any, c: MemslotDemand[Any]) -> Any:
    """From 1 to 256 memslots, and above 1 what neither the soft limit nor the free ones forbid."""
    limit = decision_limit(d, c)
    most = d.lit(SOFT_MEMSLOT_LIMIT)
    due = d.add(reserved_memslots(d, c.required, c.used), limit)
    room = d.both(d.le(d.add(c.required, limit), most), d.le(due, c.free))
    bounds = d.both(d.le(d.lit(1), limit), d.le(limit, most))
    return d.both(bounds, d.either(d.eq(limit, d.lit(1)), room))


def rounding_hints(d: IntTerms, _: Any) -> Hints:
    """What three roundings and the quotient do to the proportion."""
    hints: Hints = []
    for number in range(0, len(d.roundings), 5):
        memslots, small, product, large, whole = d.roundings[number : number + 5]
        hints += [(double_is_near, rounding) for rounding in (memslots, small, large)]
        part = (memslots[1], small[0], large[0], small[1], large[1], product[1])
        hints += [
            (product_of_naturals_is_natural, (memslots[1], small[1])),
            (product_of_naturals_is_natural, (MOST - memslots[1], small[1])),
            (product_is_near, product),
            (whole_quotient_is_near, whole),
            (product_of_a_part_is_small, part),
            (proportion_is_no_more_than_all, (*part, whole[2])),
        ]
    return hints


register(
    Theorem(
        name="caller_limit_is_sane",
        claim="1 <= limit <= 256 for a device that fits, its share computed in C doubles; above 1 "
        "it exceeds neither what 256 leaves nor the memslots that are free",
        source=CORE,
        arithmetic=Arithmetic.INTEGERS,
        inputs=any_demand,
        over="all sizes of 64 bits, all numbers of memslots of 32 bits",
        hypotheses=(DEVICE_FITS,),
        goal=sane,
        hints=rounding_hints,
        outside=(TOO_LARGE,),
        mutants=(
            "share-may-be-none",
            "share-upside-down",
            "soft-limit-ignored",
            "no-memslot-left",
            "promised-memslots-ignored",
            "reserve-ignored",
        ),
        pins=USUAL,
        profiles=OF_CORE,
    )
)

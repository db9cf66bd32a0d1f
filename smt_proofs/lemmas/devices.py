"""Several memory devices: what all of them have mapped is within what was promised to all of them.

Devices are numbered; `mapped(i)` and `promised(i)` are memslots of device i, and the sums below n
are those of the devices numbered below n. A machine's counts are the sums over all its devices.
"""

from __future__ import annotations

from collections.abc import Callable

import z3

from smt_proofs.lemmas.index_induction import Given, Induction, Query, Wrong, query, register
from smt_proofs.solving.solve import Term

N, DEVICE = z3.Ints("n device")
MAPPED, PROMISED, MAPPED_BELOW, PROMISED_BELOW = (
    z3.Function(name, z3.IntSort(), z3.IntSort())
    for name in ("mapped", "promised", "mapped.below", "promised.below")
)


def claim(n: Term) -> Term:
    """Of the sums below n: no more is mapped than promised; and if the device is among them, its
    own are, and what it has not mapped is part of what all have not mapped."""
    rest = PROMISED(DEVICE) - MAPPED(DEVICE)
    among = z3.And(
        MAPPED(DEVICE) <= MAPPED_BELOW(n),
        PROMISED(DEVICE) <= PROMISED_BELOW(n),
        rest <= PROMISED_BELOW(n) - MAPPED_BELOW(n),
    )
    within = z3.And(MAPPED_BELOW(n) >= 0, MAPPED_BELOW(n) <= PROMISED_BELOW(n))
    return z3.And(within, z3.Implies(n > DEVICE, among))


def summed(own: Callable[[Term, Term], Term]) -> tuple[Query, ...]:
    """Base and step; `own` is what is known of each device by itself."""
    zero = z3.IntVal(0)
    none = {"no devices, no memslots": z3.And(MAPPED_BELOW(zero) == 0, PROMISED_BELOW(zero) == 0)}
    numbered: Given = {"the device has a number": DEVICE >= 0, "n is a number": N >= 0}
    sums = z3.And(
        MAPPED_BELOW(N + 1) == MAPPED_BELOW(N) + MAPPED(N),
        PROMISED_BELOW(N + 1) == PROMISED_BELOW(N) + PROMISED(N),
    )
    known: Given = {
        "one device more": sums,
        "each device by itself": z3.And(own(MAPPED(N), PROMISED(N)), MAPPED(N) >= 0),
        "the claim below n": claim(N),
    }
    return query("base", claim(zero), numbered | none), query(
        "step", claim(N + 1), numbered | known
    )


register(
    Induction(
        name="reserve_covers_every_device",
        claim="devices that each map no more than promised map no more together, and what one has "
        "not mapped is part of the reserve",
        loop="",
        source="required_memslots and used_memslots of DeviceMemoryState, "
        "include/hw/boards.h, QEMU 8.2 and later",
        parts={"own": lambda mapped, promised: mapped <= promised},
        queries=summed,
        wrong=(
            Wrong("one-more", "own", lambda mapped, promised: mapped <= promised + 1, "step"),
            Wrong("anything", "own", lambda mapped, promised: promised >= 0, "step"),
        ),
    )
)

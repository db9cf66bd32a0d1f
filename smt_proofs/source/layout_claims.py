"""What must be alike of the functions that compute: the memslots, the default block, a range."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model.answers import valid_range
from model.geometry import (
    DecisionInput,
    decide_memslots,
    default_block_size,
    effective_block,
    slot_length,
    slot_start,
)
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.evaluation import Pointer


def decides(c: Case) -> list[Claim]:
    """Number and size of memslots, and the block size that they were chosen with."""
    d, x, zero = c.d, c.x, c.d.lit(0)
    c.set(nb_memslots=zero, memslot_size=zero)
    c.set(dynamic_memslots=x.option)
    c.run.pointers["memdev"] = Pointer("memdev", x.memdev)
    c.run.pointers["memdev.mr.ram_block"] = Pointer("memdev.mr.ram_block", x.ram)
    c.call(x.limit)
    given = DecisionInput(
        region=x.region,
        block=x.block,
        limit=x.limit,
        page=x.page,
        default_block=x.default_block,
        option=x.option,
        has_ram=d.both(x.memdev, x.ram),
    )
    # With the option off such a device has no memslots of its own, and decides nothing.
    count, size = zero, zero
    if c.profile.container_when_off or d.test(x.option):
        decided = decide_memslots(d, given)
        count, size = decided.count, decided.size
    block = effective_block(d, replace(given, block=c.run.fields["block_size"]))
    return [
        c.equal("number of memslots", c.run.fields["nb_memslots"], count),
        c.equal("memslot size", c.run.fields["memslot_size"], size),
        c.equal("block size", block, effective_block(d, given)),
        *c.unchanged("nb_memslots", "memslot_size", "block_size"),
    ]


def tells_memslots(c: Case) -> list[Claim]:
    """The number of memslots that the core is told."""
    got = c.call()
    return [c.equal("number of memslots", got, c.fixed.slots.count), *c.unchanged()]


def defaults(c: Case) -> list[Claim]:
    """The block size of a device for which none was given."""
    x = c.x
    got = c.call(Pointer("memdev.mr.ram_block", c.d.truth(True)))
    want = default_block_size(c.d, x.page, x.host_page, x.thp)
    return [c.equal("default block size", got, want), *c.unchanged()]


def validates(c: Case) -> list[Claim]:
    """Whether a range of a request is one."""
    got = c.call(c.x.gpa, c.x.length)
    want = c.d.truth(valid_range(c.d, c.fixed, c.state, c.x.gpa, c.x.length))
    return [Claim("answer", c.d.same_truth(got, want), got, want), *c.unchanged()]


def prepares(c: Case) -> list[Claim]:
    """Which part of the backend each memslot shows."""
    d, x = c.d, c.x
    c.run.pointers["memslots"] = Pointer("memslots", d.truth(False))
    c.call()
    slots = c.fixed.slots

    def shows(index: Any) -> Any:
        parts = c.run.aliases(index)
        if not d.test(d.lt(index, slots.count)):
            return d.truth(not parts)
        if len(parts) != 1:
            return d.truth(False)
        (offset, size) = parts[0]
        starts = d.eq(offset, slot_start(d, slots, index))
        return d.both(starts, d.eq(size, slot_length(d, slots, x.region, index)))

    def apart(index: Any) -> Any:
        kept = d.both(d.lt(index, slots.count), d.truth(c.profile.unmergeable))
        return d.same_truth(c.run.unmergeable(index), kept)

    # On machine integers a few indices past the last memslot stand for the rest.
    end = x.count + 2 if isinstance(x.count, int) else d.lit(1 << 32)
    made = d.lit(0) if c.run.allocated is None else c.run.allocated
    every = d.every_index(end, shows)
    seen = [c.run.aliases(i) for i in range(end)] if isinstance(end, int) else None
    want = (
        [[(slot_start(d, slots, i), slot_length(d, slots, x.region, i))] for i in range(x.count)]
        if isinstance(end, int)
        else None
    )
    told = ("all", "not all") if c.profile.unmergeable else ("none", "some")
    return [
        c.equal("number of memslots made", made, slots.count),
        Claim("offset and size of each memslot", every, seen, want),
        Claim(
            "which memslots vhost may not make one of", d.every_index(end, apart), told[1], told[0]
        ),
        *c.unchanged("memslots"),
    ]

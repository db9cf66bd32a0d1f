"""The invariants, each written once: goal of the proofs and check on the executable device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic

from model.arithmetic import GIB, B, Domain, S, W, Words, is_aligned, maximum
from model.geometry import Memslots, slot_length, slot_start
from model.profiles import Mapping
from model.state import Fixed, State


@dataclass(frozen=True, slots=True)
class Layout(Generic[W, B]):
    """The memslots of a realized device and what they were chosen from.

    Sizes are bytes, `limit` memslots. `several` says that more than one memslot was permitted: the
    option is on and realize did not have to fall back to one.
    """

    region: W
    block: W
    limit: W
    several: B
    slots: Memslots[W]


def count_in_limit(d: Words[W, B], g: Layout[W, B]) -> B:
    """1 <= count <= max(limit, 1)."""
    one = d.lit(1)
    return d.both(d.le(one, g.slots.count), d.le(g.slots.count, maximum(d, g.limit, one)))


def slot_aligned(d: Words[W, B], g: Layout[W, B]) -> B:
    """Start and size of every memslot are multiples of the block size."""

    def aligned(index: W) -> B:
        start = slot_start(d, g.slots, index)
        length = slot_length(d, g.slots, g.region, index)
        return d.both(is_aligned(d, start, g.block), is_aligned(d, length, g.block))

    return d.every_index(g.slots.count, aligned)


def last_slot_smaller(d: Words[W, B], g: Layout[W, B]) -> B:
    """All memslots but the last have the slot size, the last has 0 < size <= slot size.

    Together they tile the region: each ends where the next one starts, the last one at the region's
    end, and a single one is the region.
    """
    zero, one = d.lit(0), d.lit(1)
    if d.test(d.lt(g.slots.count, one)) or d.test(d.lt(g.slots.size, one)):
        return d.truth(False)
    last = d.sub(g.slots.count, one)
    # last * size < region, said without a product that could wrap.
    if d.test(d.eq(g.region, zero)):
        return d.truth(False)
    if d.test(d.lt(d.div(d.sub(g.region, one), g.slots.size), last)):
        return d.truth(False)
    length = slot_length(d, g.slots, g.region, last)
    ends = d.both(d.lt(zero, length), d.le(length, g.slots.size))

    def meets_next(index: W) -> B:
        if d.test(d.eq(index, last)):
            return d.truth(True)
        end = d.add(slot_start(d, g.slots, index), slot_length(d, g.slots, g.region, index))
        return d.eq(end, slot_start(d, g.slots, d.add(index, one)))

    end = d.add(slot_start(d, g.slots, last), length)
    alone = d.either(d.lt(zero, last), d.eq(g.slots.size, g.region))
    tiled = d.both(d.eq(end, g.region), d.every_index(g.slots.count, meets_next))
    return d.both(d.both(ends, alone), tiled)


def slot_minimum(d: Words[W, B], g: Layout[W, B]) -> B:
    """Several memslots are each at least one block and 1 GiB, but for the last."""
    least = maximum(d, g.block, d.lit(GIB))
    return d.either(d.le(g.slots.count, d.lit(1)), d.le(least, g.slots.size))


def slots_as_fine_as_allowed(d: Words[W, B], g: Layout[W, B]) -> B:
    """A memslot size one block smaller would be below 1 GiB or need more memslots than the limit.

    A single memslot is right exactly where one was asked for or the region is no larger than the
    minimum. With the other layout invariants this determines the decision.
    """
    least = maximum(d, g.block, d.lit(GIB))
    if d.test(d.le(g.slots.count, d.lit(1))):
        one_asked = d.either(d.negate(g.several), d.le(g.limit, d.lit(1)))
        return d.either(one_asked, d.le(g.region, least))
    finer = d.sub(g.slots.size, g.block)
    # finer * limit < region, said without a product that could wrap.
    short = d.le(finer, d.div(d.sub(g.region, d.lit(1)), g.limit))
    return d.both(g.several, d.either(d.lt(finer, least), short))


def blocks_per_slot(d: Domain[W, B, S], f: Fixed[W, B]) -> W:
    """Number of blocks of every memslot but the last."""
    return d.div(f.slots.size, f.block)


def plugged_in_mapped(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """Every plugged block lies in a mapped memslot."""
    return d.groups_within(s.plugged, blocks_per_slot(d, f), s.mapped)


def indices_in_bounds(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """Every plugged block lies in the region and every mapped memslot exists."""
    blocks = d.div(f.region, f.block)
    return d.both(d.all_below(s.plugged, blocks), d.all_below(s.mapped, f.slots.count))


def mapped_needs_plugged(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """Every mapped memslot has a plugged block, so no memslot metadata is wasted."""

    def holds_block(index: W) -> B:
        first = d.div(slot_start(d, f.slots, index), f.block)
        blocks = d.div(slot_length(d, f.slots, f.region, index), f.block)
        return d.negate(d.none_in(s.plugged, first, d.add(first, blocks)))

    return d.every_member(s.mapped, holds_block)


def static_always_mapped(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """With the static way of mapping, the one memslot is always mapped."""
    return d.every_index(f.slots.count, lambda i: d.member(s.mapped, i))


def legacy_usable_mapped(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """A memslot is mapped if and only if the usable region covers its start."""
    return d.every_index(
        f.slots.count,
        lambda i: d.same_truth(d.member(s.mapped, i), d.lt(slot_start(d, f.slots, i), s.usable)),
    )


def size_matches_bitmap(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """The plugged size is the number of plugged blocks times the block size."""
    return d.eq(s.size, d.mul(d.count(s.plugged), f.block))


def plugged_in_usable(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """No block outside the usable region is plugged."""
    return d.none_in(s.plugged, d.div(s.usable, f.block), d.div(f.region, f.block))


def usable_covers_requested(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """The usable region is at least the requested size and at most the region."""
    return d.both(d.le(s.requested, s.usable), d.le(s.usable, f.region))


def multiples_of_block(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """Usable, plugged and requested size are multiples of the block size."""
    return d.both(
        is_aligned(d, s.usable, f.block),
        d.both(is_aligned(d, s.size, f.block), is_aligned(d, s.requested, f.block)),
    )


EVERY_MAPPING: Final = frozenset(Mapping)


@dataclass(frozen=True, slots=True)
class Invariant:
    """An invariant by name. `holds` takes (domain, Layout) if it is `of_layout`, and else
    (domain, Fixed, State); it is claimed for the `mappings` named."""

    name: str
    holds: Callable[..., Any]
    of_layout: bool = False
    mappings: frozenset[Mapping] = EVERY_MAPPING

    @property
    def claim(self) -> str:
        """The invariant in one line."""
        return (self.holds.__doc__ or "").strip().split("\n")[0]


INVARIANTS: Final = (
    Invariant("plugged-in-mapped", plugged_in_mapped),
    Invariant("slot-aligned", slot_aligned, of_layout=True),
    Invariant("count-in-limit", count_in_limit, of_layout=True),
    Invariant("last-slot-smaller", last_slot_smaller, of_layout=True),
    Invariant("slot-minimum", slot_minimum, of_layout=True),
    Invariant("slots-as-fine-as-allowed", slots_as_fine_as_allowed, of_layout=True),
    Invariant("indices-in-bounds", indices_in_bounds),
    Invariant("mapped-needs-plugged", mapped_needs_plugged, mappings=frozenset({Mapping.PLUGGED})),
    Invariant("legacy-usable-mapped", legacy_usable_mapped, mappings=frozenset({Mapping.USABLE})),
    Invariant("static-always-mapped", static_always_mapped, mappings=frozenset({Mapping.STATIC})),
    Invariant("size-matches-bitmap", size_matches_bitmap),
    Invariant("plugged-in-usable", plugged_in_usable),
    Invariant("usable-covers-requested", usable_covers_requested),
    Invariant("multiples-of-block", multiples_of_block),
)
INVARIANT_NAMED: Final = {invariant.name: invariant for invariant in INVARIANTS}

"""The loop over plugged ranges, and the memslots that a range touches, by induction.

The loop activates, for each plugged range, the memslots that the range touches; what it leaves is
said of groups: memslot j is mapped if it was, or if a plugged block has j as its quotient. All is
in whole blocks, as the bitmap is; that bytes divided by whole blocks give the same quotient is the
lemma `radix_quotient`.
"""

from __future__ import annotations

from collections.abc import Callable

import z3

from smt_proofs.lemmas.index_induction import Given, Induction, Query, Wrong, query, register
from smt_proofs.lemmas.lemma import Formula, divides, lemma_by
from smt_proofs.lemmas.products import multiples_in_order
from smt_proofs.lemmas.summaries import within
from smt_proofs.solving.solve import Term


@lemma_by(lambda small, large, group: [(multiples_in_order, (small, large, group))])
def groups_start_in_order(small: Term, large: Term, group: Term) -> Formula:
    """A group of indices ends where or before any later one starts."""
    return [group >= 1, small < large], small * group + group <= large * group


@lemma_by(
    lambda index, member, group, quotient, rest: [(multiples_in_order, (index, quotient, group))]
)
def group_of_a_member(
    index: Term, member: Term, group: Term, quotient: Term, rest: Term
) -> Formula:
    """The quotient of a member is `index` exactly if the member lies in that group."""
    inside = within(member, index * group, index * group + group)
    return divides(member, group, quotient, rest), (quotient == index) == inside


GROUP = z3.Int("group")
LEMMAS_OF_GROUPS = (groups_start_in_order.name, group_of_a_member.name)


def divided(name: str, index: Term) -> tuple[Term, Given]:
    """index / group, and what defines it."""
    quotient, rest = z3.Int(f"{name}!group"), z3.Int(f"{name}!rest")
    definition = [index >= 0, quotient >= 0, *divides(index, GROUP, quotient, rest)]
    return quotient, {f"{name} / group": z3.And(definition)}


def in_group(slot: Term, name: str, index: Term) -> Given:
    """The lemma about a group and an index that was `divided` under that name."""
    quotient, rest = z3.Int(f"{name}!group"), z3.Int(f"{name}!rest")
    instance = group_of_a_member.at(slot, index, GROUP, quotient, rest)
    return {f"lemma group_of_a_member at {slot}, {name}": instance}


def in_order(*slots: Term) -> Given:
    """The lemma about the order of groups, at all pairs."""
    return {
        f"lemma groups_start_in_order at {a}, {b}": groups_start_in_order.at(a, b, GROUP)
        for a in slots
        for b in slots
        if not a.eq(b)
    }


Dividend = Callable[[Term, Term], Term]
"""Of the end of a range and the group size: what is divided for the end of its groups."""


def rounded_up(end: Term, group: Term) -> Term:
    """(end + group - 1) / group. Source: end_idx of virtio_mem_activate_memslots_to_plug."""
    return end + group - 1


def larger(a: Term, b: Term) -> Term:
    """The larger of two."""
    return z3.If(a < b, b, a)


def touched(slot: Term, start: Term, end: Term, dividend: Dividend) -> tuple[Term, Given]:
    """The range [start, end) activates `slot`, and what defines that."""
    first, first_given = divided("start", start)
    last, last_given = divided("end", dividend(end, GROUP))
    return within(slot, first, last), first_given | last_given | in_order(slot, first, last)


def touching(dividend: Dividend, witness: Callable[..., Term]) -> tuple[Query, ...]:
    """A range against the groups that its activation touches."""
    start, end, m, j = z3.Ints("start end m j")
    activated, given = touched(j, start, end, dividend)
    given |= {"j is a memslot": j >= 0}
    w = witness(start, j * GROUP)
    of_w, w_given = divided("w", w)
    of_m, m_given = divided("m", m)
    return (
        query(
            "a group that is activated holds an index of the range",
            z3.And(within(w, start, end), of_w == j),
            given
            | w_given
            | in_group(j, "w", w)
            | {"the range is not empty": start < end, "j is activated": activated},
        ),
        query(
            "the group of each index of the range is activated",
            activated,
            given
            | m_given
            | in_group(j, "m", m)
            | {"m lies in the range": within(m, start, end), "m lies in group j": of_m == j},
        ),
    )


register(
    Induction(
        name="range_touches_its_groups",
        claim="a range [a, b), not empty, touches exactly the groups from a / group to b / group "
        "rounded up",
        loop="start_idx = offset / memslot_size; end_idx = (offset + size + memslot_size - 1) / "
        "memslot_size",
        source="patch hunk virtio_mem_activate_memslots_to_plug",
        parts={"dividend": rounded_up, "witness": larger},
        queries=touching,
        wrong=(
            Wrong(
                "end-rounded-down",
                "dividend",
                lambda end, group: end,
                "the group of each index of the range is activated",
            ),
            Wrong(
                "end-one-group-late",
                "dividend",
                lambda end, group: end + group,
                "a group that is activated holds an index of the range",
            ),
            Wrong(
                "witness-is-the-start",
                "witness",
                lambda start, slot_start: start,
                "a group that is activated holds an index of the range",
            ),
        ),
        lemmas=LEMMAS_OF_GROUPS,
    )
)


def over_ranges(dividend: Dividend, resume: Callable[[Term], Term]) -> tuple[Query, ...]:
    """The loop over plugged ranges: `at` is where the next one starts, `bits` the bitmap's length.

    The summary up to `at`: a memslot is mapped exactly if it was at the start, or a plugged block
    below `at` lies in it (`w`, where it is mapped; any `m`, where it is not).
    """
    plugged = z3.Function("plugged", z3.IntSort(), z3.BoolSort())
    first = z3.Function("first", z3.IntSort(), z3.BoolSort())
    mapped = z3.Function("mapped", z3.IntSort(), z3.BoolSort())
    at, end, there, bits, m, w, j = z3.Ints("at end there bits m w j")
    of_m, m_given = divided("m", m)
    of_w, w_given = divided("w", w)
    v = larger(at, j * GROUP)
    of_v, v_given = divided("v", v)

    def holds(block: Term, group: Term, place: Term) -> Term:
        return z3.And(plugged(block), block < place, group == j)

    def found(here: Term, place: Term, block: Term, group: Term) -> Term:
        return z3.Implies(here, z3.Or(first(j), holds(block, group, place)))

    def kept(here: Term, place: Term) -> Term:
        return z3.And(z3.Implies(first(j), here), z3.Implies(holds(m, of_m, place), here))

    bitmap = {"the bitmap has that many bits, at m": z3.Implies(plugged(m), within(m, 0, bits))}
    given = m_given | w_given | bitmap | {"j is a memslot": j >= 0}
    so_far = {
        "a mapped memslot was, or holds w": found(mapped(j), at, w, of_w),
        "what was mapped or holds m is mapped": kept(mapped(j), at),
    }
    activated, groups = touched(j, at, end, dividend)
    after = z3.Or(mapped(j), activated)
    block, group = z3.If(mapped(j), w, v), z3.If(mapped(j), of_w, of_v)
    iteration = (
        given
        | so_far
        | groups
        | v_given
        | in_group(j, "m", m)
        | in_group(j, "v", v)
        | {
            "the range is not empty and in the bitmap": z3.And(at >= 0, at < end, end <= bits),
            "search_for_a_gap: all of the range is plugged, at v": z3.Implies(
                within(v, at, end), plugged(v)
            ),
            "search_for_a_gap: what ended the range is a gap": z3.Implies(
                end < bits, z3.Not(plugged(end))
            ),
            "search_for_a_member: nothing before the next range, at m": z3.Implies(
                within(m, resume(end), there), z3.Not(plugged(m))
            ),
            "the next range is later": resume(end) <= there,
        }
    )
    nothing_yet = {
        "the loop starts with the mapping as it was": mapped(j) == first(j),
        "search_for_a_member: nothing before the first range, at m": z3.Implies(
            within(m, 0, at), z3.Not(plugged(m))
        ),
    }
    over = {"the search for the next range passed the bitmap": bits <= at}
    return (
        query("base: a mapped memslot was", found(mapped(j), at, w, of_w), given | nothing_yet),
        query("base: what was mapped is", kept(mapped(j), at), given | nothing_yet),
        query(
            "step: a mapped memslot was, or holds a block",
            found(after, there, block, group),
            iteration,
        ),
        query("step: what was mapped or holds a block is", kept(after, there), iteration),
        query(
            "end: a memslot is mapped if it was or holds a block",
            z3.Implies(z3.Or(first(j), z3.And(plugged(m), of_m == j)), mapped(j)),
            given | so_far | over,
        ),
        query(
            "end: a mapped memslot was, or holds a block",
            z3.Implies(mapped(j), z3.Or(first(j), z3.And(plugged(w), of_w == j))),
            given | so_far | over,
        ),
    )


register(
    Induction(
        name="plugged_ranges_are_mapped_as_groups",
        claim="after the loop over plugged ranges a memslot is mapped exactly if it was or holds a "
        "plugged block",
        loop="while (first_bit < vmem->bitmap_size) { last_bit = find_next_zero_bit(bitmap, size, "
        "first_bit + 1) - 1; virtio_mem_activate_memslots_to_plug(...); "
        "first_bit = find_next_bit(bitmap, size, last_bit + 2); }",
        source="virtio_mem_post_load_bitmap, virtio_mem_for_each_plugged_range",
        parts={"dividend": rounded_up, "resume": lambda end: end + 1},
        queries=over_ranges,
        wrong=(
            Wrong(
                "end-rounded-down",
                "dividend",
                lambda end, group: end,
                "step: what was mapped or holds a block is",
            ),
            Wrong(
                "end-one-group-late",
                "dividend",
                lambda end, group: end + group,
                "step: a mapped memslot was, or holds a block",
            ),
            Wrong(
                "resumes-one-bit-late",
                "resume",
                lambda end: end + 2,
                "step: what was mapped or holds a block is",
            ),
        ),
        lemmas=LEMMAS_OF_GROUPS,
    )
)

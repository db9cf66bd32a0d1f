"""The searches of the bitmap: each decides a question about a whole range, by induction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from smt_proofs.lemmas.index_induction import Induction, Query, Wrong, index_terms, query, register
from smt_proofs.lemmas.loops import scans_on
from smt_proofs.lemmas.summaries import Test, within
from smt_proofs.solving.solve import Term

Sought = Callable[[Test], Test]
"""What a search of a set looks for."""


def search(sought: Sought) -> Callable[..., tuple[Query, ...]]:
    """`for (at = start; at < end && !sought(at); at++);`: nothing sought lies in [start, end).

    The answer is `at >= end`. Where it is true no index of the range is sought, where it is false
    `at` is: the two sides of the truth value.
    """
    items = z3.Function("items", z3.IntSort(), z3.BoolSort())
    start, end, at, i = z3.Ints("start end at i")

    def none_before(place: Term) -> Term:
        return z3.Implies(within(i, start, place), z3.Not(sought(items)(i)))

    def queries(goes_on: Callable[..., Term], place: Callable[[Term], Term]) -> tuple[Query, ...]:
        on = goes_on(index_terms(), items, at, end)
        so_far = {"nothing sought so far, at i": none_before(at), "at was reached": start <= at}
        stopped = so_far | {"the search is over": z3.Not(on)}
        there = place(at)
        return (
            query("base", z3.And(none_before(at), start <= at), {"the search starts": at == start}),
            query("step", z3.And(none_before(there), start <= there), so_far | {"it goes on": on}),
            query("end: none", none_before(end), stopped | {"the answer is none": at >= end}),
            query(
                "end: some",
                z3.And(within(at, start, end), sought(items)(at)),
                stopped | {"the answer is some": at < end},
            ),
        )

    return queries


def _decided(name: str, claim: str, loop: str, source: str, looked: str, sought: Sought) -> None:
    """Register that a search decides whether something sought is in a range; `looked` names what a
    wrong search looks for, which is the opposite."""

    def goes_on(d: Any, items: Test, at: Term, end: Term) -> Term:
        return scans_on(d, sought(items), at, end)

    def short(d: Any, items: Test, at: Term, end: Term) -> Term:
        return goes_on(d, items, at, end - 1)

    def opposite(d: Any, items: Test, at: Term, end: Term) -> Term:
        return scans_on(d, lambda i: z3.Not(sought(items)(i)), at, end)

    controls = (
        Wrong("skips-one", "place", lambda at: at + 2, "step"),
        Wrong("last-bit-left-out", "goes_on", short, "end: some"),
        Wrong(f"searches-{looked}", "goes_on", opposite, "step"),
    )
    parts: dict[str, Callable[..., Any]] = {"goes_on": goes_on, "place": lambda at: at + 1}
    register(Induction(name, claim, loop, source, parts, search(sought), controls))


_decided(
    "search_for_a_member_decides_none_in",
    "no bit of a range is set exactly if the search for a set bit passes the range",
    "find_next_bit(vmem->bitmap, last_bit + 1, first_bit) > last_bit",
    "virtio_mem_is_range_unplugged; find_next_bit",
    "gaps",
    lambda items: items,
)
_decided(
    "search_for_a_gap_decides_all_in",
    "all bits of a range are set exactly if the search for a clear bit passes the range",
    "find_next_zero_bit(vmem->bitmap, last_bit + 1, first_bit) > last_bit",
    "virtio_mem_is_range_plugged; find_next_zero_bit",
    "members",
    lambda items: lambda i: z3.Not(items(i)),
)

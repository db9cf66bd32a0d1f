"""Each loop of the device equals its summary, by induction on the loop index.

A summary says at once what a loop leaves in a set; the proofs of the transitions use nothing else
of it. Predicates and sets are uninterpreted functions here, so what is proven holds for every
predicate. That is enough: the loop bodies in C read the bitmap and sizes, which the loop leaves as
they are, and of the set that they change only the memslot of the iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from smt_proofs.lemmas.index_induction import Induction, Query, Wrong, index_terms, query, register
from smt_proofs.lemmas.loops import (
    activate,
    clear_bit,
    deactivate,
    deactivate_where,
    follow,
    set_bit,
    store,
)
from smt_proofs.solving.solve import Term

Test = Callable[[Term], Term]
"""The membership test of a set, or any truth about an index."""


# The summaries: what a loop over [start, end) leaves.


def within(index: Term, start: Term, end: Term) -> Term:
    """start <= index < end."""
    return z3.And(start <= index, index < end)


def filled(items: Test, start: Term, end: Term) -> Test:
    """`items` with every index of [start, end)."""
    return lambda i: z3.Or(items(i), within(i, start, end))


def cleared(items: Test, start: Term, end: Term) -> Test:
    """`items` without the indices of [start, end)."""
    return lambda i: z3.And(items(i), z3.Not(within(i, start, end)))


def dropped(items: Test, start: Term, end: Term, drop: Test) -> Test:
    """`items` without the indices of [start, end) for which `drop` holds."""
    return lambda i: z3.And(items(i), z3.Not(z3.And(within(i, start, end), drop(i))))


def chosen(items: Callable[[Term], Term], start: Term, end: Term, keep: Test) -> Test:
    """What `keep` says in [start, end), and `items` elsewhere."""
    return lambda i: z3.If(within(i, start, end), keep(i), items(i))


# Loops that change one entry an iteration.


def _loop(
    sort: z3.SortRef, body: Callable[..., Any], summary: Callable[..., Any]
) -> tuple[Query, ...]:
    """`for (k = start; k < end; k++) entries = body(entries, k);` against its summary."""
    first = z3.Function("first", z3.IntSort(), sort)
    before = z3.Function("before", z3.IntSort(), sort)
    value = z3.Function("value", z3.IntSort(), sort)
    start, end, k, i = z3.Ints("start end k i")

    def after(stop: Term, index: Term) -> Term:
        return summary(first, start, stop, value)(index)

    runs = {"the loop is in iteration k": within(k, start, end)}
    so_far = {
        f"before it the summary holds at {name}": before(index) == after(k, index)
        for name, index in (("i", i), ("k", k))
    }
    last = z3.If(start <= end, end, start)
    return (
        query("base", after(k, i) == first(i), {"the loop starts": k == start}),
        query("step", body(index_terms(), before, k, value)(i) == after(k + 1, i), runs | so_far),
        query("end", after(last, i) == after(end, i), {}),
    )


def loop_over_sets(body: Callable[..., Any], summary: Callable[..., Any]) -> tuple[Query, ...]:
    """Base, step and end of a loop that changes a set."""
    return _loop(z3.BoolSort(), body, summary)


def loop_over_words(body: Callable[..., Any], summary: Callable[..., Any]) -> tuple[Query, ...]:
    """Base, step and end of a loop that writes a table of words."""
    return _loop(z3.IntSort(), body, summary)


def _plain(summary: Callable[..., Any]) -> Callable[..., Any]:
    """A summary, or a body, that reads no predicate."""
    return lambda *given: summary(*given[:-1])


def _summarized(
    name: str,
    claim: str,
    *,
    loop: str,
    source: str,
    body: Callable[..., Any],
    summary: Callable[..., Any],
    wrong: tuple[str, Callable[..., Any]],
    queries: Callable[..., tuple[Query, ...]] = loop_over_sets,
) -> None:
    """Register that a loop leaves what its summary says. Two wrong parts must be noticed: a summary
    of a range that is one longer, and the body given with its name."""

    def longer(items: Test, start: Term, end: Term, value: Test) -> Any:
        return summary(items, start, end + 1, value)

    controls = (
        Wrong("range-one-longer", "summary", longer, "base"),
        Wrong(wrong[0], "body", wrong[1], "step"),
    )
    parts = {"body": body, "summary": summary}
    register(Induction(name, claim, loop, source, parts, queries, controls))


_summarized(
    "bits_are_set_as_filled",
    "setting the bits of a range one by one fills the range",
    loop="bitmap_set(map, start, end - start): one bit after the other is set",
    source="virtio_mem_set_range_plugged; bitmap_set",
    body=_plain(set_bit),
    summary=_plain(filled),
    wrong=("clears-instead", _plain(clear_bit)),
)
_summarized(
    "bits_are_cleared_as_cleared",
    "clearing the bits of a range one by one clears the range",
    loop="bitmap_clear(map, start, end - start): one bit after the other is cleared",
    source="virtio_mem_set_range_unplugged, virtio_mem_unplug_all; bitmap_clear",
    body=_plain(clear_bit),
    summary=_plain(cleared),
    wrong=("sets-instead", _plain(set_bit)),
)
_summarized(
    "memslots_are_activated_as_filled",
    "activating the memslots of a range one by one maps the range and leaves the others",
    loop="for (idx = start_idx; idx < end_idx; idx++) virtio_mem_activate_memslot(vmem, idx);",
    source="patch hunk virtio_mem_activate_memslots_to_plug",
    body=_plain(activate),
    summary=_plain(filled),
    wrong=("deactivates-instead", _plain(deactivate)),
)
_summarized(
    "memslots_are_deactivated_as_dropped",
    "of a range exactly the memslots that the loop body does not skip are unmapped",
    loop="for (idx = start_idx; idx < end_idx; idx++) { if (...) continue; "
    "virtio_mem_deactivate_memslot(vmem, idx); }",
    source="patch hunk virtio_mem_deactivate_unplugged_memslots",
    body=deactivate_where,
    summary=dropped,
    wrong=("skips-none", _plain(deactivate)),
)
_summarized(
    "memslots_follow_as_chosen",
    "each memslot of a range ends up mapped exactly if the loop body's test holds of it",
    loop="for (idx = 0; idx < vmem->nb_memslots; idx++) { if (...) "
    "virtio_mem_activate_memslot(vmem, idx); else virtio_mem_deactivate_memslot(vmem, idx); }",
    source="patch hunk virtio_mem_resize_usable_region",
    body=follow,
    summary=chosen,
    wrong=("never-deactivates", _plain(activate)),
)
_summarized(
    "memslots_are_prepared_by_index",
    "each memslot is initialized with the offset and size of its own index",
    loop="for (idx = 0; idx < vmem->nb_memslots; idx++) "
    "memory_region_init_alias(&vmem->memslots[idx], ..., memslot_offset, memslot_size);",
    source="patch hunk virtio_mem_prepare_memslots",
    body=store,
    summary=chosen,
    wrong=(
        "writes-the-first",
        lambda d, table, k, value: store(d, table, z3.IntVal(0), lambda _: value(k)),
    ),
    queries=loop_over_words,
)

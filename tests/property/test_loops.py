"""The executable sets against the device's loops, run one iteration at a time.

The loop bodies are those that the summaries are proven equal to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from model.extents import Extents
from model.machine_ints import INTS
from smt_proofs.lemmas.loops import (
    activate,
    clear_bit,
    deactivate_where,
    follow,
    scans_on,
    set_bit,
    store,
)

TOP = 24
index = st.integers(0, TOP)
indices = st.frozensets(index)
predicate = st.frozensets(index)
group = st.integers(1, 6)


def extents(members: frozenset[int]) -> Extents:
    return Extents.of_ranges([(member, member + 1) for member in members])


def run(
    body: Callable[..., Any], items: frozenset[int], start: int, end: int, *given: Any
) -> frozenset[int]:
    """`for (k = start; k < end; k++) items = body(items, k);`"""
    for k in range(start, end):
        after = body(INTS, items.__contains__, k, *given)
        items = frozenset(filter(after, range(TOP + 1)))
    return items


@given(indices, index, index)
def test_filled_is_activation_and_bit_by_bit_setting(
    items: frozenset[int], start: int, end: int
) -> None:
    filled = INTS.filled(extents(items), start, end)
    assert filled == extents(run(activate, items, start, end))
    assert filled == extents(run(set_bit, items, start, end))


@given(indices, index, index)
def test_cleared_is_bit_by_bit_clearing(items: frozenset[int], start: int, end: int) -> None:
    cleared = INTS.cleared(extents(items), start, end)
    assert cleared == extents(run(clear_bit, items, start, end))


@given(indices, index, index, predicate)
def test_dropped_is_the_loop_that_deactivates(
    items: frozenset[int], start: int, end: int, gone: frozenset[int]
) -> None:
    dropped = INTS.dropped(extents(items), start, end, gone.__contains__)
    assert dropped == extents(run(deactivate_where, items, start, end, gone.__contains__))


@given(indices, index, index, predicate)
def test_chosen_is_the_loop_that_follows(
    items: frozenset[int], start: int, end: int, covered: frozenset[int]
) -> None:
    chosen = INTS.chosen(extents(items), start, end, covered.__contains__)
    assert chosen == extents(run(follow, items, start, end, covered.__contains__))


def found(items: Callable[[int], bool], start: int, end: int) -> int:
    """`for (at = start; at < end && !items(at); at++);`, from find_next_bit."""
    at = start
    while scans_on(INTS, items, at, end):
        at += 1
    return at


@given(indices, index, index)
def test_questions_about_a_range_are_searches(items: frozenset[int], start: int, end: int) -> None:
    def gap(i: int) -> bool:
        return i not in items

    held = extents(items)
    assert INTS.none_in(held, start, end) == (found(items.__contains__, start, end) >= end)
    assert INTS.all_in(held, start, end) == (found(gap, start, end) >= end)


@given(indices, indices, group)
def test_with_groups_is_the_loop_over_plugged_ranges(
    mapped: frozenset[int], plugged: frozenset[int], size: int
) -> None:
    """`virtio_mem_for_each_plugged_range` with `virtio_mem_activate_memslots_to_plug`."""
    bits = TOP + 1
    after = mapped
    first = found(plugged.__contains__, 0, bits)
    while first < bits:
        end = found(lambda i: i not in plugged, first + 1, bits)
        after = run(activate, after, first // size, (end + size - 1) // size)
        first = found(plugged.__contains__, end + 1, bits)
    assert INTS.with_groups(extents(mapped), extents(plugged), size) == extents(after)


@given(st.integers(0, TOP), st.integers(1, 9))
def test_stores_by_index_leave_each_entry_its_own(count: int, size: int) -> None:
    entries = dict.fromkeys(range(TOP + 1), -1)
    for k in range(count):
        after = store(INTS, entries.__getitem__, k, lambda i: i * size)
        entries = {i: after(i) for i in entries}
    assert entries == {i: i * size if i < count else -1 for i in range(TOP + 1)}

"""`Extents` against plain sets of integers."""

from hypothesis import given
from hypothesis import strategies as st

from model.extents import Extents
from model.machine_ints import INTS

TOP = 40
index = st.integers(0, TOP)
ranges = st.tuples(index, index)
changes = st.lists(st.tuples(st.booleans(), ranges), max_size=30)


def built(steps: list[tuple[bool, tuple[int, int]]]) -> tuple[Extents, set[int]]:
    items, plain = Extents.EMPTY, set[int]()
    for add, (start, end) in steps:
        if add:
            items, plain = items.with_range(start, end), plain | set(range(start, end))
        else:
            items, plain = items.without_range(start, end), plain - set(range(start, end))
    return items, plain


@given(changes)
def test_the_members_are_those_of_a_set(steps: list[tuple[bool, tuple[int, int]]]) -> None:
    items, plain = built(steps)
    assert [i for a, b in items.ranges() for i in range(a, b)] == sorted(plain)
    assert len(items) == len(plain)
    assert bool(items) == bool(plain)
    assert {i for i in range(TOP + 2) if i in items} == plain


@given(changes)
def test_equal_sets_have_equal_boundaries(steps: list[tuple[bool, tuple[int, int]]]) -> None:
    items, plain = built(steps)
    one_by_one = Extents.EMPTY
    for member in plain:
        one_by_one = one_by_one.with_range(member, member + 1)
    assert one_by_one == items
    assert list(items.bounds) == sorted(set(items.bounds))
    assert Extents.of_ranges(list(items.ranges())) == items


@given(changes, ranges)
def test_questions_about_a_range_agree_with_a_set(
    steps: list[tuple[bool, tuple[int, int]]], span: tuple[int, int]
) -> None:
    items, plain = built(steps)
    inside = set(range(*span))
    assert items.all_in(*span) == (inside <= plain)
    assert items.none_in(*span) == (not inside & plain)
    assert list(items.members(*span)) == sorted(inside & plain)
    runs = list(items.ranges_within(*span))
    assert sum(b - a for a, b in runs) == len(inside & plain)
    assert all(a < b for a, b in runs)


@given(changes, ranges)
def test_a_change_leaves_the_original_alone(
    steps: list[tuple[bool, tuple[int, int]]], span: tuple[int, int]
) -> None:
    items, plain = built(steps)
    items.with_range(*span)
    items.without_range(*span)
    assert set(items.members(0, TOP + 1)) == plain


@given(changes, ranges, st.sets(index))
def test_members_of_a_range_are_replaced_in_one_pass(
    steps: list[tuple[bool, tuple[int, int]]], span: tuple[int, int], wanted: set[int]
) -> None:
    items, plain = built(steps)
    inside = set(range(*span))
    chosen = INTS.chosen(items, *span, wanted.__contains__)
    assert chosen == of_members(plain - inside | wanted & inside)
    dropped = INTS.dropped(items, *span, wanted.__contains__)
    assert dropped == of_members(plain - (wanted & inside))


def of_members(plain: set[int]) -> Extents:
    return Extents.of_ranges([(member, member + 1) for member in plain])

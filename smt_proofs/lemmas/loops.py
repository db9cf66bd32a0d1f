"""The bodies of the device's loops, in C's terms: what one iteration does to a set.

A set is its membership test, a word table its look-up. `model` writes each loop as one change of
the set; `lemmas.summaries` proves that change equal to these bodies, run one index at a time, and
the tests run the same bodies against the executable sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from model.arithmetic import B, W, Words

Member: TypeAlias = Callable[[W], B]
"""The membership test of a set, or any truth about an index."""
Table: TypeAlias = Callable[[W], W]
"""A word for each index."""


def when(d: Words[W, B], condition: B, then: Member[W, B], otherwise: Member[W, B]) -> Member[W, B]:
    """`then` if the condition holds, else `otherwise`."""

    def holds(i: W) -> B:
        chosen, left = d.both(condition, then(i)), d.both(d.negate(condition), otherwise(i))
        return d.either(chosen, left)

    return holds


def set_bit(d: Words[W, B], items: Member[W, B], index: W) -> Member[W, B]:
    """One index more. Source: an iteration of bitmap_set."""
    return lambda i: d.either(items(i), d.eq(i, index))


def clear_bit(d: Words[W, B], items: Member[W, B], index: W) -> Member[W, B]:
    """One index less. Source: an iteration of bitmap_clear."""
    return lambda i: d.both(items(i), d.negate(d.eq(i, index)))


def activate(d: Words[W, B], mapped: Member[W, B], index: W) -> Member[W, B]:
    """Map a memslot unless it is mapped. Source: patch hunk virtio_mem_activate_memslot."""
    return when(d, mapped(index), mapped, set_bit(d, mapped, index))


def deactivate(d: Words[W, B], mapped: Member[W, B], index: W) -> Member[W, B]:
    """Unmap a memslot if it is mapped. Source: patch hunk virtio_mem_deactivate_memslot."""
    return when(d, d.negate(mapped(index)), mapped, clear_bit(d, mapped, index))


def deactivate_where(
    d: Words[W, B], mapped: Member[W, B], index: W, unplugged: Member[W, B]
) -> Member[W, B]:
    """Skip (`continue`) a memslot that must stay, unmap any other.

    Source: patch hunk virtio_mem_deactivate_unplugged_memslots.
    """
    return when(d, unplugged(index), deactivate(d, mapped, index), mapped)


def follow(d: Words[W, B], mapped: Member[W, B], index: W, covered: Member[W, B]) -> Member[W, B]:
    """Map a memslot that is covered, unmap any other.

    Source: patch hunk virtio_mem_resize_usable_region.
    """
    there, gone = activate(d, mapped, index), deactivate(d, mapped, index)
    return when(d, covered(index), there, gone)


def store(d: Words[W, B], table: Table[W], index: W, value: Table[W]) -> Table[W]:
    """Write the entry of one index. Source: patch hunk virtio_mem_prepare_memslots."""
    return lambda i: d.select(d.eq(i, index), value(index), table(i))


def scans_on(d: Words[W, B], items: Member[W, B], at: W, end: W) -> B:
    """The search for the next member has to look further than `at`.

    Source: find_next_bit; find_next_zero_bit is the same search among the indices left out.
    """
    return d.both(d.lt(at, end), d.negate(items(at)))

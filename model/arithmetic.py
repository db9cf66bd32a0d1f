"""C unsigned arithmetic as an explicit domain.

A rule in this package never adds, compares, divides or branches by itself: it asks a domain to.
Given `INTS` the rule runs on machine integers exactly as the C code would; given a symbolic domain
the same text builds solver terms. All words are unsigned 64-bit unless a rule narrows them.

Source: ISO C unsigned arithmetic (results modulo 2^64) and the QEMU_ALIGN_UP, QEMU_ALIGN_DOWN and
QEMU_IS_ALIGNED macros of include/qemu/osdep.h, which divide and so accept any alignment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeVar

MIB: Final = 1 << 20
GIB: Final = 1 << 30
TIB: Final = 1 << 40

U16_BITS: Final = 16
UINT_BITS: Final = 32
U64_MASK: Final = (1 << 64) - 1

W = TypeVar("W")
"""A 64-bit unsigned word: `int`, or a solver term."""
B = TypeVar("B")
"""A truth value: `bool`, or a solver term."""
S = TypeVar("S")
"""A set of indices (plugged blocks, mapped memslots): `Extents`, or a solver array."""


class Words(Protocol[W, B]):
    """What a rule may do with words and truth values."""

    def lit(self, value: int) -> W:
        """The word `value`, 0 <= value < 2^64."""

    def add(self, a: W, b: W) -> W:
        """a + b, a sum that the rule's author expects not to wrap (it wraps all the same)."""

    def wrapping_add(self, a: W, b: W) -> W:
        """a + b modulo 2^64 where the rule relies on the wrap, such as an overflow check."""

    def sub(self, a: W, b: W) -> W:
        """a - b, expected not to wrap."""

    def mul(self, a: W, b: W) -> W:
        """a * b, expected not to wrap."""

    def div(self, a: W, b: W) -> W:
        """a / b rounded down. Undefined in C for b = 0."""

    def mod(self, a: W, b: W) -> W:
        """a % b. Undefined in C for b = 0."""

    def narrow(self, a: W, bits: int) -> W:
        """The store of a 64-bit value to an unsigned field of `bits` bits (keeps the low bits)."""

    def eq(self, a: W, b: W) -> B:
        """a == b."""

    def lt(self, a: W, b: W) -> B:
        """a < b."""

    def le(self, a: W, b: W) -> B:
        """a <= b."""

    def truth(self, value: bool) -> B:
        """The constant `value`."""

    def both(self, a: B, b: B) -> B:
        """a && b, both already evaluated."""

    def either(self, a: B, b: B) -> B:
        """a || b, both already evaluated."""

    def negate(self, a: B) -> B:
        """!a."""

    def test(self, condition: B) -> bool:
        """A branch of the rule. A symbolic domain explores both outcomes, one run for each."""

    def select(self, condition: B, then: W, otherwise: W) -> W:
        """condition ? then : otherwise, both words already evaluated."""

    def same_truth(self, a: B, b: B) -> B:
        """a if and only if b."""

    def every_index(self, end: W, holds: Callable[[W], B]) -> B:
        """holds(i) for every i of [0, end)."""


class Doubles(Words[W, B], Protocol[W, B]):
    """Words, and those C doubles that are whole numbers: as words, which may be above 2^64.

    Source: IEEE 754 binary64, to nearest, ties to even; ISO C, conversion to and from double.
    """

    def double(self, n: W) -> W:
        """(double)n of a word: the nearest number of 53 significant bits, of two the even one."""

    def double_product(self, a: W, b: W) -> W:
        """a * b of two doubles that are whole numbers, a below 2^32 and b below 2^65."""

    def double_quotient(self, a: W, b: W) -> W:
        """(unsigned int)(a / b) of two doubles that are whole numbers, a below 2^97: a / b
        rounded to a double, then its fraction dropped. Undefined in C for b = 0, and where the
        result does not fit."""


class Domain(Words[W, B], Protocol[W, B, S]):
    """Words, truth values and sets of indices."""

    def no_blocks(self) -> S:
        """The empty set of blocks."""

    def no_slots(self) -> S:
        """The empty set of memslots."""

    def filled(self, items: S, start: W, end: W) -> S:
        """`items` with every index of [start, end) added."""

    def cleared(self, items: S, start: W, end: W) -> S:
        """`items` with every index of [start, end) removed."""

    def dropped(self, items: S, start: W, end: W, drop: Callable[[W], B]) -> S:
        """`items` without the members i of [start, end) for which drop(i) holds."""

    def chosen(self, items: S, start: W, end: W, keep: Callable[[W], B]) -> S:
        """`items` with membership of every i in [start, end) decided by keep(i)."""

    def all_in(self, items: S, start: W, end: W) -> B:
        """Every index of [start, end) is a member (holds for an empty range)."""

    def none_in(self, items: S, start: W, end: W) -> B:
        """No index of [start, end) is a member (holds for an empty range)."""

    def with_groups(self, items: S, members: S, group: W) -> S:
        """`items` with i / group added for every member i of `members`."""

    def groups_within(self, items: S, group: W, outer: S) -> B:
        """For every member i of `items`, i / group is a member of `outer`."""

    def all_below(self, items: S, end: W) -> B:
        """Every member is below `end`."""

    def every_member(self, items: S, holds: Callable[[W], B]) -> B:
        """holds(i) for every member i."""

    def member(self, items: S, index: W) -> B:
        """`index` is a member."""

    def same_members(self, a: S, b: S) -> B:
        """Both sets, of blocks or of memslots, have the same members."""

    def count(self, items: S) -> W:
        """The number of members."""


def align_down(d: Words[W, B], n: W, m: W) -> W:
    """The largest multiple of m not above n. Source: QEMU_ALIGN_DOWN."""
    return d.mul(d.div(n, m), m)


def align_up(d: Words[W, B], n: W, m: W) -> W:
    """The smallest multiple of m not below n. Source: QEMU_ALIGN_UP.

    C computes (n + m) - 1; n + (m - 1) is the same modulo 2^64 and is the sum whose wrap matters.
    """
    return align_down(d, d.add(n, d.sub(m, d.lit(1))), m)


def ceil_div(d: Words[W, B], n: W, m: W) -> W:
    """n / m rounded up, in the form (n + m - 1) / m."""
    return d.div(d.add(n, d.sub(m, d.lit(1))), m)


def is_aligned(d: Words[W, B], n: W, m: W) -> B:
    """n is a multiple of m. Source: QEMU_IS_ALIGNED."""
    return d.eq(d.mod(n, m), d.lit(0))


def minimum(d: Words[W, B], a: W, b: W) -> W:
    """MIN(a, b)."""
    return d.select(d.lt(a, b), a, b)


def maximum(d: Words[W, B], a: W, b: W) -> W:
    """MAX(a, b)."""
    return d.select(d.lt(b, a), a, b)

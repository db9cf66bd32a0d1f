"""The concrete domain: rules run on machine integers exactly as the C code would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from model.arithmetic import U64_MASK
from model.extents import Extents


class MachineInts:
    """The concrete domain: 64-bit machine words as `int`, index sets as `Extents`."""

    __slots__ = ()

    @staticmethod
    def lit(value: int) -> int:
        return value

    @staticmethod
    def add(a: int, b: int) -> int:
        return (a + b) & U64_MASK

    wrapping_add = add

    @staticmethod
    def sub(a: int, b: int) -> int:
        return (a - b) & U64_MASK

    @staticmethod
    def mul(a: int, b: int) -> int:
        return (a * b) & U64_MASK

    @staticmethod
    def div(a: int, b: int) -> int:
        return a // b

    @staticmethod
    def mod(a: int, b: int) -> int:
        return a % b

    @staticmethod
    def narrow(a: int, bits: int) -> int:
        return a & ((1 << bits) - 1)

    @staticmethod
    def eq(a: int, b: int) -> bool:
        return a == b

    @staticmethod
    def lt(a: int, b: int) -> bool:
        return a < b

    @staticmethod
    def le(a: int, b: int) -> bool:
        return a <= b

    @staticmethod
    def truth(value: bool) -> bool:
        return value

    @staticmethod
    def both(a: bool, b: bool) -> bool:
        return a and b

    @staticmethod
    def either(a: bool, b: bool) -> bool:
        return a or b

    @staticmethod
    def negate(a: bool) -> bool:
        return not a

    @staticmethod
    def same_truth(a: bool, b: bool) -> bool:
        return a == b

    @staticmethod
    def test(condition: bool) -> bool:
        return condition

    @staticmethod
    def select(condition: bool, then: int, otherwise: int) -> int:
        return then if condition else otherwise

    # Python's float is a C double, and int() of it drops the fraction.
    @staticmethod
    def double(n: int) -> int:
        return int(float(n))

    @staticmethod
    def double_product(a: int, b: int) -> int:
        return int(float(a) * float(b))

    @staticmethod
    def double_quotient(a: int, b: int) -> int:
        return int(float(a) / float(b))

    @staticmethod
    def no_blocks() -> Extents:
        return Extents.EMPTY

    no_slots = no_blocks

    @staticmethod
    def filled(items: Extents, start: int, end: int) -> Extents:
        return items.with_range(start, end)

    @staticmethod
    def cleared(items: Extents, start: int, end: int) -> Extents:
        return items.without_range(start, end)

    @staticmethod
    def dropped(items: Extents, start: int, end: int, drop: Callable[[int], bool]) -> Extents:
        kept = (index for index in items.members(start, end) if not drop(index))
        return items.with_only(start, end, kept)

    @staticmethod
    def chosen(items: Extents, start: int, end: int, keep: Callable[[int], bool]) -> Extents:
        return items.with_only(start, end, filter(keep, range(start, end)))

    @staticmethod
    def all_in(items: Extents, start: int, end: int) -> bool:
        return items.all_in(start, end)

    @staticmethod
    def none_in(items: Extents, start: int, end: int) -> bool:
        return items.none_in(start, end)

    @staticmethod
    def with_groups(items: Extents, members: Extents, group: int) -> Extents:
        for a, b in members.ranges():
            items = items.with_range(a // group, (b - 1) // group + 1)
        return items

    @staticmethod
    def groups_within(items: Extents, group: int, outer: Extents) -> bool:
        return all(outer.all_in(a // group, (b - 1) // group + 1) for a, b in items.ranges())

    @staticmethod
    def all_below(items: Extents, end: int) -> bool:
        return not items.bounds or items.bounds[-1] <= end

    @staticmethod
    def every_member(items: Extents, holds: Callable[[int], bool]) -> bool:
        return all(holds(i) for a, b in items.ranges() for i in range(a, b))

    @staticmethod
    def every_index(end: int, holds: Callable[[int], bool]) -> bool:
        return all(map(holds, range(end)))

    @staticmethod
    def member(items: Extents, index: int) -> bool:
        return index in items

    @staticmethod
    def same_members(a: Extents, b: Extents) -> bool:
        return a == b

    @staticmethod
    def count(items: Extents) -> int:
        return len(items)


INTS: Final = MachineInts()

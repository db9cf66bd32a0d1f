"""Index sets as mere names: for proofs in which it matters only whether two sets are the same.

A set is an integer that names it, one for each set there is, so that sets with the same members are
equal terms. What is asked of a set, and how one is made of another, are functions of which nothing
is known but that they are functions. That forgets what sets are and so only adds models: what is
contradictory here is so of index sets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import z3

from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.radix import Count, Word
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.statements import Kind


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A set of blocks or memslots by its name."""

    kind: Kind
    name: Term


def _asked(what: str, *of: Term) -> Term:
    return z3.Function(what, *(z3.IntSort() for _ in of), z3.BoolSort())(*of)


def _made(kind: Kind, what: str, *of: Term) -> Named:
    made = z3.Function(f"{what}.{kind.value}", *(z3.IntSort() for _ in of), z3.IntSort())
    return Named(kind, made(*of) if of else z3.Int(f"{what}.{kind.value}"))


class NamedSets(SetTerms):
    """Radix words together with sets by name.

    A statement with a body of its own (`every_member`, `every_index`) may be true or false, another
    one wherever it is made.
    """

    def members(self, name: str, kind: Kind) -> Any:
        return Named(kind, z3.Int(name))

    def no_blocks(self) -> Any:
        return _made(Kind.BLOCK, "none")

    def no_slots(self) -> Any:
        return _made(Kind.SLOT, "none")

    def filled(self, items: Any, start: Word, end: Word) -> Any:
        return self._of_range("filled", items, start, end)

    def cleared(self, items: Any, start: Word, end: Word) -> Any:
        return self._of_range("cleared", items, start, end)

    def _of_range(self, what: str, items: Any, start: Word, end: Word) -> Named:
        return _made(items.kind, what, items.name, self._count(start), self._count(end))

    def dropped(self, items: Any, start: Word, end: Word, drop: Callable[[Word], Term]) -> Any:
        return self._some(items)

    def chosen(self, items: Any, start: Word, end: Word, keep: Callable[[Word], Term]) -> Any:
        return self._some(items)

    def with_groups(self, items: Any, members: Any, group: Word) -> Any:
        return self._some(items)

    def _some(self, items: Any) -> Named:
        return Named(items.kind, z3.Int(self.fresh("set")))

    def all_in(self, items: Any, start: Word, end: Word) -> Term:
        return self._all_alike(items, start, end, inside=True)

    def none_in(self, items: Any, start: Word, end: Word) -> Term:
        return self._all_alike(items, start, end, inside=False)

    def _all_alike(self, items: Any, start: Word, end: Word, *, inside: bool) -> Term:
        first, last = self._count(start), self._count(end)
        asked = _asked("all_in" if inside else "none_in", items.name, first, last)
        # The first index is one of them: no range that has one is both in and out.
        member = _asked("member", items.name, first)
        alike = z3.Implies(z3.And(asked, first < last), member if inside else z3.Not(member))
        self.fact("the first index of a range", alike)
        return asked

    def groups_within(self, items: Any, group: Word, outer: Any) -> Term:
        return _asked("groups_within", items.name, self._divisor(group), outer.name)

    def every_member(self, items: Any, holds: Callable[[Word], Term]) -> Term:
        return z3.Bool(self.fresh("every_member"))

    def every_index(self, end: Word, holds: Callable[[Word], Term]) -> Term:
        return z3.Bool(self.fresh("every_index"))

    def all_below(self, items: Any, end: Word) -> Term:
        bound = self._count(end)
        below = _asked("all_below", items.name, bound)
        few = z3.Implies(below, self._size(items) <= bound)
        self.fact("lemma members_below_a_bound_are_no_more", few)
        return below

    def same_members(self, a: Any, b: Any) -> Term:
        return a.name == b.name

    def member(self, items: Any, index: Word) -> Term:
        return _asked("member", items.name, self._count(index))

    def count(self, items: Any) -> Word:
        return Count(self._size(items))

    def _size(self, items: Any) -> Term:
        size = z3.Function("members", z3.IntSort(), z3.IntSort())(items.name)
        self.fact("a finite set", size >= 0)
        return size

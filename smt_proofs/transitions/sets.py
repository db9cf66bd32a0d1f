"""Symbolic index sets: plugged blocks and mapped memslots of any number.

A set is its membership test, so a change of a set is a new test that asks the old one: those of
`lemmas.summaries`, proven there to be what the loops of the C code do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import z3

from smt_proofs.lemmas import summaries
from smt_proofs.lemmas.summaries import within
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.radix import Count, Word
from smt_proofs.transitions.statements import Kind, StatementTerms


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """An index set: its membership test and the number of its members."""

    kind: Kind
    holds: Callable[[Term], Term]
    size: Term


class SetTerms(StatementTerms):
    """Words and statements together with index sets.

    `loops` carry out one iteration each, any, of the loops met so far: their bodies owe what they
    rest on in every iteration, whether a claim asks for that one or not.
    """

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.loops: list[Callable[[], Term]] = []
        self._asked: dict[tuple[object, ...], Term] = {}
        self._memo: dict[tuple[int, int], Term] = {}

    def _everywhere(self, items: Members, first: Word, last: Word, *, inside: bool) -> Term:
        """All indices of a range are members (`inside`), or none is."""
        start, end = self._count(first), self._count(last)
        key = (id(items), start.get_id(), end.get_id(), inside)
        if key not in self._asked:
            self._kept += [items, start, end]

            def wanted(index: Term) -> Term:
                return items.holds(index) if inside else z3.Not(items.holds(index))

            stem = f"{items.kind.value}_{'in' if inside else 'out'}"
            bounds = partial(within, start=start, end=end)
            self._asked[key] = self.statement(items.kind, stem, bounds, wanted)
        return self._asked[key]

    def all_in(self, items: Members, start: Word, end: Word) -> Term:
        return self._everywhere(items, start, end, inside=True)

    def none_in(self, items: Members, start: Word, end: Word) -> Term:
        return self._everywhere(items, start, end, inside=False)

    def groups_within(self, items: Members, group: Word, outer: Members) -> Term:
        size = self._divisor(group)

        def body(index: Term) -> Term:
            return outer.holds(self.subject(Kind.SLOT, self.divided(index, size)[0]))

        return self.statement(items.kind, "group_within", items.holds, body)

    def _divisor(self, group: Word) -> Term:
        size = self._count(group)
        self.require("divisor is not zero", size > 0)
        return size

    def every_member(self, items: Members, holds: Callable[[Word], Term]) -> Term:
        return self.statement(items.kind, "member", items.holds, lambda i: holds(Count(i)))

    def every_index(self, end: Word, holds: Callable[[Word], Term]) -> Term:
        bound = self._count(end)
        return self.statement(Kind.SLOT, "slot", lambda i: i < bound, lambda i: holds(Count(i)))

    def all_below(self, items: Members, end: Word) -> Term:
        bound = self._count(end)
        answer = self.statement(items.kind, "below", items.holds, lambda i: i < bound)
        below = z3.And(answer, bound >= 0)
        self.fact("lemma members_below_a_bound_are_no_more", z3.Implies(below, items.size <= bound))
        return answer

    def same_members(self, a: Members, b: Members) -> Term:
        def body(index: Term) -> Term:
            return a.holds(index) == b.holds(index)

        answer = self.statement(a.kind, "alike", lambda _: z3.BoolVal(True), body)
        self.fact("lemma equal_sets_count_alike", z3.Implies(answer, a.size == b.size))
        return answer

    def member(self, items: Members, index: Word) -> Term:
        return items.holds(self.subject(items.kind, self._count(index)))

    def count(self, items: Members) -> Word:
        return Count(items.size)

    # Sets.

    def members(self, name: str, kind: Kind) -> Members:
        """A free set."""
        size = z3.Int(f"{name}.size")
        self.fact(f"{name} is a finite set", size >= 0)
        test = z3.Function(name, z3.IntSort(), z3.BoolSort())
        label = "lemma a_member_counts"
        self.defined(label, kind, z3.BoolVal(True), lambda i: z3.Implies(test(i), size >= 1))
        return Members(kind, lambda index: test(index), size)

    def no_blocks(self) -> Members:
        return Members(Kind.BLOCK, lambda index: z3.BoolVal(False), z3.IntVal(0))

    def no_slots(self) -> Members:
        return Members(Kind.SLOT, lambda index: z3.BoolVal(False), z3.IntVal(0))

    def _changed(self, items: Members, holds: Callable[[Term], Term]) -> Members:
        """A set with another membership test and a number of members of its own."""
        size = z3.Int(self.fresh("size"))
        self.fact("a finite set", size >= 0)

        def once(index: Term) -> Term:
            key = (id(changed), index.get_id())
            if key not in self._memo:
                self._kept.append(index)
                self._memo[key] = holds(index)
            return self._memo[key]

        changed = Members(items.kind, once, size)
        self._kept.append(changed)
        return changed

    def filled(self, items: Members, start: Word, end: Word) -> Members:
        low, high = self._count(start), self._count(end)
        changed = self._changed(items, summaries.filled(items.holds, low, high))
        if items.kind is Kind.BLOCK:
            self.subject(Kind.BLOCK, low)
            news = z3.And(self.none_in(items, start, end), low >= 0, low <= high)
            grown = changed.size == items.size + (high - low)
            self.fact("lemma filling_adds_a_range", z3.Implies(news, grown))
        return changed

    def cleared(self, items: Members, start: Word, end: Word) -> Members:
        low, high = self._count(start), self._count(end)
        changed = self._changed(items, summaries.cleared(items.holds, low, high))
        self.subject(items.kind, low)
        olds = z3.And(self.all_in(items, start, end), low >= 0, low <= high)
        shrunk = changed.size == items.size - (high - low)
        self.fact("lemma clearing_takes_a_range", z3.Implies(olds, shrunk))
        return changed

    def dropped(
        self, items: Members, start: Word, end: Word, drop: Callable[[Word], Term]
    ) -> Members:
        low, high = self._count(start), self._count(end)
        gone = self._loop(items.kind, low, high, drop)
        return self._changed(items, summaries.dropped(items.holds, low, high, gone))

    def chosen(
        self, items: Members, start: Word, end: Word, keep: Callable[[Word], Term]
    ) -> Members:
        low, high = self._count(start), self._count(end)
        kept = self._loop(items.kind, low, high, keep)
        return self._changed(items, summaries.chosen(items.holds, low, high, kept))

    def _loop(
        self, kind: Kind, low: Term, high: Term, test: Callable[[Word], Term]
    ) -> Callable[[Term], Term]:
        """What the body of a loop over [low, high) asks of an index."""

        def asked(index: Term) -> Term:
            with self.choosing(within(index, low, high)):
                return test(Count(index))

        self.loops.append(lambda: asked(self._new_index(kind, "iteration")))
        return asked

    def with_groups(self, items: Members, members: Members, group: Word) -> Members:
        size = self._divisor(group)

        def holds(slot: Term) -> Term:
            def elsewhere(index: Term) -> Term:
                return z3.Not(self.divided(index, size)[0] == slot)

            # Some member lies in the group unless every member lies in another one.
            none = self.statement(members.kind, "group_apart", members.holds, elsewhere)
            return z3.Or(items.holds(slot), z3.Not(none))

        return self._changed(items, holds)

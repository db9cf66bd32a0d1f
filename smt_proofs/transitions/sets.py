"""Symbolic index sets: plugged blocks and mapped memslots of any number.

A set is its membership test, so a change of a set is a new test that asks the old one: those of
`lemmas.summaries`, proven there to be what the loops of the C code do. A statement about all
indices is a truth value with two sides: where it is false a witness index is named, where it is
true it may be used at any index. Nothing is quantified in a query: statements are used at the
indices that the proof is about (`subjects`), which is sound whichever they are. Indices are natural
numbers, and nothing is said of a term that is negative: such a term stands where an operation's
duty is not met, and must not help to show that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Final, TypeAlias

import z3

from smt_proofs.lemmas import summaries
from smt_proofs.lemmas.division import quotient_grows, rounded_up_quotient_is_within_cover
from smt_proofs.lemmas.lemma import Lemma
from smt_proofs.lemmas.slots import (
    quotient_leaps,
    rounded_up_quotient_reaches_count,
    slot_of_block,
    slots_start_in_order,
)
from smt_proofs.lemmas.summaries import within
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.radix import Count, RadixTerms, Word

ROUNDS: Final = 2
"""How often statements are used at the subjects that using statements brought up."""


class Kind(Enum):
    """What the indices of a set name."""

    BLOCK = "block"
    SLOT = "slot"


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """An index set: its membership test and the number of its members."""

    kind: Kind
    holds: Callable[[Term], Term]
    size: Term


@dataclass(frozen=True, slots=True)
class Universal:
    """`body` holds at every index of a kind where `guard` does; `label` says of what it is part."""

    label: str
    kind: Kind
    guard: Term
    body: Callable[[Term], Term]


LASTING: Final = frozenset({"_fresh", "_kept", "_script", "_deferred"})
"""What a scope leaves as it finds it: names and terms that must not be taken again, the script of
the path, and what awaits a witness, which is never open between claims."""


def _copy(value: Any) -> Any:
    """The value as it is now, whatever becomes of it."""
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return type(value)(value) if isinstance(value, list | set) else value


Hint: TypeAlias = tuple[str, Term]
"""A formula that a query may use, with its origin."""


class SetTerms(RadixTerms):
    """Radix words together with index sets; memslots hold `group` blocks each.

    `loops` carry out one iteration each, any, of the loops met so far: their bodies owe what they
    rest on in every iteration, whether a claim asks for that one or not.
    """

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.group = z3.Int("group")
        self.slot_count = z3.Int("slots")
        slots = [self.group >= 1, self.slot_count >= 1, self.slot_count < 1 << 16]
        self.fact("there are 1 to 65535 memslots of whole blocks", *slots)
        self.subjects: dict[Kind, dict[int, Term]] = {kind: {} for kind in Kind}
        self.loops: list[Callable[[], Term]] = []
        self._universals: list[Universal] = []
        self._asked: dict[tuple[object, ...], Term] = {}
        self._memo: dict[tuple[int, int], Term] = {}
        self._done: set[tuple[int, ...]] = set()
        self._claims: dict[int, int] = {}
        self._deferred: dict[int, Callable[[], None]] | None = None

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is said inside is forgotten afterwards: one of several claims about a state.

        All of this domain is then as it was, but for the names that were taken: one that came back
        for something else would say of it what was said of the first.
        """
        before = {name: _copy(value) for name, value in vars(self).items() if name not in LASTING}
        yield
        for name, was in before.items():
            now = getattr(self, name)
            if isinstance(now, list):
                # Others hold the lists themselves.
                now[:] = was
            else:
                setattr(self, name, was)

    # Statements about all indices.

    def subject(self, kind: Kind, index: Term) -> Term:
        """An index that statements are used at."""
        self._kept.append(index)
        self.subjects[kind].setdefault(index.get_id(), index)
        return index

    def _new_index(self, kind: Kind, stem: str) -> Term:
        index = z3.Int(self.fresh(stem))
        self.fact("an index", index >= 0)
        return self.subject(kind, index)

    def defined(self, label: str, kind: Kind, guard: Term, body: Callable[[Term], Term]) -> None:
        """A statement about every index."""
        self._universals.append(Universal(label, kind, guard, body))

    def statement(
        self,
        kind: Kind,
        stem: str,
        within: Callable[[Term], Term],
        body: Callable[[Term], Term],
    ) -> Term:
        """The truth value of: `body` at every index at which `within` holds.

        The body owes its duties only within.
        """
        guard = z3.Bool(self.fresh(f"every_{stem}"))

        def holds(index: Term) -> Term:
            inside = within(index)
            with self.choosing(inside):
                return z3.Implies(inside, body(index))

        self._claims[guard.get_id()] = len(self._universals)
        self._kept.append(guard)
        self.defined(stem, kind, guard, holds)

        def witness() -> None:
            index = self._new_index(kind, stem)
            if kind is Kind.SLOT:
                self.subject(Kind.BLOCK, index * self.group)
            self.fact(f"a witness of {stem}", z3.Or(guard, z3.Not(holds(index))))

        if self._deferred is None:
            witness()
        else:
            self._deferred[guard.get_id()] = witness
        return guard

    def assume(self, label: str, evaluate: Callable[[], Term]) -> None:
        """Assume a claim. What its evaluation rests on is owed elsewhere: see `definedness`."""
        first = len(self._universals)
        self._deferred = {}
        with self.choosing(), self.without_duties():
            claim = evaluate()
            awaiting, self._deferred = self._deferred, None
            for part in _parts(claim):
                # A statement that holds needs no witness.
                awaiting.pop(part.get_id(), None)
            for witness in awaiting.values():
                witness()
        for number in range(first, len(self._universals)):
            said = self._universals[number]
            known = Universal(label, said.kind, said.guard, said.body)
            self._universals[number] = known
        self._labels[claim.get_id()] = label
        self.given.append(claim)

    def goals(self, claim: Term) -> list[Term]:
        """The parts of a claim to prove; statements among them are not used to prove themselves."""
        parts = [part for part in _parts(claim) if not z3.is_true(part)]
        for part in parts:
            number = self._claims.get(part.get_id())
            if number is not None:
                said = self._universals[number]
                never = Universal(said.label, said.kind, z3.BoolVal(False), said.body)
                self._universals[number] = never
        return parts

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

    # What a query is given.

    def instances(self) -> list[Hint]:
        """Statements at all subjects and the lemmas about memslot indices, those not given yet."""
        found: list[Hint] = []
        with self.choosing(), self.without_duties():
            for _ in range(ROUNDS):
                self._use_statements(found)
            self._use_lemmas(found)
        return found

    def _use_statements(self, found: list[Hint]) -> None:
        todo = [
            (number, key, index)
            for number, universal in enumerate(self._universals)
            for key, index in self.subjects[universal.kind].items()
            if not z3.is_false(universal.guard)
        ]
        for number, key, index in todo:
            if (number, key) not in self._done:
                self._done.add((number, key))
                universal = self._universals[number]
                term = universal.body(index)
                found.append(
                    (universal.label, z3.Implies(z3.And(universal.guard, index >= 0), term))
                )

    def _use_lemmas(self, found: list[Hint]) -> None:
        def use(lemma: Lemma, number: int, *terms: Term) -> None:
            key = (-number, *(term.get_id() for term in terms))
            if key not in self._done:
                self._done.add(key)
                found.append((f"lemma {lemma.name}", _instance(lemma, terms)))

        quotients = [(n, q, r) for n, size, q, r in self.quotients if size.eq(self.group)]
        for slot in self.subjects[Kind.SLOT].values():
            use(slots_start_in_order, 1, slot, self.group, self.slot_count)
            for n, q, r in quotients:
                use(slot_of_block, 2, slot, n, self.group, q, r)
        for n, q, r in quotients:
            # Of n = e + group - 1 with e inside the memslots: the rounded-up index exists.
            before = z3.simplify(n - (self.group - 1))
            rounded = (before, self.group, self.slot_count, q, r)
            use(rounded_up_quotient_is_within_cover, 3, *rounded)
            use(rounded_up_quotient_reaches_count, 4, *rounded)
            for m, p, s in quotients:
                if not n.eq(m):
                    use(quotient_grows, 5, n, m, self.group, q, r, p, s)
                    use(quotient_leaps, 6, n, m, self.group, q, r, p, s)


# Paths and claims ask for the same instances. Their terms stay alive with the ids that are keys.
_instances: dict[tuple[int, ...], tuple[tuple[Term, ...], Term]] = {}


def _instance(lemma: Lemma, terms: tuple[Term, ...]) -> Term:
    key = (id(lemma), *(term.get_id() for term in terms))
    if key not in _instances:
        _instances[key] = (terms, lemma.at(*terms))
    return _instances[key][1]


def _parts(claim: Term) -> list[Term]:
    """The conjuncts of a claim."""
    if z3.is_and(claim):
        return [part for child in claim.children() for part in _parts(child)]
    return [claim]

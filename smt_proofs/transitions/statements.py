"""Statements about all indices, of blocks or memslots.

A statement is a truth value with two sides: where it is false a witness index is named, where it is
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
from typing import Any, Final, TypeAlias

import z3

from smt_proofs.lemmas.division import quotient_grows, rounded_up_quotient_is_within_cover
from smt_proofs.lemmas.lemma import Lemma
from smt_proofs.lemmas.slots import (
    quotient_leaps,
    rounded_up_quotient_reaches_count,
    slot_of_block,
    slots_start_in_order,
)
from smt_proofs.solving.memo import Memo
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.radix import RadixTerms

ROUNDS: Final = 2
"""How often statements are used at the subjects that using statements brought up."""


class Kind(Enum):
    """What the indices of a set name."""

    BLOCK = "block"
    SLOT = "slot"


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


class StatementTerms(RadixTerms):
    """Radix words together with statements about indices; memslots hold `group` blocks each."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.group = z3.Int("group")
        self.slot_count = z3.Int("slots")
        slots = [self.group >= 1, self.slot_count >= 1, self.slot_count < 1 << 16]
        self.fact("there are 1 to 65535 memslots of whole blocks", *slots)
        self.subjects: dict[Kind, dict[int, Term]] = {kind: {} for kind in Kind}
        self._universals: list[Universal] = []
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
_instances: Final = Memo[tuple[int, ...], tuple[tuple[Term, ...], Term]]()


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

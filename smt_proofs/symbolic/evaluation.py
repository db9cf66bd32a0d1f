"""One evaluation of rules on solver terms: branches, facts, and duties that are owed.

A branch (`test`, and the choice in `select`) forks the evaluation: see `smt_proofs.symbolic.paths`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import z3

from smt_proofs.solving.solve import Term, contradict_linearly
from smt_proofs.symbolic.guard import guard_terms
from smt_proofs.symbolic.paths import Script

guard_terms()


@dataclass(frozen=True, slots=True)
class Duty:
    """A condition that an operation's meaning rests on, with what held before it.

    `given` are the hypotheses assumed before the operation and `path` the branches taken: a
    hypothesis that is being evaluated, or comes later, must not help to show that its own
    evaluation is sound.
    """

    what: str
    given: tuple[Term, ...]
    path: tuple[Term, ...]
    condition: Term


class Terms(ABC):
    """What both symbolic domains share: branches, truth values, recorded facts and duties.

    `path` holds the branch conditions of this run, `facts` the definitions of fresh variables
    (each satisfiable for all values of the others), `duties` what remains to be proven, `closed`
    the branches not followed because they contradict what is known, `given` the hypotheses that
    hold, `indices` the arbitrary indices that stand for "every index".
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._owing = True
        self._guards: list[Term] = []
        self._divisions: dict[tuple[int, int], tuple[Term, Term, Term, Term]] = {}
        self._outcomes: dict[int, bool] = {}
        self._labels: dict[int, str] = {}
        # z3 may give the id of a freed term to another one: what is a key stays alive.
        self._kept: list[Term] = []
        self._fresh = 0
        self.path: list[Term] = []
        self.facts: list[Term] = []
        self.given: list[Term] = []
        self.duties: list[Duty] = []
        self.closed: list[Duty] = []
        self.indices: list[Term] = []

    @abstractmethod
    def word(self, name: str, bits: int = 64) -> Term:
        """A free word of `bits` bits."""

    @abstractmethod
    def lit(self, value: int) -> Term: ...

    def flag(self, name: str) -> Term:
        """A free truth value."""
        return z3.Bool(name)

    def fresh(self, stem: str) -> str:
        """A variable name not used before in this run, the same in every rerun of a path."""
        self._fresh += 1
        return f"{stem}!{self._fresh}"

    @contextmanager
    def without_duties(self) -> Iterator[None]:
        """Operations inside only name terms for a hint: they owe nothing."""
        self._owing = False
        yield
        self._owing = True

    def fact(self, label: str, *terms: Term) -> None:
        """Add definitions, and say where they come from."""
        self.facts += terms
        self._labels |= dict.fromkeys((term.get_id() for term in terms), label)

    def label(self, fact: Term) -> str:
        """Where a fact comes from."""
        return self._labels.get(fact.get_id(), "definition")

    def require(self, what: str, condition: Term) -> None:
        """Record a duty under the branches taken so far."""
        if self._owing and not z3.is_true(z3.simplify(condition)):
            self.duties.append(self.owed(what, condition))

    def owed(self, what: str, condition: Term) -> Duty:
        """A condition to be proven from what is known now."""
        return Duty(what, tuple(self.given), (*self.path, *self._guards), condition)

    def test(self, condition: Term) -> bool:
        settled = z3.simplify(condition)
        if z3.is_true(settled) or z3.is_false(settled):
            return bool(z3.is_true(settled))
        key = settled.get_id()
        if key not in self._outcomes:
            branch = self._script.branch(lambda: self._forced(condition))
            self._outcomes[key] = branch.outcome
            self._kept.append(settled)
            taken = condition if branch.outcome else z3.Not(condition)
            if branch.forced:
                self.closed.append(self.owed("the other branch is impossible", taken))
            self.path.append(taken)
        return self._outcomes[key]

    def _forced(self, condition: Term) -> bool | None:
        """The only outcome that what is assumed and the branches so far leave, if it is plain."""
        before = [*self.facts, *self.given, *self.path]
        if contradict_linearly([*before, condition]):
            return False
        return True if contradict_linearly([*before, z3.Not(condition)]) else None

    def select(self, condition: Term, then: Term, otherwise: Term) -> Term:
        return then if self.test(condition) else otherwise

    def eq(self, a: Term, b: Term) -> Term:
        return a == b

    def truth(self, value: bool) -> Term:
        return z3.BoolVal(value)

    def both(self, a: Term, b: Term) -> Term:
        return z3.And(a, b)

    def either(self, a: Term, b: Term) -> Term:
        return z3.Or(a, b)

    def negate(self, a: Term) -> Term:
        return z3.Not(a)

    def same_truth(self, a: Term, b: Term) -> Term:
        return a == b

    def every_index(self, end: Term, holds: Callable[[Term], Term]) -> Term:
        """The claim for one arbitrary index: as a goal it is the claim for all, and as a hypothesis
        it assumes no more than that index's part of it."""
        index = self.word(self.fresh("index"))
        self.indices.append(index)
        if not self.test(self.lt(index, end)):
            return z3.BoolVal(True)
        return holds(index)

    @abstractmethod
    def lt(self, a: Term, b: Term) -> Term: ...

"""Does a clause follow from others? Truth values, with relations of integers in normal form."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from smt_proofs.certificates.linear import Arithmetic, Form, at_least
from smt_proofs.certificates.sexpr import RELATIONS, Term, Terms

Clause = Sequence[Term]
Literal = tuple[object, bool]
MOST_CHOICES = 8
"""Conditions of choices between integers that are told apart at most."""
MOST_SPLITS = 4000
"""Nodes of the search for a countermodel at most: a single step of a proof needs few."""


def stripped(term: Term, positive: bool = True) -> tuple[Term, bool]:
    """What a chain of `not` is about, and whether it asserts that."""
    while term.operator == "not":
        term, positive = term.arguments[0], not positive
    return term, positive


class Logic:
    """Decides whether a clause follows from clauses."""

    def __init__(self, terms: Terms, arithmetic: Arithmetic) -> None:
        self._terms = terms
        self._arithmetic = arithmetic

    def follows(self, premises: Sequence[Clause], conclusion: Clause) -> bool:
        """The conclusion holds wherever the premises do. A `False` may only mean "not seen"."""
        denied = [stripped(literal, False) for literal in conclusion]
        clauses = [[stripped(literal) for literal in clause] for clause in premises]
        if _propagates([*([literal] for literal in denied), *clauses]):
            return True
        return all(
            self._contradicts(premises_here, conclusion_here)
            for premises_here, conclusion_here in self._cases(premises, conclusion)
        )

    def _cases(
        self, premises: Sequence[Clause], conclusion: Clause
    ) -> Iterator[tuple[list[Clause], Clause]]:
        """One case for every outcome of the conditions by which integers are chosen; where those
        are many, one for all of them: the choices are then unknowns."""
        conditions: dict[Term, None] = {}
        seen: set[Term] = set()
        for literal in itertools.chain(conclusion, *premises):
            _conditions(literal, conditions, seen)
        if len(conditions) > MOST_CHOICES:
            return iter([(list(premises), conclusion)])
        return self._split(premises, conclusion, list(conditions))

    def _split(
        self, premises: Sequence[Clause], conclusion: Clause, conditions: list[Term]
    ) -> Iterator[tuple[list[Clause], Clause]]:
        for outcome in itertools.product((True, False), repeat=len(conditions)):
            known = dict(zip(conditions, outcome, strict=True))
            made: dict[Term, Term] = {}

            def chosen(term: Term, known: dict[Term, bool] = known) -> Term:
                return self._chosen(term, known, made)  # noqa: B023

            facts: list[Clause] = [
                [chosen(c) if holds else self._terms.negation(chosen(c))]
                for c, holds in known.items()
            ]
            kept = [[chosen(literal) for literal in clause] for clause in premises]
            yield [*facts, *kept], [chosen(literal) for literal in conclusion]

    def _chosen(self, term: Term, known: dict[Term, bool], made: dict[Term, Term]) -> Term:
        found = made.get(term)
        if found is None:
            if term.operator == "ite" and not term.logical:
                branch = term.arguments[1 if known[term.arguments[0]] else 2]
                found = self._chosen(branch, known, made)
            elif term.arguments:
                parts = (self._chosen(part, known, made) for part in term.arguments)
                found = self._terms.make(term.operator, *parts)
            else:
                found = term
            made[term] = found
        return found

    def _contradicts(self, premises: Sequence[Clause], conclusion: Clause) -> bool:
        clauses = _Clauses(self._arithmetic)
        for clause in premises:
            clauses.add([clauses.literal(literal) for literal in clause])
        for literal in conclusion:
            key, positive = clauses.literal(literal)
            clauses.add([(key, not positive)])
        return _unsatisfiable(clauses.found, [MOST_SPLITS])


def _conditions(term: Term, found: dict[Term, None], seen: set[Term]) -> None:
    if term in seen:
        return
    seen.add(term)
    if term.operator == "ite" and not term.logical:
        found[term.arguments[0]] = None
    for part in term.arguments:
        _conditions(part, found, seen)


class _Clauses:
    """Formulas as clauses: a name for each part, and what makes it true."""

    def __init__(self, arithmetic: Arithmetic) -> None:
        self._arithmetic = arithmetic
        self._literals: dict[Term, Literal] = {}
        self._equations: set[Form] = set()
        self.found: list[list[Literal]] = [[("true", True)]]

    def add(self, clause: list[Literal]) -> None:
        self.found.append(clause)

    def literal(self, term: Term) -> Literal:
        """The literal that stands for a formula."""
        term, positive = stripped(term)
        if term not in self._literals:
            self._literals[term] = self._new(term)
        key, holds = self._literals[term]
        return key, holds == positive

    def _new(self, term: Term) -> Literal:
        operator, parts = term.operator, term.arguments
        if operator in {"true", "false"}:
            return "true", operator == "true"
        if operator in RELATIONS and len(parts) == 2 and not parts[0].logical:
            return self._relation(term)
        if operator in {"and", "or", "=>", "xor", "=", "distinct", "ite"} and parts[-1].logical:
            here: Literal = (term, True)
            self._define(operator, here, [self.literal(part) for part in parts])
            return here
        return term, True

    def _define(self, operator: str, here: Literal, parts: list[Literal]) -> None:
        """What makes the formula true or false, by the operator."""
        if operator == "=>":
            operator, parts = "or", [*(_not(part) for part in parts[:-1]), parts[-1]]
        if operator in {"and", "or"}:
            # A conjunction is the denial of a disjunction of denials.
            whole = here if operator == "or" else _not(here)
            sides = parts if operator == "or" else [_not(part) for part in parts]
            self.add([_not(whole), *sides])
            for side in sides:
                self.add([whole, _not(side)])
        elif operator == "ite":
            condition, then, otherwise = parts
            for side, branch in ((_not(condition), then), (condition, otherwise)):
                self.add([side, _not(here), branch])
                self.add([side, here, _not(branch)])
        elif len(parts) == 2:
            left, right = parts if operator == "=" else (parts[0], _not(parts[1]))
            self.add([_not(here), _not(left), right])
            self.add([_not(here), left, _not(right)])
            self.add([here, left, right])
            self.add([here, _not(left), _not(right)])

    def _relation(self, term: Term) -> Literal:
        form = self._arithmetic.form(term)
        if isinstance(form, bool):
            return "true", form
        key, positive = form
        if key[0] == "=" and key not in self._equations:
            self._equations.add(key)
            # An equation is both inequalities.
            up = ">=", key[1], key[2]
            down = ">=", tuple((m, -n) for m, n in key[1]), -key[2]
            sides: list[Literal] = [(up, True), (at_least(down, False), False)]
            self._define("and", (key, True), sides)
        return key, positive


def _not(literal: Literal) -> Literal:
    return literal[0], not literal[1]


def _propagates(clauses: list[list[Literal]] | list[list[tuple[Term, bool]]]) -> bool:
    """Unit propagation alone finds a contradiction."""
    known: dict[object, bool] = {}
    return _propagate(clauses, known) is None  # type: ignore[arg-type]


def _propagate(
    clauses: list[list[Literal]], known: dict[object, bool]
) -> list[list[Literal]] | None:
    """The clauses left open after all that they force, None for a contradiction."""
    while True:
        left, changed = [], False
        for clause in clauses:
            open_literals = []
            for key, positive in clause:
                value = known.get(key)
                if value is None:
                    open_literals.append((key, positive))
                elif value == positive:
                    break
            else:
                if not open_literals:
                    return None
                if len(set(open_literals)) == 1:
                    known[open_literals[0][0]] = open_literals[0][1]
                    changed = True
                else:
                    left.append(open_literals)
        if not changed:
            return left
        clauses = left


def _unsatisfiable(clauses: list[list[Literal]], splits: list[int]) -> bool:
    left = _propagate(clauses, {})
    if left is None:
        return True
    splits[0] -= 1
    if not left or splits[0] < 0:
        return False
    key, _ = min(left, key=len)[0]
    return all(_unsatisfiable([*left, [(key, value)]], splits) for value in (True, False))

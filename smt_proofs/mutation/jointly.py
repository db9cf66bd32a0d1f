"""The right and the wrong rule side by side: both evaluated on one path, the right one first.

An operation of the wrong rule owes what any operation owes, that it is defined and does not wrap;
what the right rule owes is the book's to prove.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import z3

from smt_proofs.lemmas.division import rounded_up_quotient_is_within_cover
from smt_proofs.mutation.rule_mutants import RuleMutant
from smt_proofs.solving.solve import conjuncts
from smt_proofs.symbolic.evaluation import Duty
from smt_proofs.symbolic.radix import Count, Literal
from smt_proofs.transitions.claims import carry_out
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.simulation import Outcomes, alike


class _Noting:
    """The domain as both rules meet it: what changes a set alike makes one set of it, which then
    need not be compared with itself. `made` holds what was made of what."""

    def __init__(self, d: Any, made: dict[tuple[object, ...], tuple[Any, ...]]) -> None:
        self._d = d
        self._made = made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._d, name)

    def filled(self, items: Any, start: Any, end: Any) -> Any:
        return self._once("filled", items, start, end)

    def cleared(self, items: Any, start: Any, end: Any) -> Any:
        return self._once("cleared", items, start, end)

    def _once(self, change: str, items: Any, start: Any, end: Any) -> Any:
        key = change, id(items), _named(start), _named(end)
        if key not in self._made:
            # What is known by its id stays alive with it.
            self._made[key] = getattr(self._d, change)(items, start, end), items, start, end
        return self._made[key][0]


def _named(index: Count | Literal) -> tuple[str, int]:
    """What tells indices apart that are not one term."""
    if isinstance(index, Literal):
        return "literal", index.value
    return "term", index.term.get_id()


class _Under(_Noting):
    """The domain as the wrong rule meets it: a loop body is evaluated at an index later on, and
    then calls wrong rules as well."""

    def __init__(self, d: Any, made: Any, mutant: RuleMutant) -> None:
        super().__init__(d, made)
        self._mutant = mutant

    def dropped(self, items: Any, start: Any, end: Any, drop: Callable[[Any], Any]) -> Any:
        return self._d.dropped(items, start, end, self._held(drop))

    def chosen(self, items: Any, start: Any, end: Any, keep: Callable[[Any], Any]) -> Any:
        return self._d.chosen(items, start, end, self._held(keep))

    def _held(self, body: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def held(index: Any) -> Any:
            with self._mutant.applied():
                return body(index)

        return held


def jointly(mutant: RuleMutant, d: Any, transition: str, f: Any, s: Any, a: Any) -> Outcomes:
    """Both outcomes on one path; the domain keeps what the wrong rule owes beyond the right one."""
    made: dict[tuple[object, ...], tuple[Any, ...]] = {}
    right = carry_out(_Noting(d, made), transition, f, s, a)
    theirs = [*d.duties, *d.closed]
    for owing in (d.duties, d.closed, d.loops):
        owing.clear()
    with mutant.applied():
        wrong = carry_out(_Under(d, made, mutant), transition, f, s, a)
    known: dict[int, list[frozenset[int]]] = {}
    for duty in theirs:
        known.setdefault(duty.condition.get_id(), []).append(_branches(duty))
    d.duties[:] = [
        duty
        for duty in d.duties
        if not any(said <= _branches(duty) for said in known.get(duty.condition.get_id(), ()))
    ]
    _bound_quotients(d)
    return Outcomes(right, wrong)


def _bound_quotients(d: SetTerms) -> None:
    """A wrong range may end beyond the last memslot, by less than one more: so may its index."""
    name, count = rounded_up_quotient_is_within_cover.name, d.slot_count + 1
    for n, size, quotient, rest in d.quotients:
        if size.eq(d.group):
            before = z3.simplify(n - (size - 1))
            terms = before, size, count, quotient, rest
            d.fact(f"lemma {name}", rounded_up_quotient_is_within_cover.at(*terms))


def _branches(duty: Duty) -> frozenset[int]:
    return frozenset(term.get_id() for term in duty.path)


def plain(d: SetTerms, outcomes: Outcomes) -> bool:
    """Term by term the outcomes are one, and the wrong rule owes nothing beyond the right one."""
    owed = d.duties or d.closed or d.loops
    return not owed and _one(outcomes.one, outcomes.other)


def _one(a: Any, b: Any) -> bool:
    """Two values, or all that they are made of, are the same objects, terms or words."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_one, a, b))
    if is_dataclass(a):
        return all(_one(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    if isinstance(a, z3.ExprRef):
        return bool(a.eq(b))
    return isinstance(a, int) and a == b


def apart(d: Any, f: Any, s: Any, a: Any, outcomes: Outcomes) -> Any:
    """That the outcomes are alike, without the parts that say so of one and the same term."""
    parts = conjuncts(alike(d, f, s, a, outcomes))
    return z3.And([part for part in parts if not (z3.is_eq(part) and part.arg(0).eq(part.arg(1)))])

"""Products made opaque: `times`, a function of which nothing is known.

Forgetting what a product is only adds models, so what is contradictory stays so; and it leaves
linear arithmetic with uninterpreted functions, which solvers decide. What a proof needs to know of
a product comes in as an instance of a lemma.
"""

from __future__ import annotations

from typing import Final

import z3

from smt_proofs.solving.solve import Term

TIMES: Final = z3.Function("times", z3.IntSort(), z3.IntSort(), z3.IntSort())

# Each term is rewritten once. Both terms stay alive: z3 reuses the ids of freed terms.
_rewritten: dict[int, tuple[Term, Term]] = {}
_names: dict[int, tuple[Term, str]] = {}


def opaque(term: Term) -> Term:
    """The term with every product of two unknown integers opaque."""
    key = term.get_id()
    if key not in _rewritten:
        _rewritten[key] = (term, _new(term))
    return _rewritten[key][1]


def _new(term: Term) -> Term:
    children = term.children()
    if not children:
        return term
    if z3.is_mul(term):
        return _product(children)
    parts = [opaque(child) for child in children]
    if all(part.eq(child) for part, child in zip(parts, children, strict=True)):
        return term
    # The operators of z3 that take any number of arguments are not declared for that number.
    if z3.is_and(term):
        return z3.And(*parts)
    if z3.is_or(term):
        return z3.Or(*parts)
    if z3.is_add(term):
        return z3.Sum(parts)
    return term.decl()(*parts)


def _product(factors: list[Term]) -> Term:
    whole, *others = factors
    first = opaque(whole)
    for other in others:
        first = _times(first, opaque(other))
    return first


def _times(a: Term, b: Term) -> Term:
    """a * b: sums are multiplied out, so that equal products look alike."""
    for one, other in ((a, b), (b, a)):
        if z3.is_int_value(one):
            return other if one.as_long() == 1 else one * other
        if z3.is_add(one):
            return z3.Sum([_times(part, other) for part in one.children()])
        if z3.is_sub(one):
            first, *rest = (_times(part, other) for part in one.children())
            for part in rest:
                first = first - part
            return first
        if z3.is_mul(one):
            # What is left of a product is a literal times an unknown.
            literal, unknown = one.children()
            return literal * _times(unknown, other)
    # Inputs go before the unknowns that a rule's evaluation named: equal unknowns then stand in
    # the same place, and their products are equal to a solver that knows nothing of products.
    low, high = sorted((a, b), key=_order)
    return TIMES(low, high)


def _order(term: Term) -> tuple[bool, str]:
    key = term.get_id()
    if key not in _names:
        _names[key] = (term, term.sexpr())
    name = _names[key][1]
    return "!" in name, name

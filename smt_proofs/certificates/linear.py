"""Linear integer arithmetic as the proof checker needs it: normal forms of relations, and sums of
them that contradict. Products of unknowns are unknowns of their own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm, prod
from typing import Final, TypeAlias

from smt_proofs.certificates.sexpr import Term

Monomial: TypeAlias = tuple[int, ...]
Polynomial: TypeAlias = dict[Monomial, Fraction]
Form: TypeAlias = tuple[str, tuple[tuple[Monomial, int], ...], int]
"""A relation (">=" or "=") of a sum of monomials and a constant to 0."""

_CONSTANT: Final[Monomial] = ()
NONE: Final = Fraction(0)
ONE: Final = Fraction(1)


class Arithmetic:
    """Polynomials of terms, each computed once; a monomial is the sorted ids of its unknowns."""

    def __init__(self) -> None:
        self._polynomials: dict[Term, Polynomial] = {}

    def polynomial(self, term: Term) -> Polynomial:
        """The term as a polynomial in what is no sum, difference or product."""
        found = self._polynomials.get(term)
        if found is None:
            found = self._polynomials[term] = self._new(term)
        return found

    def _new(self, term: Term) -> Polynomial:
        if term.value is not None:
            return {_CONSTANT: term.value}
        if term.operator not in {"+", "-", "*"} or not term.arguments:
            return {(id(term),): ONE}
        first, *others = (self.polynomial(part) for part in term.arguments)
        if term.operator == "*":
            for other in others:
                first = _times(first, other)
            return first
        sign = 1 if term.operator == "+" else -1
        if not others and sign < 0:
            return _plus({}, first, -1)
        for other in others:
            first = _plus(first, other, sign)
        return first

    def difference(self, left: Term, right: Term) -> Polynomial:
        """left - right"""
        return _plus(self.polynomial(left), self.polynomial(right), -1)

    def form(self, relation: Term) -> tuple[Form, bool] | bool:
        """A relation of two integers in normal form, and whether it is that or its negation; a
        truth value where it does not depend on any unknown."""
        left, right = relation.arguments
        operator = relation.operator
        if operator in {"=", "distinct"}:
            return _signed(_equation(_whole(self.difference(left, right))), operator == "=")
        if operator in {"<", "<="}:
            left, right = right, left
        # left >= right, or left > right, which integers make left - 1 >= right.
        over = _whole(self.difference(left, right))
        if operator in {"<", ">"}:
            over = _plus(over, {_CONSTANT: ONE}, -1)
        return _inequality(over)


def _plus(a: Polynomial, b: Polynomial, factor: int) -> Polynomial:
    total = dict(a)
    for monomial, count in b.items():
        total[monomial] = total.get(monomial, NONE) + factor * count
    return total


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    total: Polynomial = {}
    for (left, many), (right, more) in itertools.product(a.items(), b.items()):
        product = tuple(sorted(left + right))
        total[product] = total.get(product, NONE) + many * more
    return total


def _denominator(p: Polynomial) -> int:
    return lcm(*(count.denominator for count in p.values()))


def _whole(p: Polynomial) -> Polynomial:
    """The polynomial times what makes its coefficients whole."""
    scale = _denominator(p)
    return p if scale == 1 else {monomial: scale * count for monomial, count in p.items()}


def _split(p: Polynomial) -> tuple[list[tuple[Monomial, int]], int]:
    """The coefficients of a polynomial that are not 0, and its constant, all of them whole."""
    terms = sorted((m, int(n)) for m, n in p.items() if n and m != _CONSTANT)
    return terms, int(p.get(_CONSTANT, NONE))


def _equation(p: Polynomial) -> Form | bool:
    terms, constant = _split(p)
    if not terms:
        return constant == 0
    common = gcd(*(n for _, n in terms))
    if constant % common:
        return False
    if terms[0][1] < 0:
        common = -common
    return "=", tuple((m, n // common) for m, n in terms), constant // common


def _inequality(p: Polynomial) -> tuple[Form, bool] | bool:
    terms, constant = _split(p)
    if not terms:
        return constant >= 0
    common = gcd(*(n for _, n in terms))
    scaled = [(m, n // common) for m, n in terms]
    bound = constant // common
    if scaled[0][1] > 0:
        return (">=", tuple(scaled), bound), True
    # sum + bound >= 0 is the negation of -sum - bound - 1 >= 0.
    return (">=", tuple((m, -n) for m, n in scaled), -bound - 1), False


def _signed(form: Form | bool, positive: bool) -> tuple[Form, bool] | bool:
    if isinstance(form, bool):
        return form == positive
    return form, positive


def at_least(form: Form, positive: bool) -> Form:
    """An inequality, or its negation, as one."""
    if positive:
        return form
    return ">=", tuple((m, -n) for m, n in form[1]), -form[2] - 1


def contradict(arithmetic: Arithmetic, known: Sequence[Term], factors: Sequence[Fraction]) -> bool:
    """Do these relations, each times its factor, add up to a contradiction?

    A `not` before a relation negates it. Inequalities take the size of their factor, equations the
    factor itself. A sum of integers above 0 is 1 or more.
    """
    total: Polynomial = {}
    constant = NONE
    for said, factor in zip(known, factors, strict=True):
        term, positive = said, True
        while term.operator == "not":
            term, positive = term.arguments[0], not positive
        if len(term.arguments) != 2 or (term.logical and term.arguments[0].logical):
            return False
        left, right = term.arguments
        operator = term.operator if positive else _OPPOSITE.get(term.operator, "")
        if operator == "=":
            scale, over = factor, arithmetic.difference(left, right)
        elif operator in {">", ">="}:
            scale, over = abs(factor), arithmetic.difference(left, right)
        elif operator in {"<", "<="}:
            scale, over = abs(factor), arithmetic.difference(right, left)
        else:
            return False
        if operator in {"<", ">"}:
            constant -= scale / _denominator(over)
        for monomial, count in over.items():
            if monomial == _CONSTANT:
                constant += scale * count
            else:
                total[monomial] = total.get(monomial, NONE) + scale * count
    return not any(total.values()) and constant < 0


def multiplied(arithmetic: Arithmetic, known: Sequence[Term], claim: Term) -> bool:
    """Does the claim follow from the signs of factors, or by multiplying a relation by one?

    The signs are known relations to 0. Either the claim gives the sign of the factors' product; or
    the first known relation gives the sign of a factor, and the claim is the second one times it.
    """
    if any(len(term.arguments) != 2 for term in (*known, claim)) or not known:
        return False
    signs = [_sign(term) for term in known]
    if 0 not in signs and _sign(claim):
        product: Polynomial = {_CONSTANT: ONE}
        for term in known:
            product = _times(product, arithmetic.polynomial(term.arguments[0]))
        if _same(product, arithmetic.polynomial(claim.arguments[0])):
            return prod(signs) == _sign(claim)
    if len(known) != 2 or not signs[0] or known[1].operator not in {*_OPPOSITE, "="}:
        return False
    factor = arithmetic.polynomial(known[0].arguments[0])
    operator = known[1].operator if signs[0] > 0 else _TURNED.get(known[1].operator, "=")
    times = _times(factor, arithmetic.difference(*known[1].arguments))
    return claim.operator == operator and _same(times, arithmetic.difference(*claim.arguments))


def _sign(relation: Term) -> int:
    """1 or -1 for what is above or below 0, and 0 for any other relation."""
    if relation.arguments[1].value != 0:
        return 0
    return {">": 1, "<": -1}.get(relation.operator, 0)


def _same(a: Polynomial, b: Polynomial) -> bool:
    return not any(_plus(a, b, -1).values())


_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}

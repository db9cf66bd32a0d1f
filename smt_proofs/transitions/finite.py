"""Rules and claims over devices of a few blocks, whose state and outcome are a solver's to choose.

Sets are as many truth values as there are indices to speak of, so that every claim is one formula
without a quantifier, which a solver decides. What it finds counts once it was executed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import z3

from model.extents import Extents
from smt_proofs.solving.solve import Term

INDICES: Final = 5
"""Indices that a set may hold: more than the blocks of the largest device looked at."""
Bits: TypeAlias = tuple[Term, ...]
"""Of a set: whether each index is a member."""


class FiniteTerms:
    """Words as integers that do not wrap, sets as truth values. Nothing here branches."""

    lit = staticmethod(z3.IntVal)
    truth = staticmethod(z3.BoolVal)
    both = staticmethod(z3.And)
    either = staticmethod(z3.Or)
    negate = staticmethod(z3.Not)
    select = staticmethod(z3.If)

    @staticmethod
    def add(a: Term, b: Term) -> Term:
        return a + b

    wrapping_add = add

    @staticmethod
    def sub(a: Term, b: Term) -> Term:
        return a - b

    @staticmethod
    def mul(a: Term, b: Term) -> Term:
        return a * b

    @staticmethod
    def div(a: Term, b: Term) -> Term:
        return a / b

    @staticmethod
    def mod(a: Term, b: Term) -> Term:
        return a % b

    @staticmethod
    def eq(a: Term, b: Term) -> Term:
        return a == b

    same_truth = eq

    @staticmethod
    def lt(a: Term, b: Term) -> Term:
        return a < b

    @staticmethod
    def le(a: Term, b: Term) -> Term:
        return a <= b

    @staticmethod
    def no_blocks() -> Bits:
        return (z3.BoolVal(False),) * INDICES

    no_slots = no_blocks

    @staticmethod
    def every_index(end: Term, holds: Callable[[Term], Term]) -> Term:
        return z3.And(*(z3.Implies(i < end, holds(z3.IntVal(i))) for i in range(INDICES)))

    @staticmethod
    def every_member(items: Bits, holds: Callable[[Term], Term]) -> Term:
        return z3.And(*(z3.Implies(bit, holds(z3.IntVal(i))) for i, bit in enumerate(items)))

    @staticmethod
    def filled(items: Bits, start: Term, end: Term) -> Bits:
        return tuple(z3.Or(bit, _within(i, start, end)) for i, bit in enumerate(items))

    @staticmethod
    def cleared(items: Bits, start: Term, end: Term) -> Bits:
        return tuple(z3.And(bit, z3.Not(_within(i, start, end))) for i, bit in enumerate(items))

    @staticmethod
    def chosen(items: Bits, start: Term, end: Term, keep: Callable[[Term], Term]) -> Bits:
        return tuple(
            z3.If(_within(i, start, end), keep(z3.IntVal(i)), bit) for i, bit in enumerate(items)
        )

    @staticmethod
    def all_in(items: Bits, start: Term, end: Term) -> Term:
        inside = (z3.Implies(_within(i, start, end), bit) for i, bit in enumerate(items))
        return z3.And(z3.Or(end <= start, end <= INDICES), *inside)

    @staticmethod
    def none_in(items: Bits, start: Term, end: Term) -> Term:
        return z3.And(*(z3.Not(z3.And(bit, _within(i, start, end))) for i, bit in enumerate(items)))

    @staticmethod
    def groups_within(items: Bits, group: Term, outer: Bits) -> Term:
        return FiniteTerms.every_member(items, lambda i: FiniteTerms.member(outer, i / group))

    @staticmethod
    def all_below(items: Bits, end: Term) -> Term:
        return FiniteTerms.every_member(items, lambda i: i < end)

    @staticmethod
    def member(items: Bits, index: Term) -> Term:
        return z3.Or(*(z3.And(index == i, bit) for i, bit in enumerate(items)))

    @staticmethod
    def same_members(a: Bits, b: Bits) -> Term:
        return z3.And(*(x == y for x, y in zip(a, b, strict=True)))

    @staticmethod
    def count(items: Bits) -> Term:
        return z3.Sum([z3.If(bit, 1, 0) for bit in items])


def _within(index: int, start: Term, end: Term) -> Term:
    return z3.And(start <= index, index < end)


def any_bits(name: str) -> Bits:
    """Any set."""
    return tuple(z3.Bool(f"{name}.{index}") for index in range(INDICES))


def valued(value: Any, model: z3.ModelRef) -> Any:
    """A word, truth value or set as the model has it."""
    if isinstance(value, tuple):
        members = [i for i, bit in enumerate(value) if valued(bit, model)]
        return Extents.of_ranges([(i, i + 1) for i in members])
    found = model.eval(value, model_completion=True)
    return z3.is_true(found) if z3.is_bool(found) else found.as_long()

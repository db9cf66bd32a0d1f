"""The domain in which source and model are compared: 64-bit vectors and sets, nothing assumed.

Sums and comparisons are exact to the bit. A quotient, a remainder and a product of two unknowns may
be anything that equal operands give equally (and a quotient what is said in `div`), and so may all
that is computed in doubles, and whether a range of a set is full or empty: what is proven here
holds all the more of C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import z3

from smt_proofs.solving.solve import SEED, Term
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.terms import WORD_BITS, BitTerms

_WORD: Final = z3.BitVecSort(WORD_BITS)
_SET: Final = z3.DeclareSort("IndexSet")
PRODUCT: Final = z3.Function("product", _WORD, _WORD, _WORD)
MEMBER: Final = z3.Function("member", _SET, _WORD, z3.BoolSort())
_FILLED: Final = z3.Function("filled", _SET, _WORD, _WORD, _SET)
_CLEARED: Final = z3.Function("cleared", _SET, _WORD, _WORD, _SET)
NONE_IN: Final = z3.Function("none_in", _SET, _WORD, _WORD, z3.BoolSort())
ALL_IN: Final = z3.Function("all_in", _SET, _WORD, _WORD, z3.BoolSort())
EMPTY: Final = z3.Const("empty", _SET)
_DOUBLE: Final = z3.DeclareSort("Double")
_OF_WORD: Final = z3.Function("double", _WORD, _DOUBLE)
_TIMES: Final = z3.Function("double_product", _DOUBLE, _DOUBLE, _DOUBLE)
_WHOLE: Final = z3.Function("whole_quotient", _DOUBLE, _DOUBLE, z3.BitVecSort(32))
_FITS: Final = z3.Function("quotient_fits", _DOUBLE, _DOUBLE, z3.BoolSort())
SLOT_BITS: Final = 32
"""C counts memslots in `unsigned int`."""
PRUNING: Final = 1_500
"""Resource units to show a branch impossible: what takes more is cheaper to follow."""


@dataclass(frozen=True, slots=True, eq=False)
class Indices:
    """An index set: its membership test, and a name where it is made of ranges alone."""

    bits: int
    holds: Callable[[Term], Term]
    term: Term | None


class SourceTerms(BitTerms):
    """64-bit words, and sets of 64-bit block indices and 32-bit memslot indices."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self._of_quotients: dict[int, tuple[Term, Term]] = {}
        self._alike: dict[tuple[Indices, Indices], Term] = {}
        self._arbitrary = {bits: self.word(f"some{bits}", bits) for bits in (SLOT_BITS, WORD_BITS)}

    def _forced(self, condition: Term) -> bool | None:
        solver = z3.SimpleSolver()
        solver.set("random_seed", SEED)
        solver.set("rlimit", PRUNING)
        solver.add(*self.facts, *self.given, *self.path)
        for outcome, taken in ((True, condition), (False, z3.Not(condition))):
            solver.push()
            solver.add(taken)
            if solver.check() == z3.unsat:
                return not outcome
            solver.pop()
        return None

    def mul(self, a: Term, b: Term) -> Term:
        x, y = z3.simplify(a), z3.simplify(b)
        if z3.is_bv_value(x) or z3.is_bv_value(y):
            return a * b
        self._kept += [x, y]
        # One order for both, so that a * b is b * a.
        return PRODUCT(x, y) if x.get_id() <= y.get_id() else PRODUCT(y, x)

    def div(self, a: Term, b: Term) -> Term:
        dividend, divisor = z3.simplify(a), z3.simplify(b)
        quotient = super().div(dividend, divisor)
        if quotient.get_id() not in self._of_quotients:
            at_least_one = z3.Implies(z3.ULE(divisor, dividend), z3.UGE(quotient, 1))
            meaning = z3.And(z3.ULE(quotient, dividend), at_least_one)
            self.facts.append(z3.Implies(divisor != 0, meaning))
            for other, by in self._of_quotients.values():
                # What a quotient times its divisor is divided by that is the quotient again.
                again = z3.And(divisor == by, divisor != 0, dividend == self.mul(other, by))
                self.facts.append(z3.Implies(again, quotient == other))
            self._of_quotients[quotient.get_id()] = (quotient, divisor)
        return quotient

    def double(self, n: Term) -> Term:
        return _OF_WORD(z3.simplify(n))

    def double_product(self, a: Term, b: Term) -> Term:
        # a * b of doubles is b * a.
        self.facts.append(_TIMES(a, b) == _TIMES(b, a))
        return _TIMES(a, b)

    def double_quotient(self, a: Term, b: Term) -> Term:
        """As a rule has it, whose own proof shows that it fits an unsigned int."""
        self.facts.append(_FITS(a, b))
        return self.whole(a, b)

    def fits(self, a: Term, b: Term) -> Term:
        """The quotient of two doubles fits an unsigned int, and its divisor is not zero."""
        return _FITS(a, b)

    def whole(self, a: Term, b: Term) -> Term:
        """The quotient of two doubles that fits, its fraction dropped."""
        return z3.ZeroExt(WORD_BITS - 32, _WHOLE(a, b))

    def masked(self, a: Term, b: Term) -> Term:
        """a & b; for b = m - 1 and b = -m with a power of two m this is a remainder and a product
        of a quotient."""
        for m, below in ((z3.simplify(b + 1), True), (z3.simplify(-b), False)):
            with self.without_duties():
                other = self.mod(a, m) if below else self.mul(self.div(a, m), m)
            power = z3.And(m != 0, m & (m - 1) == 0)
            self.facts.append(z3.Implies(power, (a & b) == other))
        return a & b

    def named(self, name: str, bits: int) -> Indices:
        """A free set of indices of `bits` bits."""
        return self._of(z3.Const(name, _SET), bits)

    def _of(self, term: Term, bits: int) -> Indices:
        return Indices(bits, lambda index: MEMBER(term, index), term)

    def no_blocks(self) -> Indices:
        return Indices(WORD_BITS, lambda index: z3.BoolVal(False), EMPTY)

    def no_slots(self) -> Indices:
        return Indices(SLOT_BITS, lambda index: z3.BoolVal(False), EMPTY)

    def _ranged(self, items: Indices, function: Any, start: Term, end: Term) -> Term | None:
        return None if items.term is None else function(items.term, start, end)

    def filled(self, items: Indices, start: Term, end: Term) -> Indices:
        term = self._ranged(items, _FILLED, start, end)
        within = _within(start, end)
        return Indices(items.bits, lambda i: z3.Or(items.holds(i), within(i)), term)

    def cleared(self, items: Indices, start: Term, end: Term) -> Indices:
        term = self._ranged(items, _CLEARED, start, end)
        within = _within(start, end)
        return Indices(items.bits, lambda i: z3.And(items.holds(i), z3.Not(within(i))), term)

    def updated(
        self, items: Indices, within: Callable[[Term], Term], holds: Callable[[Term], Term]
    ) -> Indices:
        """`items` with membership decided by `holds` within; both may branch."""

        def member(index: Term) -> Term:
            return holds(index) if self.test(within(index)) else items.holds(index)

        return Indices(items.bits, member, None)

    def dropped(
        self, items: Indices, start: Term, end: Term, drop: Callable[[Term], Term]
    ) -> Indices:
        return self.updated(
            items, _within(start, end), lambda i: z3.And(items.holds(i), z3.Not(drop(i)))
        )

    def chosen(
        self, items: Indices, start: Term, end: Term, keep: Callable[[Term], Term]
    ) -> Indices:
        return self.updated(items, _within(start, end), keep)

    def _asked(self, items: Indices, function: Any, start: Term, end: Term) -> Term:
        if items.term is None:
            raise TypeError("a range of a set that a loop made")
        return function(items.term, start, end)

    def none_in(self, items: Indices, start: Term, end: Term) -> Term:
        none = self._asked(items, NONE_IN, start, end)
        self.facts.append(z3.Implies(items.term == EMPTY, none))
        return none

    def all_in(self, items: Indices, start: Term, end: Term) -> Term:
        return self._asked(items, ALL_IN, start, end)

    def member(self, items: Indices, index: Term) -> Term:
        return items.holds(index)

    def all_below(self, items: Indices, end: Term) -> Term:
        """As a hypothesis: no member is left once all below `end` are taken away."""
        index = self._arbitrary[items.bits]
        below = z3.Implies(items.holds(index), z3.ULT(index, end))
        return z3.And(below, self._ranged(items, _CLEARED, self.lit(0), end) == EMPTY)

    def same_members(self, a: Indices, b: Indices) -> Term:
        """As a goal: alike at an arbitrary index."""
        if (a, b) not in self._alike:
            index = self._arbitrary[a.bits]
            self._alike[a, b] = a.holds(index) == b.holds(index)
        return self._alike[a, b]

    def every_index(self, end: Term, holds: Callable[[Term], Term]) -> Term:
        """As a goal: for an arbitrary memslot index."""
        index = self._arbitrary[SLOT_BITS]
        return holds(index) if self.test(self.lt(index, end)) else z3.BoolVal(True)


def _within(start: Term, end: Term) -> Callable[[Term], Term]:
    return lambda index: z3.And(z3.ULE(start, index), z3.ULT(index, end))

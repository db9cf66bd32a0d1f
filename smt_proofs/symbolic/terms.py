"""Symbolic word domains: the rules of `model` evaluated on solver terms.

Two readings of a 64-bit word are offered. `IntTerms` uses unbounded integers, which solvers reason
about well, and records a duty for every operation that could wrap or divide by zero; a theorem in
this domain holds for C exactly if its duties are proven too. `BitTerms` uses 64-bit vectors, where
wrapping is exact and only division by zero is a duty.

A branch (`test`, and the choice in `select`) forks the evaluation: see `smt_proofs.symbolic.paths`.
"""

from __future__ import annotations

import z3

from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.doubles import PRODUCT, UINT, rounded, rounded_quotient
from smt_proofs.symbolic.evaluation import Terms
from smt_proofs.symbolic.paths import Script

WORD_BITS = 64
WORD_LIMIT = 1 << WORD_BITS


def _word(value: int) -> int:
    if not 0 <= value < WORD_LIMIT:
        raise ValueError(f"{value} is no 64-bit word")
    return value


class IntTerms(Terms):
    """Words as unbounded integers.

    `multiplied` holds the factors of all products, `quotients` each division as dividend, divisor,
    quotient and rest; `roundings` what `doubles.rounded` and `doubles.rounded_quotient` relate.
    """

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.multiplied: list[tuple[Term, Term]] = []
        self.roundings: list[tuple[Term, ...]] = []
        self._narrowed: dict[tuple[int, int], tuple[Term, Term]] = {}

    @property
    def quotients(self) -> list[tuple[Term, Term, Term, Term]]:
        return list(self._divisions.values())

    def word(self, name: str, bits: int = WORD_BITS) -> Term:
        x = z3.Int(name)
        self.facts.append(z3.And(x >= 0, x < (1 << bits)))
        return x

    def lit(self, value: int) -> Term:
        return z3.IntVal(_word(value))

    def add(self, a: Term, b: Term) -> Term:
        self.require("sum stays below 2^64", a + b < WORD_LIMIT)
        return a + b

    def wrapping_add(self, a: Term, b: Term) -> Term:
        return self.select(a + b < WORD_LIMIT, a + b, a + b - WORD_LIMIT)

    def sub(self, a: Term, b: Term) -> Term:
        self.require("difference is not negative", a >= b)
        return a - b

    def mul(self, a: Term, b: Term) -> Term:
        self.require("product stays below 2^64", a * b < WORD_LIMIT)
        self.multiplied.append((a, b))
        return a * b

    def divided(self, a: Term, b: Term) -> tuple[Term, Term]:
        """Quotient and remainder of a / b, the same variables for the same operands."""
        key = (a.get_id(), b.get_id())
        if key not in self._divisions:
            q, r = z3.Int(self.fresh("quotient")), z3.Int(self.fresh("remainder"))
            # Nothing is claimed for a zero divisor: the definition never contradicts itself.
            defined = z3.And(a == q * b + r, r >= 0, r < b, q >= 0)
            self.facts.append(z3.Implies(z3.And(b > 0, a >= 0), defined))
            # The operands stay alive with their ids as key.
            self._divisions[key] = (a, b, q, r)
        return self._divisions[key][2:]

    def div(self, a: Term, b: Term) -> Term:
        self.require("divisor is not zero", b > 0)
        return self.divided(a, b)[0]

    def mod(self, a: Term, b: Term) -> Term:
        self.require("divisor is not zero", b > 0)
        return self.divided(a, b)[1]

    def narrow(self, a: Term, bits: int) -> Term:
        """Exact: no duty, since C defines the store to keep the low bits. The same variable for
        the same store."""
        key = (a.get_id(), bits)
        if key not in self._narrowed:
            low, high = z3.Int(self.fresh("low")), z3.Int(self.fresh("high"))
            # Nothing is claimed of the parts of a negative integer: no word is one.
            parts = z3.And(a == (high * (1 << bits)) + low, high >= 0)
            self.facts += [z3.And(low >= 0, low < (1 << bits)), z3.Implies(a >= 0, parts)]
            # What is stored stays alive with its id as key.
            self._narrowed[key] = (a, low)
        return self._narrowed[key][1]

    def double(self, n: Term) -> Term:
        return self._round(n, WORD_BITS)

    def double_product(self, a: Term, b: Term) -> Term:
        self.require("first factor stays below 2^32", a < 1 << UINT)
        self.require("second factor stays below 2^65", b < 2 * WORD_LIMIT)
        return self._round(a * b, PRODUCT)

    def double_quotient(self, a: Term, b: Term) -> Term:
        self.require("divisor is not zero", b > 0)
        self.require("quotient fits an unsigned int", a < b * (1 << UINT))
        result, steps, half = self._parts("whole")
        # Nothing is claimed for a zero divisor: the definition never contradicts itself.
        defined = z3.And(a >= 0, b > 0, a < b * (1 << UINT))
        self.facts.append(z3.Implies(defined, rounded_quotient(a, b, result, steps, half)))
        self.roundings.append((a, b, result, steps, half))
        return result

    def _round(self, n: Term, bits: int) -> Term:
        result, steps, half = self._parts("double")
        covered = z3.And(n >= 0, n < 1 << bits)
        self.facts.append(z3.Implies(covered, rounded(n, bits, result, steps, half)))
        self.roundings.append((n, result, steps, half))
        return result

    def _parts(self, stem: str) -> tuple[Term, Term, Term]:
        return z3.Int(self.fresh(stem)), z3.Int(self.fresh("steps")), z3.Int(self.fresh("half"))

    def lt(self, a: Term, b: Term) -> Term:
        return a < b

    def le(self, a: Term, b: Term) -> Term:
        return a <= b


_VECTOR = z3.BitVecSort(WORD_BITS)
QUOTIENT = z3.Function("quotient", _VECTOR, _VECTOR, _VECTOR)
REMAINDER = z3.Function("remainder", _VECTOR, _VECTOR, _VECTOR)


class BitTerms(Terms):
    """Words as 64-bit vectors: sums, products and narrowing exact to the bit.

    Quotients and remainders are left open (any function), so what is proven here holds whatever
    division yields, and no model from here says anything about C.
    """

    def word(self, name: str, bits: int = WORD_BITS) -> Term:
        if bits == WORD_BITS:
            return z3.BitVec(name, WORD_BITS)
        return z3.ZeroExt(WORD_BITS - bits, z3.BitVec(name, bits))

    def lit(self, value: int) -> Term:
        return z3.BitVecVal(_word(value), WORD_BITS)

    def add(self, a: Term, b: Term) -> Term:
        return a + b

    def wrapping_add(self, a: Term, b: Term) -> Term:
        return a + b

    def sub(self, a: Term, b: Term) -> Term:
        return a - b

    def mul(self, a: Term, b: Term) -> Term:
        return a * b

    def div(self, a: Term, b: Term) -> Term:
        self.require("divisor is not zero", b != 0)
        return QUOTIENT(a, b)

    def mod(self, a: Term, b: Term) -> Term:
        self.require("divisor is not zero", b != 0)
        return REMAINDER(a, b)

    def narrow(self, a: Term, bits: int) -> Term:
        return z3.ZeroExt(WORD_BITS - bits, z3.Extract(bits - 1, 0, a))

    def lt(self, a: Term, b: Term) -> Term:
        return z3.ULT(a, b)

    def le(self, a: Term, b: Term) -> Term:
        return z3.ULE(a, b)

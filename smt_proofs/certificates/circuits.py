"""Circuits of AND and XOR gates as clauses: equal gates are one, constants are worked in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

TRUE: Final = 1
"""The literal that holds; its negation is the one that does not."""
Bits: TypeAlias = tuple[int, ...]
"""A word as literals, the lowest bit first."""


class Circuit:
    """Gates over literals as DIMACS has them: a variable's number, or minus that.

    `clauses` hold exactly if every gate's variable is what the gate makes of its inputs.
    """

    def __init__(self) -> None:
        self.variables = 1
        self.clauses: list[tuple[int, ...]] = [(TRUE,)]
        self._gates: dict[tuple[str, int, int], int] = {}

    def fresh(self) -> int:
        """A variable that nothing is said of."""
        self.variables += 1
        return self.variables

    def both(self, a: int, b: int) -> int:
        """a AND b"""
        if a == -b or -TRUE in (a, b):
            return -TRUE
        if a in (b, TRUE):
            return b
        if b == TRUE:
            return a
        a, b = sorted((a, b))
        gate = self._gates.get(("and", a, b))
        if gate is None:
            gate = self._gates["and", a, b] = self.fresh()
            self.clauses += [(-gate, a), (-gate, b), (gate, -a, -b)]
        return gate

    def either(self, a: int, b: int) -> int:
        """a OR b"""
        return -self.both(-a, -b)

    def differ(self, a: int, b: int) -> int:
        """a XOR b"""
        if abs(a) == abs(b):
            return TRUE if a == -b else -TRUE
        # A gate has no negated input: that negates its output instead.
        negated = (a < 0) != (b < 0)
        a, b = sorted((abs(a), abs(b)))
        if a == TRUE:
            return -b if not negated else b
        gate = self._gates.get(("xor", a, b))
        if gate is None:
            gate = self._gates["xor", a, b] = self.fresh()
            self.clauses += [(-gate, a, b), (-gate, -a, -b), (gate, -a, b), (gate, a, -b)]
        return -gate if negated else gate

    def choice(self, condition: int, then: int, otherwise: int) -> int:
        """`then` where the condition holds, else `otherwise`."""
        return self.either(self.both(condition, then), self.both(-condition, otherwise))

    def all_of(self, literals: Iterable[int]) -> int:
        """The conjunction."""
        whole = TRUE
        for literal in literals:
            whole = self.both(whole, literal)
        return whole

    def same(self, a: Bits, b: Bits) -> int:
        """The words are equal."""
        return self.all_of(-self.differ(x, y) for x, y in zip(a, b, strict=True))

    def total(self, a: Bits, b: Bits, carry: int = -TRUE) -> Bits:
        """a + b + carry, without what goes beyond the word."""
        sums = []
        for x, y in zip(a, b, strict=True):
            half = self.differ(x, y)
            sums.append(self.differ(half, carry))
            carry = self.either(self.both(x, y), self.both(half, carry))
        return tuple(sums)

    def difference(self, a: Bits, b: Bits) -> Bits:
        """a - b, modulo the word."""
        return self.total(a, tuple(-bit for bit in b), TRUE)

    def product(self, a: Bits, b: Bits) -> Bits:
        """a * b, without what goes beyond the word."""
        whole: Bits = (-TRUE,) * len(a)
        for place, bit in enumerate(b):
            shifted = (-TRUE,) * place + a[: len(a) - place]
            whole = self.total(whole, tuple(self.both(x, bit) for x in shifted))
        return whole

    def below(self, a: Bits, b: Bits) -> int:
        """a < b, both taken as naturals."""
        less = -TRUE
        for x, y in zip(a, b, strict=True):
            less = self.choice(self.differ(x, y), y, less)
        return less

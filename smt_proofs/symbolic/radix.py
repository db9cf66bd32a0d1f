"""Words in units of the block size: the domain in which transitions are proven.

A quantity in bytes is kept as whole blocks and a rest below one block, `blocks * block + rest`; a
number of blocks or memslots is kept as it is. The block size itself stays symbolic, and yet sums,
differences and comparisons of bytes are linear in the parts. That each operation means what it
means on 64-bit words is a lemma of its own (`smt_proofs.lemmas.radix`), proven for all integers.

Assumed of every input: the block size divides 2^64, so 2^64 bytes are `2 * half` blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import z3

from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.guard import Undecided
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.terms import IntTerms

ZERO: Final = z3.IntVal(0)


@dataclass(frozen=True, slots=True, eq=False)
class Bytes(Undecided):
    """blocks * block + rest bytes, 0 <= rest < block."""

    blocks: Term
    rest: Term = ZERO


@dataclass(frozen=True, slots=True, eq=False)
class Count(Undecided):
    """A number of blocks or memslots, or an index of one."""

    term: Term


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Undecided):
    """A number of the rule's text, bytes or count by what it meets."""

    value: int


Word: TypeAlias = Bytes | Count | Literal


def is_zero(term: Term) -> bool:
    """The term is the literal 0."""
    return bool(z3.is_int_value(term) and term.as_long() == 0)


def _choice(condition: Term, then: Term, otherwise: Term) -> Term:
    return then if then.eq(otherwise) else z3.If(condition, then, otherwise)


class RadixTerms(IntTerms):
    """Words as numbers of blocks with a rest, or as plain counts.

    A rule is evaluated path by path. A claim, and the body of a loop, is evaluated as one term
    instead (`choosing`): its choices become if-then-else. `trail` holds the outcomes of the rule's
    own branches on this path.
    """

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self._choosing = False
        self.trail: list[bool] = []
        self.block_term = z3.Int("block")
        self.half = z3.Int("half")
        # 2 * half * block = 2^64, so half is at most 2^62 for a block of at least 2 bytes.
        size = [self.block_term >= 2, self.half >= 1, self.half <= 1 << 62]
        self.fact("the block size is a power of two", *size)

    @property
    def block(self) -> Bytes:
        """One block."""
        return Bytes(z3.IntVal(1))

    def bytes(self, name: str, *, whole: bool) -> Bytes:
        """A free word of bytes, of whole blocks only if `whole`."""
        blocks = z3.Int(name)
        self.fact(f"{name} is a 64-bit word", blocks >= 0, blocks < 2 * self.half)
        if whole:
            return Bytes(blocks)
        rest = z3.Int(f"{name}.rest")
        self.fact(f"{name} is a 64-bit word", rest >= 0, rest < self.block_term)
        return Bytes(blocks, rest)

    def number(self, name: str, bits: int) -> Count:
        """A free count of `bits` bits."""
        term = z3.Int(name)
        self.fact(f"{name} has {bits} bits", term >= 0, term < (1 << bits))
        return Count(term)

    @contextmanager
    def choosing(self, *guards: Term) -> Iterator[None]:
        """Evaluate without branching, where `guards` hold: operations owe their duties there."""
        before, self._choosing = self._choosing, True
        self._guards.extend(guards)
        yield
        del self._guards[len(self._guards) - len(guards) :]
        self._choosing = before

    def test(self, condition: Term) -> bool:
        settled = z3.simplify(condition)
        if self._choosing and not (z3.is_true(settled) or z3.is_false(settled)):
            raise TypeError("a claim and the body of a loop choose (select), they do not branch")
        outcome = super().test(condition)
        if not self._choosing:
            self.trail.append(outcome)
        return outcome

    def lit(self, value: int) -> Word:
        return Literal(value)

    def _bytes(self, word: Word) -> Bytes:
        if isinstance(word, Literal):
            # Only 0 and 1 byte are below every block size there is.
            if word.value not in (0, 1):
                raise TypeError(f"{word.value} bytes have no place among blocks")
            return Bytes(ZERO, z3.IntVal(word.value))
        if isinstance(word, Count):
            raise TypeError("a count met a number of bytes")
        return word

    def _count(self, word: Word) -> Term:
        if isinstance(word, Bytes):
            raise TypeError("a number of bytes met a count")
        return word.term if isinstance(word, Count) else z3.IntVal(word.value)

    @staticmethod
    def _in_bytes(a: Word, b: Word) -> bool:
        """Bytes, a literal going along; else both are counts."""
        return isinstance(a, Bytes) or isinstance(b, Bytes)

    def _fits(self, blocks: Term) -> None:
        self.require("bytes stay below 2^64", blocks < 2 * self.half)

    def select(self, condition: Term, then: Word, otherwise: Word) -> Word:
        if not self._choosing:
            return then if self.test(condition) else otherwise
        return self._either_word(condition, then, otherwise)

    def _carry(self, condition: Term, then: Bytes, otherwise: Bytes) -> Bytes:
        """A choice that words in blocks need and the rule does not make."""
        if not self._choosing:
            return then if super().test(condition) else otherwise
        return self._bytes(self._either_word(condition, then, otherwise))

    def _either_word(self, condition: Term, then: Word, otherwise: Word) -> Word:
        if self._in_bytes(then, otherwise):
            x, y = self._bytes(then), self._bytes(otherwise)
            return Bytes(_choice(condition, x.blocks, y.blocks), _choice(condition, x.rest, y.rest))
        return Count(_choice(condition, self._count(then), self._count(otherwise)))

    def add(self, a: Word, b: Word) -> Word:
        if not self._in_bytes(a, b):
            return Count(super().add(self._count(a), self._count(b)))
        total = self._sum(self._bytes(a), self._bytes(b))
        self._fits(total.blocks)
        return total

    def _sum(self, x: Bytes, y: Bytes) -> Bytes:
        if is_zero(x.rest) or is_zero(y.rest):
            return Bytes(x.blocks + y.blocks, y.rest if is_zero(x.rest) else x.rest)
        rest = x.rest + y.rest
        carried = Bytes(x.blocks + y.blocks + 1, rest - self.block_term)
        plain = Bytes(x.blocks + y.blocks, rest)
        return self._carry(rest >= self.block_term, carried, plain)

    def wrapping_add(self, a: Word, b: Word) -> Word:
        total = self._sum(self._bytes(a), self._bytes(b))
        wrapped = Bytes(total.blocks - 2 * self.half, total.rest)
        return self._carry(total.blocks < 2 * self.half, total, wrapped)

    def sub(self, a: Word, b: Word) -> Word:
        if not self._in_bytes(a, b):
            return Count(super().sub(self._count(a), self._count(b)))
        x, y = self._bytes(a), self._bytes(b)
        self.require("difference is not negative", self.le(y, x))
        if is_zero(y.rest):
            return Bytes(x.blocks - y.blocks, x.rest)
        borrowed = Bytes(x.blocks - y.blocks - 1, x.rest + self.block_term - y.rest)
        plain = Bytes(x.blocks - y.blocks, x.rest - y.rest)
        return self._carry(x.rest < y.rest, borrowed, plain)

    def mul(self, a: Word, b: Word) -> Word:
        if not self._in_bytes(a, b):
            return Count(super().mul(self._count(a), self._count(b)))
        factor, size = (a, b) if isinstance(b, Bytes) else (b, a)
        size = self._bytes(size)
        if not is_zero(size.rest):
            raise TypeError("only whole blocks are multiplied")
        blocks = z3.simplify(self._count(factor) * size.blocks)
        self._fits(blocks)
        return Bytes(blocks)

    def div(self, a: Word, b: Word) -> Word:
        if not self._in_bytes(a, b):
            return Count(super().div(self._count(a), self._count(b)))
        dividend, divisor = self._bytes(a), self._bytes(b)
        if not is_zero(divisor.rest):
            raise TypeError("division by whole blocks only")
        # The rest never carries into the quotient of whole blocks.
        return Count(super().div(dividend.blocks, divisor.blocks))

    def mod(self, a: Word, b: Word) -> Word:
        dividend, divisor = self._bytes(a), self._bytes(b)
        if not is_zero(divisor.rest):
            raise TypeError("division by whole blocks only")
        return Bytes(super().mod(dividend.blocks, divisor.blocks), dividend.rest)

    def divided(self, a: Term, b: Term) -> tuple[Term, Term]:
        if z3.is_int_value(b) and b.as_long() == 1:
            return a, ZERO
        return super().divided(a, b)

    def narrow(self, a: Word, bits: int) -> Word:
        return Count(super().narrow(self._count(a), bits))

    def eq(self, a: Word, b: Word) -> Term:
        if not self._in_bytes(a, b):
            return self._count(a) == self._count(b)
        x, y = self._bytes(a), self._bytes(b)
        return z3.And(x.blocks == y.blocks, x.rest == y.rest)

    def lt(self, a: Word, b: Word) -> Term:
        if not self._in_bytes(a, b):
            return self._count(a) < self._count(b)
        x, y = self._bytes(a), self._bytes(b)
        if is_zero(x.rest) and is_zero(y.rest):
            return x.blocks < y.blocks
        return z3.Or(x.blocks < y.blocks, z3.And(x.blocks == y.blocks, x.rest < y.rest))

    def le(self, a: Word, b: Word) -> Term:
        return z3.Not(self.lt(b, a))

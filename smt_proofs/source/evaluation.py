"""Values of C expressions over a domain, each operation exact in its C type.

Words are 64 bits with the sign extended.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from smt_proofs.source.c_types import BOOL, DOUBLE, I32, POINTER, U64
from smt_proofs.source.ir import Function
from smt_proofs.source.typed import (
    Arithmetic,
    Call,
    Choose,
    Compare,
    Const,
    Convert,
    Expr,
    Field,
    Local,
    Logic,
    Masked,
    Member,
    Not,
    Offset,
    Place,
    SlotAt,
    UnsupportedError,
)

WORD: Final = 1 << 64
Lookup = Callable[[str], Function | None]


class UndefinedError(Exception):
    """A run on machine integers did what must not happen."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"{what} (line {line})")


@dataclass(frozen=True, slots=True, eq=False)
class Pointer:
    """A pointer to a place of the device; `there` where it is not null.

    `index` is that of a memslot, `offset` counts bytes from the place.
    """

    path: str
    there: Any
    index: Any = None
    offset: Any = None


class Evaluator(ABC):
    """Variables, fields and pointers, and what expressions make of them."""

    def __init__(self, d: Any, functions: Lookup, fields: dict[str, Any]) -> None:
        self.d = d
        self.functions = functions
        self.fields = dict(fields)
        self.locals: dict[str, Any] = {}
        self.pointers: dict[str, Pointer] = {}
        # The fields of messages, by the place where they lie.
        self.memory: dict[tuple[str, str], Any] = {}

    @abstractmethod
    def must(self, what: str, condition: Any, line: int) -> None:
        """A condition on which the meaning of the program rests."""

    @abstractmethod
    def masked(self, a: Any, b: Any) -> Any:
        """a & b."""

    @abstractmethod
    def quotient(self, a: Any, b: Any, line: int) -> Any:
        """(unsigned int)(a / b) of doubles."""

    @abstractmethod
    def primitive(self, call: Call, arguments: list[Any]) -> Any:
        """Carry out a primitive."""

    @abstractmethod
    def call(self, function: Function, arguments: list[Any]) -> Any:
        """Carry out a function; `arguments` without the device."""

    # Expressions.

    def evaluate(self, expr: Expr) -> Any:
        """The value: a truth value for bool, a pointer, or a word."""
        return self.truth(expr) if expr.kind == BOOL else self.value(expr)

    def truth(self, expr: Expr) -> Any:
        """The truth value of an expression."""
        d = self.d
        match expr:
            case Not():
                return d.negate(self.truth(expr.operand))
            case Logic():
                first = d.test(self.truth(expr.left))
                if first is (expr.op == "||"):
                    return d.truth(first)
                return self.truth(expr.right)
            case Compare():
                return self.compared(expr)
            case Convert(kind=kind) if kind == BOOL:
                return self.truth(expr.operand)
            case Const():
                return d.truth(expr.value != 0)
            case Local() | Field() | Call() if expr.kind == BOOL:
                return self.read(expr)
        value = self.value(expr)
        if isinstance(value, Pointer):
            return value.there
        return d.negate(d.eq(value, d.lit(0)))

    def read(self, expr: Local | Field | Call) -> Any:
        """What is stored, or a call's result."""
        match expr:
            case Local():
                if expr.name not in self.locals:
                    raise UnsupportedError(f"{expr.name} is read before it is set", expr.line)
                return self.locals[expr.name]
            case Field():
                if expr.name not in self.fields:
                    raise UnsupportedError(f"field {expr.name}", expr.line)
                return self.fields[expr.name]
            case Call():
                result = self.evaluate_call(expr)
                if result is None:
                    raise UnsupportedError(f"the result of {expr.name}, which has none", expr.line)
                return result

    def value(self, expr: Expr) -> Any:
        """The word, or the pointer, that an expression yields."""
        d = self.d
        match expr:
            case Const():
                return d.lit(expr.value % WORD)
            case Local() | Field() | Call():
                found = self.read(expr)
                return self.number(found) if expr.kind == BOOL else found
            case Place():
                return self.place(expr)
            case SlotAt():
                self.must("vmem->memslots is set", self.pointer("memslots").there, expr.line)
                return Pointer("memslots[]", d.truth(True), index=self.value(expr.index))
            case Offset():
                base, by = self.value(expr.base), self.value(expr.by)
                if base.index is not None:
                    raise UnsupportedError(f"arithmetic on {base.path}", expr.line)
                at = by if base.offset is None else d.wrapping_add(base.offset, by)
                return Pointer(base.path, base.there, offset=at)
            case Member():
                place = self.member(expr)
                if place not in self.memory:
                    raise UnsupportedError(f"{expr.name} is read before it is set", expr.line)
                return self.memory[place]
            case Masked():
                return self.masked(self.value(expr.left), self.value(expr.right))
            case Arithmetic():
                return self.computed(expr)
            case Choose():
                taken = d.test(self.truth(expr.condition))
                return self.evaluate(expr.then if taken else expr.otherwise)
            case Convert() if expr.kind != BOOL:
                return self.converted(expr)
        return self.number(self.truth(expr))

    def member(self, expr: Member) -> tuple[str, str]:
        """Where the field of a message lies."""
        base = self.value(expr.base)
        self.must("a message is there", base.there, expr.line)
        return base.path, expr.name

    def number(self, truth: Any) -> Any:
        """1 or 0."""
        return self.d.lit(1) if self.d.test(truth) else self.d.lit(0)

    def pointer(self, path: str) -> Pointer:
        """What a place of the device holds."""
        if path == "null":
            return Pointer(path, self.d.truth(False))
        return self.pointers.get(path, Pointer(path, self.d.truth(True)))

    def place(self, expr: Place) -> Pointer:
        """A place, whose way leads through no null pointer."""
        for path in expr.through:
            self.must(f"vmem->{path} is not null", self.pointer(path).there, expr.line)
        return self.pointer(expr.path)

    def same_place(self, a: Pointer, b: Pointer, line: int) -> Any:
        """Two pointers are the same: to one place, or one of them is compared with null."""
        for one, other in ((a, b), (b, a)):
            if one.path == "null":
                return self.d.negate(other.there)
        parts = (a.index, a.offset, b.index, b.offset)
        alike = a.path == b.path and a.path not in ("text", "array")
        if not alike or any(part is not None for part in parts):
            raise UnsupportedError(f"comparison of pointers to {a.path} and {b.path}", line)
        return self.d.truth(True)

    def compared(self, expr: Compare) -> Any:
        """A comparison; signed numbers are compared once moved by half the range."""
        d = self.d
        a, b = self.value(expr.left), self.value(expr.right)
        if expr.op in ("==", "!="):
            same = self.same_place(a, b, expr.line) if expr.within == POINTER else d.eq(a, b)
            return same if expr.op == "==" else d.negate(same)
        if expr.within.signed:
            half = d.lit(WORD // 2)
            a, b = d.wrapping_add(a, half), d.wrapping_add(b, half)
        match expr.op:
            case "<":
                return d.lt(a, b)
            case "<=":
                return d.le(a, b)
            case ">":
                return d.lt(b, a)
        return d.le(b, a)

    def computed(self, expr: Arithmetic) -> Any:
        """An arithmetic operation in its type."""
        d, kind, line = self.d, expr.kind, expr.line
        a, b = self.value(expr.left), self.value(expr.right)
        if kind == DOUBLE:
            # Whose quotient is taken to an integer is computed there.
            if expr.op != "*":
                raise UnsupportedError("a quotient of doubles that is used as such", line)
            return d.double_product(a, b)
        if expr.op in "/%":
            self.must("the divisor is not zero", d.negate(d.eq(b, d.lit(0))), line)
            if kind.signed:
                for operand in (a, b):
                    small = d.lt(operand, d.lit(WORD // 2))
                    self.must("nothing negative is divided", small, line)
            return d.div(a, b) if expr.op == "/" else d.mod(a, b)
        operation = {"+": d.add, "-": d.sub, "*": d.mul}[expr.op]
        exact = operation(a, b)
        if not kind.signed:
            return exact if kind == U64 else d.narrow(exact, kind.bits)
        if kind != I32:
            raise UnsupportedError("signed arithmetic in 64 bits", line)
        moved = d.wrapping_add(exact, d.lit(1 << 31))
        self.must("int does not overflow", d.lt(moved, d.lit(1 << 32)), line)
        return exact

    def converted(self, expr: Convert) -> Any:
        """A conversion; gcc keeps the low bits of what does not fit a signed type."""
        d, to, given = self.d, expr.kind, expr.operand.kind
        if given == DOUBLE:
            last = expr.operand
            assert isinstance(last, Arithmetic)
            return self.quotient(self.value(last.left), self.value(last.right), expr.line)
        value = self.value(expr.operand)
        if to == DOUBLE:
            return d.double(value)
        if to == given == POINTER:
            return value
        if POINTER in (to, given):
            raise UnsupportedError("conversion of a pointer", expr.line)
        fits = given.bits < to.bits and (to.signed or not given.signed)
        if fits or to.bits == 64 or given == to:
            return value
        low = d.narrow(value, to.bits)
        if not to.signed:
            return low
        half = d.lit(1 << (to.bits - 1))
        return low if d.test(d.lt(low, half)) else d.sub(low, d.lit(1 << to.bits))

    def evaluate_call(self, expr: Call) -> Any:
        """A call of a function of the source, or of a primitive."""
        function = self.follow(expr.name)
        arguments = [self.evaluate(a) for a in expr.arguments]
        if function is None:
            return self.primitive(expr, arguments)
        kept = [a for a, p in zip(arguments, function.parameters, strict=True) if p is not None]
        return self.call(function, kept)

    @abstractmethod
    def follow(self, name: str) -> Function | None:
        """The function to step into, None for a primitive."""

"""Scripts with bit-vectors as clauses, read without any solver.

Every operator becomes gates by its meaning in SMT-LIB, and each application of a function a word of
its own that equals that of any other application to equal arguments. The clauses can be satisfied
together exactly if the script's assertions can.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from smt_proofs.certificates.circuits import TRUE, Bits, Circuit
from smt_proofs.certificates.sexpr import Expression, expressions

Value: TypeAlias = "int | Bits"
"""A truth value as a literal, or a word as literals."""
Said: TypeAlias = "str | tuple[Any, ...]"
"""An expression, hashable."""

_WORDS: Final[dict[str, Callable[[Circuit, Bits, Bits], Value]]] = {
    "bvadd": Circuit.total,
    "bvsub": Circuit.difference,
    "bvmul": Circuit.product,
    "bvult": Circuit.below,
    "bvule": lambda c, a, b: -c.below(b, a),
    "bvugt": lambda c, a, b: c.below(b, a),
    "bvuge": lambda c, a, b: -c.below(a, b),
}
"""Operators of two words, both of the same width."""
_LITERAL: Final = re.compile(r"bv(\d+)")
_MEANT: Final = frozenset({"and", "or", "not", "=>", "xor", "=", "distinct", "ite", "let", *_WORDS})


class Unreadable(ValueError):
    """The script says what is not read here."""


@dataclass(frozen=True, slots=True)
class Clauses:
    """`count` variables, clauses over them as DIMACS has them, and the variables of each constant
    that the script declares, the lowest bit first."""

    count: int
    clauses: tuple[tuple[int, ...], ...]
    constants: dict[str, Bits]

    def dimacs(self) -> str:
        """The clauses as a DIMACS file."""
        told = (f"c {name} is {' '.join(map(str, bits))}" for name, bits in self.constants.items())
        lines = (f"{' '.join(map(str, clause))} 0" for clause in self.clauses)
        return "\n".join([*told, f"p cnf {self.count} {len(self.clauses)}", *lines, ""])


def clauses_of(script: str) -> Clauses:
    """The script's assertions as clauses. Raises Unreadable."""
    reader = _Reader()
    try:
        for command in expressions(script):
            reader.command(command)
    except (ValueError, IndexError, TypeError, RecursionError) as error:
        raise Unreadable(f"the script cannot be read: {error}") from None
    circuit = reader.circuit
    return Clauses(circuit.variables, tuple(circuit.clauses), reader.constants)


class _Reader:
    def __init__(self) -> None:
        self.circuit = Circuit()
        self.constants: dict[str, Bits] = {}
        self._asked = False
        self._known: dict[Said, Value] = {"true": TRUE, "false": -TRUE}
        self._functions: dict[str, tuple[tuple[int, ...], int]] = {}
        self._applied: dict[str, dict[tuple[Bits, ...], Bits]] = {}

    def command(self, command: Expression) -> None:
        match command:
            case ["declare-const", str(name), sort]:
                self._declare(name)
                width = _width(sort)
                bits = tuple(self.circuit.fresh() for _ in range(width or 1))
                self.constants[name] = bits
                self._known[name] = bits if width else bits[0]
            case ["declare-fun", str(name), [*domain], sort] if domain:
                self._declare(name)
                self._functions[name] = tuple(map(_width, domain)), _width(sort)
            case ["assert", said] if not self._asked:
                holds = self._read(_frozen(said), {})
                if not isinstance(holds, int):
                    raise ValueError("a word is asserted")
                self.circuit.clauses.append((holds,))
            case ["check-sat"]:
                self._asked = True
            case ["set-info" | "set-logic", *_]:
                pass
            case _:
                raise ValueError(f"a command that is not read: {str(command)[:60]}")

    def _declare(self, name: str) -> None:
        if name in _MEANT or name in self._known or name in self._functions:
            raise ValueError(f"{name} means something already")

    def _read(self, said: Said, bound: dict[str, Value]) -> Value:
        if isinstance(said, str):
            if said in bound:
                return bound[said]
            if said not in self._known:
                raise ValueError(f"{said} is not declared")
            return self._known[said]
        if not bound and said in self._known:
            return self._known[said]
        value = self._new(said, bound)
        if not bound:
            self._known[said] = value
        return value

    def _new(self, said: tuple[Any, ...], bound: dict[str, Value]) -> Value:
        match said:
            case ("_", str(literal), str(width)) if number := _LITERAL.fullmatch(literal):
                return _word(int(number[1]), int(width))
            case ("let", (*pairs,), body):
                named = {str(name): self._read(value, bound) for name, value in pairs}
                return self._read(body, bound | named)
            case (("_", "zero_extend", by), part):
                word = self._bits(part, bound)
                return word + (-TRUE,) * int(by)
            case (("_", "extract", high, low), part):
                word = self._bits(part, bound)
                if not 0 <= int(low) <= int(high) < len(word):
                    raise ValueError(f"bits {high} to {low} of {len(word)}")
                return word[int(low) : int(high) + 1]
            case (str(operator), *parts):
                return self._applied_to(operator, [self._read(part, bound) for part in parts])
            case _:
                raise ValueError(f"no term: {str(said)[:60]}")

    def _bits(self, said: Said, bound: dict[str, Value]) -> Bits:
        word = self._read(said, bound)
        if isinstance(word, int):
            raise ValueError("a truth value where a word should be")
        return word

    def _applied_to(self, operator: str, parts: list[Value]) -> Value:
        words = [part for part in parts if not isinstance(part, int)]
        truths = [part for part in parts if isinstance(part, int)]
        if operator in self._functions:
            return self._application(operator, words, len(parts))
        if operator in _WORDS and len(words) == 2 == len(parts):
            if len(words[0]) != len(words[1]):
                raise ValueError(f"{operator} of words of different width")
            return _WORDS[operator](self.circuit, *words)
        if operator in {"=", "distinct"} and len(parts) == 2:
            return self._equal(parts) * (1 if operator == "=" else -1)
        if operator == "ite" and len(parts) == 3 and isinstance(parts[0], int):
            return self._chosen(parts[0], parts[1], parts[2])
        if not words:
            return self._logical(operator, truths)
        raise ValueError(f"{operator} of {len(parts)} parts is not read")

    def _logical(self, operator: str, parts: list[int]) -> int:
        circuit = self.circuit
        match operator, parts:
            case "not", [one]:
                return -one
            case "and", [_, *_]:
                return circuit.all_of(parts)
            case "or", [_, *_]:
                return -circuit.all_of(-part for part in parts)
            case "=>", [first, then]:
                return -circuit.both(first, -then)
            case "xor", [one, other]:
                return circuit.differ(one, other)
        raise ValueError(f"{operator} of {len(parts)} truth values is not read")

    def _equal(self, parts: list[Value]) -> int:
        left, right = ((part,) if isinstance(part, int) else part for part in parts)
        if len({isinstance(part, int) for part in parts}) != 1 or len(left) != len(right):
            raise ValueError("things of different sorts are compared")
        return self.circuit.same(left, right)

    def _chosen(self, condition: int, then: Value, otherwise: Value) -> Value:
        if isinstance(then, int) and isinstance(otherwise, int):
            return self.circuit.choice(condition, then, otherwise)
        if isinstance(then, int) or isinstance(otherwise, int) or len(then) != len(otherwise):
            raise ValueError("things of different sorts to choose from")
        pairs = zip(then, otherwise, strict=True)
        return tuple(self.circuit.choice(condition, a, b) for a, b in pairs)

    def _application(self, name: str, words: list[Bits], count: int) -> Bits:
        domain, width = self._functions[name]
        if count != len(domain) or tuple(map(len, words)) != domain or not width:
            raise ValueError(f"{name} is applied to what it does not take")
        others = self._applied.setdefault(name, {})
        key = tuple(words)
        if key not in others:
            result = tuple(self.circuit.fresh() for _ in range(width))
            for arguments, known in others.items():
                circuit = self.circuit
                same = circuit.all_of(map(circuit.same, arguments, key))
                for a, b in zip(known, result, strict=True):
                    circuit.clauses += [(-same, -a, b), (-same, a, -b)]
            others[key] = result
        return others[key]


def _frozen(said: Expression) -> Said:
    return said if isinstance(said, str) else tuple(map(_frozen, said))


def _word(number: int, width: int) -> Bits:
    if width < 1 or number >> width:
        raise ValueError(f"{number} is no word of {width} bits")
    return tuple(TRUE if number >> place & 1 else -TRUE for place in range(width))


def _width(sort: Expression) -> int:
    """The bits of a word; 0 for a truth value."""
    match sort:
        case "Bool":
            return 0
        case ["_", "BitVec", str(width)] if int(width) > 0:
            return int(width)
    raise ValueError(f"a sort that is not read: {str(sort)[:60]}")

"""SMT-LIB and Alethe text as terms, read without any solver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Final, TypeAlias

Expression: TypeAlias = "str | list[Expression]"

_TOKEN: Final = re.compile(r';[^\n]*|"[^"]*"|\|[^|]*\||[()]|[^\s();|"]+')
_NUMBER: Final = re.compile(r"-?\d+(/\d+)?")
CONNECTIVES: Final = frozenset({"not", "and", "or", "=>", "xor"})
RELATIONS: Final = frozenset({"=", "<", "<=", ">", ">=", "distinct"})
OPERATORS: Final = CONNECTIVES | RELATIONS | {"ite", "+", "-", "*"}


def expressions(text: str) -> Iterator[Expression]:
    """The expressions of a text. Raises ValueError where parentheses do not match."""
    stack: list[list[Expression]] = [[]]
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")":
            if len(stack) < 2:
                raise ValueError("a parenthesis closes that was not opened")
            done = stack.pop()
            if len(stack) == 1:
                yield done
            else:
                stack[-1].append(done)
        elif token[0] != ";":
            if len(stack) == 1:
                yield token
            else:
                stack[-1].append(token)
    if len(stack) > 1:
        raise ValueError("the text ends within an expression")


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """An operator or symbol on arguments; equal terms are one object.

    `value` is that of a number written out; `logical` says that it is a truth value.
    """

    operator: str
    arguments: tuple[Term, ...]
    value: Fraction | None
    logical: bool


class Terms:
    """Makes terms, knowing the sorts that were declared and the names that were given."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Term] = {}
        self._logical: set[str] = {"true", "false"}
        self._known: set[str] = {"true", "false"}
        self._named: dict[str, Term] = {}
        self.true = self.make("true")
        self.false = self.make("false")

    def declare(self, name: str, sort: Expression) -> None:
        """A constant or function with the sort of its results. Raises ValueError for one that is
        neither an integer nor a truth value: all that is reckoned with here is whole."""
        if sort not in ("Int", "Bool"):
            raise ValueError(f"{name} has a sort that is not read")
        if name in OPERATORS or name in {"to_real", "to_int"} or name in self._known:
            raise ValueError(f"{name} means something already")
        self._known.add(name)
        if sort == "Bool":
            self._logical.add(name)

    def make(self, operator: str, *arguments: Term) -> Term:
        """The one term of an operator on arguments."""
        key = (operator, *map(id, arguments))
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._new(operator, arguments)
        return found

    def number(self, value: Fraction) -> Term:
        """A number."""
        return self.make(str(value))

    def negation(self, term: Term) -> Term:
        """(not term)"""
        return self.make("not", term)

    def _new(self, operator: str, arguments: tuple[Term, ...]) -> Term:
        if operator == "to_real" and len(arguments) == 1:
            return arguments[0]
        if operator == "to_int" and len(arguments) == 1 and arguments[0].value is not None:
            return self.number(Fraction(floor(arguments[0].value)))
        if operator == "-" and len(arguments) == 1 and arguments[0].value is not None:
            return self.number(-arguments[0].value)
        value = Fraction(operator) if not arguments and _NUMBER.fullmatch(operator) else None
        if value is None and operator not in self._known and operator not in OPERATORS:
            raise ValueError(f"{operator} is not declared")
        logical = operator in CONNECTIVES or operator in RELATIONS or operator in self._logical
        if operator == "ite":
            logical = arguments[1].logical
        return Term(operator, arguments, value, logical)

    def read(self, said: Expression, bound: dict[str, Term] | None = None) -> Term:
        """The term that an expression says. Raises ValueError for one that says none."""
        bound = bound or {}
        if isinstance(said, str):
            if said in bound:
                return bound[said]
            if said in self._named:
                return self._named[said]
            return self.make(said)
        if not said or not isinstance(said[0], str):
            raise ValueError(f"{said} is no term")
        operator, *rest = said
        if operator == "!":
            term = self.read(rest[0], bound)
            if len(rest) != 3 or rest[1] != ":named" or not isinstance(rest[2], str):
                raise ValueError("only names may be attached to a term")
            self._named[rest[2]] = term
            return term
        if operator == "let" and len(rest) == 2 and isinstance(rest[0], list):
            values = {str(pair[0]): self.read(pair[1], bound) for pair in rest[0]}
            return self.read(rest[1], bound | values)
        return self.make(str(operator), *(self.read(part, bound) for part in rest))

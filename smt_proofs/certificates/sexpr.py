"""SMT-LIB and Alethe text as terms, read without any solver."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Final, TypeAlias

Expression: TypeAlias = "str | list[Expression]"

_TOKEN: Final = re.compile(r';[^\n]*|"[^"]*"|\|[^|]*\||[()]|[^\s();|"]+')
_NUMBER: Final = re.compile(r"-?[0-9]+(/0*[1-9][0-9]*)?")
CONNECTIVES: Final = frozenset({"not", "and", "or", "=>", "xor"})
RELATIONS: Final = frozenset({"=", "<", "<=", ">", ">=", "distinct"})
ARITHMETIC: Final = frozenset({"+", "-", "*"})
OPERATORS: Final = CONNECTIVES | RELATIONS | ARITHMETIC | {"ite"}
_TAKEN: Final = OPERATORS | {"to_real", "to_int", "let", "!", "true", "false"}
"""Names with a meaning of their own."""


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

    `sort` is "Bool", "Int", or "Real" for what need not be whole; `value` is that of a number
    written out.
    """

    operator: str
    arguments: tuple[Term, ...]
    value: Fraction | None
    sort: str

    @property
    def logical(self) -> bool:
        """It is a truth value."""
        return self.sort == "Bool"


class Terms:
    """Makes terms, knowing the sorts that were declared and the names that were given."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Term] = {}
        self._declared: dict[str, tuple[list[str], str]] = {"true": ([], "Bool")}
        self._declared["false"] = self._declared["true"]
        self._named: dict[str, Term] = {}
        self.true = self.make("true")
        self.false = self.make("false")

    def declare(self, name: str, domain: Sequence[Expression], sort: Expression) -> None:
        """A constant or function with the sorts of its arguments and results. Raises ValueError for
        one that is neither an integer nor a truth value: no other unknown is reckoned with."""
        sorts = [one for one in (*domain, sort) if one in ("Int", "Bool")]
        if len(sorts) != len(domain) + 1:
            raise ValueError(f"{name} has a sort that is not read")
        self._refuse_known(name)
        if name in self._named:
            raise ValueError(f"{name} means something already")
        self._declared[name] = list(map(str, sorts[:-1])), str(sorts[-1])

    def _refuse_known(self, name: str) -> None:
        if name in _TAKEN or name in self._declared or _NUMBER.fullmatch(name):
            raise ValueError(f"{name} means something already")

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
        if operator == "to_real" and len(arguments) == 1 and not arguments[0].logical:
            return arguments[0]
        if operator == "to_int" and len(arguments) == 1 and arguments[0].value is not None:
            return self.number(Fraction(floor(arguments[0].value)))
        if operator == "-" and len(arguments) == 1 and arguments[0].value is not None:
            return self.number(-arguments[0].value)
        if not arguments and _NUMBER.fullmatch(operator):
            value = Fraction(operator)
            return Term(operator, (), value, "Int" if value.denominator == 1 else "Real")
        return Term(operator, arguments, None, self._sort(operator, [a.sort for a in arguments]))

    def _sort(self, operator: str, sorts: list[str]) -> str:
        """The sort of what an operator makes of these. Raises ValueError where it does not take
        them.

        `linear` rounds as if all that is no sum, difference or product were whole: so nothing else
        is made of what need not be.
        """
        logical = set(sorts) == {"Bool"}
        made = "Bool"
        match operator:
            case "not":
                good = sorts == ["Bool"]
            case "ite":
                good = len(sorts) == 3 and sorts[0] == "Bool" and sorts[1] == sorts[2] != "Real"
                made = sorts[-1] if good else made
            case "=" | "distinct":
                good = len(sorts) > 1 and (logical or "Bool" not in sorts)
            case _ if operator in CONNECTIVES:
                good = logical
            case _ if operator in RELATIONS:
                good = len(sorts) > 1 and "Bool" not in sorts
            case _ if operator in ARITHMETIC:
                good = bool(sorts) and "Bool" not in sorts
                made = "Int" if set(sorts) == {"Int"} else "Real"
            case _ if operator in self._declared:
                domain, made = self._declared[operator]
                good = sorts == domain
            case _:
                raise ValueError(f"{operator} is not declared")
        if not good:
            raise ValueError(f"{operator} does not take what it is applied to")
        return made

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
            self._refuse_known(rest[2])
            if self._named.setdefault(rest[2], term) is not term:
                raise ValueError(f"{rest[2]} names two terms")
            return term
        if operator == "let" and len(rest) == 2 and isinstance(rest[0], list):
            values = {}
            for pair in rest[0]:
                if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
                    raise ValueError("let gives names to terms")
                values[pair[0]] = self.read(pair[1], bound)
            return self.read(rest[1], bound | values)
        return self.make(str(operator), *(self.read(part, bound) for part in rest))

"""A domain that writes down instead of computing: rules come out as terms over named variables.

Constants are folded, so a rule of a realized device keeps only what depends on its state and on the
action. A branch on a term asks for the outcome: `shapes` runs a rule once for each, and what a path
has decided is known from there on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from model.machine_ints import INTS

STATE, ACTION, ACCEPTED = 1, 2, 4
"""What a term depends on, as bits: the state, the action, the feature the driver accepted."""


class Term:
    """An operation on terms and constants; one object for each within a `Terms`."""

    __slots__ = ("args", "needs", "op")

    def __init__(self, op: str, args: tuple[Any, ...], needs: int) -> None:
        self.op, self.args, self.needs = op, args, needs

    def __bool__(self) -> bool:
        raise TypeError("a term has no truth value: the rule has to ask its domain")


Word: TypeAlias = int | Term
Truth: TypeAlias = bool | Term


class Fork(Exception):
    """A branch on a condition that the path has not decided yet."""

    def __init__(self, condition: Term) -> None:
        super().__init__(condition)
        self.condition = condition


class Terms:
    """The words and truth values of the domain: `int` or `bool` where known, else `Term`."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Term] = {}
        self.known: dict[Term, bool] = {}

    def variable(self, name: str, needs: int) -> Term:
        """The variable of that name."""
        return self._made.setdefault(("var", name), Term("var", (name,), needs))

    def make(self, op: str, *args: Any) -> Term:
        """The term of an operation."""
        key = (op, *args)
        term = self._made.get(key)
        if term is None:
            needs = 0
            for one in args:
                if isinstance(one, Term):
                    needs |= one.needs
            term = self._made[key] = Term(op, args, needs)
        return term

    def _truth(self, op: str, *args: Any) -> Truth:
        term = self.make(op, *args)
        return self.known.get(term, term)

    def _word(self, op: str, rule: Callable[[int, int], int], a: Word, b: Word) -> Word:
        if isinstance(a, int) and isinstance(b, int):
            return rule(a, b)
        return self.make(op, a, b)

    def lit(self, value: int) -> Word:
        return value

    def add(self, a: Word, b: Word) -> Word:
        if a == 0 or b == 0:
            return b if a == 0 else a
        return self._word("add", INTS.add, a, b)

    def wrapping_add(self, a: Word, b: Word) -> Word:
        return self._word("wrapping_add", INTS.add, a, b)

    def sub(self, a: Word, b: Word) -> Word:
        return a if b == 0 else self._word("sub", INTS.sub, a, b)

    def mul(self, a: Word, b: Word) -> Word:
        if a == 1 or b == 1:
            return b if a == 1 else a
        return 0 if a == 0 or b == 0 else self._word("mul", INTS.mul, a, b)

    def div(self, a: Word, b: Word) -> Word:
        return a if b == 1 else self._word("div", INTS.div, a, b)

    def mod(self, a: Word, b: Word) -> Word:
        return 0 if b == 1 else self._word("mod", INTS.mod, a, b)

    def narrow(self, a: Word, bits: int) -> Word:
        return INTS.narrow(a, bits) if isinstance(a, int) else self.make("narrow", a, bits)

    def eq(self, a: Word, b: Word) -> Truth:
        if a is b:
            return True
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        return self._truth("eq", a, b)

    def lt(self, a: Word, b: Word) -> Truth:
        if a is b or b == 0:
            return False
        if isinstance(a, int) and isinstance(b, int):
            return a < b
        return self._truth("lt", a, b)

    def le(self, a: Word, b: Word) -> Truth:
        if a is b or a == 0:
            return True
        if isinstance(a, int) and isinstance(b, int):
            return a <= b
        return self._truth("le", a, b)

    def truth(self, value: bool) -> Truth:
        return value

    def both(self, a: Truth, b: Truth) -> Truth:
        if a is False or b is False:
            return False
        if a is True or a is b:
            return b
        return a if b is True else self._truth("both", a, b)

    def either(self, a: Truth, b: Truth) -> Truth:
        if a is True or b is True:
            return True
        if a is False or a is b:
            return b
        return a if b is False else self._truth("either", a, b)

    def negate(self, a: Truth) -> Truth:
        if isinstance(a, bool):
            return not a
        return a.args[0] if a.op == "negate" else self._truth("negate", a)

    def same_truth(self, a: Truth, b: Truth) -> Truth:
        if isinstance(a, bool):
            return b if a else self.negate(b)
        if isinstance(b, bool):
            return a if b else self.negate(a)
        return True if a is b else self._truth("same_truth", a, b)

    def test(self, condition: Truth) -> bool:
        """The outcome that the path has decided. Raises Fork where it has not."""
        if isinstance(condition, bool):
            return condition
        if condition.op == "negate":
            return not self.test(condition.args[0])
        if (outcome := self.known.get(condition)) is None:
            raise Fork(condition)
        return outcome

    def assume(self, condition: Truth, outcome: bool) -> None:
        """On this path the condition has that outcome, and so has what it is made of."""
        if isinstance(condition, bool):
            return
        self.known[condition] = outcome
        if condition.op == "negate":
            self.assume(condition.args[0], not outcome)
        elif condition.op == ("both" if outcome else "either"):
            for part in condition.args:
                self.assume(part, outcome)

    def select(self, condition: Truth, then: Word, otherwise: Word) -> Word:
        if isinstance(condition, bool):
            return then if condition else otherwise
        return then if then is otherwise else self.make("select", condition, then, otherwise)

    def every_index(self, end: Word, holds: Callable[[Word], Truth]) -> Truth:
        if isinstance(end, Term):
            raise TypeError("a device just realized knows how many memslots it has")
        return self.all_of(map(holds, range(end)))

    def all_of(self, claims: Any) -> Truth:
        """Every claim holds."""
        whole: Truth = True
        for claim in claims:
            whole = self.both(whole, claim)
        return whole

"""The two ways to run the source: on machine integers step by step, on terms for all inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import z3

from smt_proofs.source.c_types import U32, CType
from smt_proofs.source.calls import calls_of, changes_of
from smt_proofs.source.domain import SLOT_BITS
from smt_proofs.source.evaluation import UndefinedError
from smt_proofs.source.ir import Assign, For, Return
from smt_proofs.source.machine import Ends, Flow
from smt_proofs.source.messages import Messenger
from smt_proofs.source.typed import (
    Arithmetic,
    Compare,
    Const,
    Convert,
    Expr,
    Local,
    UnsupportedError,
)

MOST_ROUNDS: Final = 2000
"""Rounds of a loop on machine integers; the search asks for devices of few memslots."""


LARGEST_SLOT: Final = (1 << SLOT_BITS) - 1


@dataclass(frozen=True, slots=True)
class _Span:
    """The memslots of a loop's rounds, from `start` to `last`, which is one of them if `inclusive`.

    `ahead`: the counter is one more than the round's memslot.
    """

    start: Any
    last: Any
    inclusive: bool
    ahead: bool


class EndlessError(Exception):
    """A loop of more rounds than the search waits for."""


class TrialRun(Messenger):
    """On machine integers, loops round by round."""

    def must(self, what: str, condition: Any, line: int) -> None:
        if not condition:
            raise UndefinedError(f"not so: {what}", line)

    def masked(self, a: Any, b: Any) -> Any:
        return a & b

    def quotient(self, a: Any, b: Any, line: int) -> Any:
        fits = b != 0 and self.d.double_quotient(a, b) < 1 << U32.bits
        self.must("the quotient fits an unsigned int", fits, line)
        return self.d.double_quotient(a, b)

    def any_word(self, kind: CType) -> Any:
        return 3

    def any_flag(self) -> Any:
        return False

    def first(self, start: Any, end: Any, *, inside: bool) -> Any:
        for index in range(start, min(end, start + MOST_ROUNDS)):
            if (index in self.plugged) is inside:
                return index
        raise EndlessError

    def loop(self, loop: For) -> None:
        self._change(frozenset() if self.looping else changes_of(loop.body, self.follow))
        outer, self.looping = self.looping, True
        for _ in range(MOST_ROUNDS):
            goes_on = self.truth(loop.condition)
            if loop.first:
                self.assign(loop.step)
            if not goes_on:
                self.looping = outer
                return
            _stays(self.block(loop.body), loop)
            if not loop.first:
                self.assign(loop.step)
        raise EndlessError


class ProofRun(Messenger):
    """On terms: a loop whose body touches only the memslot of its own round is one change.

    Rounds do not see each other, as the run of one arbitrary round checks; that such a loop leaves
    what its rounds leave one by one is proven by induction in `smt_proofs.lemmas.summaries`.
    """

    only: Any = None
    fresh: Any = None

    def must(self, what: str, condition: Any, line: int) -> None:
        self.d.require(f"{what} (line {line})", condition)

    def masked(self, a: Any, b: Any) -> Any:
        return self.d.masked(a, b)

    def quotient(self, a: Any, b: Any, line: int) -> Any:
        self.must("the quotient fits an unsigned int", self.d.fits(a, b), line)
        return self.d.whole(a, b)

    def any_word(self, kind: CType) -> Any:
        return self.d.word(self.d.fresh("any"), kind.bits)

    def any_flag(self) -> Any:
        return self.d.flag(self.d.fresh("either"))

    def first(self, start: Any, end: Any, *, inside: bool) -> Any:
        d = self.d
        index = d.word(d.fresh("first"))
        # Only on this path is there one: what was owed before must not profit.
        found = z3.And(d.le(start, index), d.lt(index, end))
        d.facts.append(z3.Implies(z3.And(*d.path), found))
        return index

    def touch(self, index: Any, line: int) -> None:
        if self.only is not None and not z3.simplify(index).eq(z3.simplify(self.only)):
            raise UnsupportedError("a round that touches another memslot than its own", line)

    def loop(self, loop: For) -> None:
        if self.looping:
            raise UnsupportedError("a loop inside a loop", loop.line)
        counter, kind = loop.counter, self.kinds.get(loop.counter)
        if kind is None or kind.signed:
            raise UnsupportedError("a loop whose counter is not unsigned", loop.line)
        if counter not in self.locals:
            raise UnsupportedError(f"{counter} is read before it is set", loop.line)
        start = self.locals.pop(counter)
        span = self._span(loop, counter, kind, start)
        d, before = self.d, self.copy()
        rounds: dict[int, Any] = {}

        def within(index: Any) -> Any:
            ends = d.le(index, span.last) if span.inclusive else d.lt(index, span.last)
            return d.both(d.le(span.start, index), ends)

        def round_of(index: Any) -> Any:
            if index.get_id() not in rounds:
                # Where the step comes behind the body of a loop that counts down, the counter is
                # one more than the index of the round's memslot.
                count = d.add(index, d.lit(1)) if span.ahead else index
                rounds[index.get_id()] = (index, before.one_round(loop, counter, index, count))
            return rounds[index.get_id()][1]

        calls = calls_of(loop.body, self.follow)
        changes = changes_of(loop.body, self.follow)
        if changes:
            mapped = before.mapped
            self.mapped = d.updated(mapped, within, lambda i: round_of(i).mapped.holds(i))
        if "memory_region_init_alias" in calls:
            self.aliases = lambda i: (
                round_of(i).aliases(i) if d.test(within(i)) else before.aliases(i)
            )
        if calls & {"memory_region_init_alias", "memory_region_set_unmergeable"}:
            self.unmergeable = lambda i: (
                round_of(i).unmergeable(i) if d.test(within(i)) else before.unmergeable(i)
            )
        self._change(changes)

    def _span(self, loop: For, counter: str, kind: CType, start: Any) -> _Span:
        """The memslots of the rounds of `counter < bound` or `<=`, or of one that counts down.

        A loop that counts down goes from `start`, which its rounds leave out, down to the bound.
        """
        d, condition = self.d, loop.condition
        step = _step(loop.step, counter)
        if not isinstance(condition, Compare) or not step:
            raise UnsupportedError("a loop that does not count by one", loop.line)
        up = step == 1
        fits = condition.op in (("<", "<=", "!=") if up else (">", "!="))
        if not fits or _bare(condition.left) != counter or (up and loop.first):
            raise UnsupportedError("a loop whose counter has no bound on its way", loop.line)
        bound = Return(loop.line, condition.right)
        if condition.within.signed or calls_of((bound,), self.follow):
            raise UnsupportedError("a loop bound that is signed or calls a function", loop.line)
        last = self.value(condition.right)
        inclusive = condition.op == "<="
        largest = d.lit(min(kind.largest, LARGEST_SLOT))
        highest = last if up else start
        fit = d.lt(highest, largest) if inclusive else d.le(highest, largest)
        self.must("the loop ends", fit, loop.line)
        if condition.op == "!=":
            low, high = (start, last) if up else (last, start)
            self.must("the loop ends", d.le(low, high), loop.line)
        if up:
            return _Span(start, last, inclusive, ahead=False)
        return _Span(last, start, inclusive=False, ahead=not loop.first)

    def one_round(self, loop: For, counter: str, index: Any, count: Any) -> Any:
        """The machine after the round of the memslot `index`, which must have touched nothing else.

        `count` is what the counter is in it.
        """
        after = self.copy()
        after.locals[counter], after.only, after.looping = count, index, True
        outer = {name: value for name, value in after.locals.items() if name != counter}
        _stays(after.block(loop.body), loop)
        same = (
            _alike(after.fields, self.fields)
            and _alike(after.pointers, self.pointers)
            and _alike({name: after.locals.get(name) for name in outer}, outer)
            and after.plugged is self.plugged
            and after.events is self.events
            and after.sizes is self.sizes
            and (after.errors, after.freed) == (self.errors, self.freed)
            and after.memory == self.memory
            and after.asked is self.asked
            and after.answers is self.answers
            and (after.notified, after.refused) == (self.notified, self.refused)
            and (after.popped, after.broken) == (self.popped, self.broken)
            and (after.taken, after.released) == (self.taken, self.released)
            and after.locals[counter] is count
        )
        if not same or after.depth != self.depth:
            raise UnsupportedError("a round that changes more than its memslot", loop.line)
        return after


def _alike(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """The same keys with the same objects."""
    return left.keys() == right.keys() and all(left[key] is right[key] for key in left)


def _bare(expr: Expr) -> str:
    """The variable that an expression is, conversions aside."""
    while isinstance(expr, Convert):
        expr = expr.operand
    return expr.name if isinstance(expr, Local) else ""


def _step(step: Assign, counter: str) -> int:
    """1 or -1 where the step is counter + 1 or counter - 1, else 0."""
    value = step.value.operand if isinstance(step.value, Convert) else step.value
    if not isinstance(value, Arithmetic) or value.op not in "+-" or _bare(value.left) != counter:
        return 0
    one = value.right.operand if isinstance(value.right, Convert) else value.right
    if not isinstance(step.target, Local) or not isinstance(one, Const) or one.value != 1:
        return 0
    return 1 if value.op == "+" else -1


def _stays(flow: Ends, loop: For) -> None:
    """A round must not leave the loop. Raises UnsupportedError."""
    if flow not in (None, Flow.CONTINUE):
        raise UnsupportedError("a loop that is left in the middle", loop.line)

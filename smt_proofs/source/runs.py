"""The two ways to run the source: on machine integers step by step, on terms for all inputs."""

from __future__ import annotations

from typing import Any, Final

import z3

from smt_proofs.source.c_types import CType
from smt_proofs.source.calls import calls_of, changes_of
from smt_proofs.source.device import Device
from smt_proofs.source.domain import SLOT_BITS
from smt_proofs.source.evaluation import UndefinedError
from smt_proofs.source.ir import (
    Arithmetic,
    Assign,
    Compare,
    Const,
    Convert,
    Expr,
    For,
    Local,
    Return,
    UnsupportedError,
)
from smt_proofs.source.machine import Flow

MOST_ROUNDS: Final = 2000
"""Rounds of a loop on machine integers; the search asks for devices of few memslots."""


class EndlessError(Exception):
    """A loop of more rounds than the search waits for."""


class TrialRun(Device):
    """On machine integers, loops round by round."""

    def must(self, what: str, condition: Any, line: int) -> None:
        if not condition:
            raise UndefinedError(f"not so: {what}", line)

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
            if not self.truth(loop.condition):
                self.looping = outer
                return
            if self.block(loop.body) is Flow.RETURN:
                raise UnsupportedError("return inside a loop", loop.line)
            self.assign(loop.step)
        raise EndlessError


class ProofRun(Device):
    """On terms: a loop whose body touches only the memslot of its own round is one change.

    Rounds do not see each other, as the run of one arbitrary round checks; that such a loop leaves
    what its rounds leave one by one is proven by induction in `smt_proofs.lemmas.summaries`.
    """

    only: Any = None
    fresh: Any = None

    def must(self, what: str, condition: Any, line: int) -> None:
        self.d.require(f"{what} (line {line})", condition)

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
        if self.only is not None and not index.eq(self.only):
            raise UnsupportedError("a round that touches another memslot than its own", line)

    def loop(self, loop: For) -> None:
        if self.looping:
            raise UnsupportedError("a loop inside a loop", loop.line)
        counter, kind = loop.counter, self.kinds.get(loop.counter)
        if kind is None or kind.signed or kind.bits > SLOT_BITS:
            raise UnsupportedError("a loop that does not count in unsigned int", loop.line)
        start = self.locals.pop(counter)
        inclusive, last = self._last(loop, counter, kind)
        d, before = self.d, self.copy()
        rounds: dict[int, Any] = {}

        def within(index: Any) -> Any:
            ends = d.le(index, last) if inclusive else d.lt(index, last)
            return d.both(d.le(start, index), ends)

        def round_of(index: Any) -> Any:
            if index.get_id() not in rounds:
                rounds[index.get_id()] = (index, before.one_round(loop, counter, index))
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
        self._change(changes)

    def _last(self, loop: For, counter: str, kind: CType) -> tuple[bool, Any]:
        """Whether the bound is reached, and the bound, of `counter < bound` or `<=`."""
        d, condition = self.d, loop.condition
        steps = isinstance(loop.step.value, Arithmetic | Convert) and _adds_one(loop.step, counter)
        if not isinstance(condition, Compare) or not steps:
            raise UnsupportedError("a loop that does not count up by one", loop.line)
        if condition.op not in ("<", "<=") or _bare(condition.left) != counter:
            raise UnsupportedError("a loop without an upper bound on its counter", loop.line)
        bound = Return(loop.line, condition.right)
        if condition.within.signed or calls_of((bound,), self.follow):
            raise UnsupportedError("a loop bound that is signed or calls a function", loop.line)
        last = self.value(condition.right)
        inclusive = condition.op == "<="
        largest = d.lit(kind.largest)
        ends = d.lt(last, largest) if inclusive else d.le(last, largest)
        self.must("the loop ends", ends, loop.line)
        return inclusive, last

    def one_round(self, loop: For, counter: str, index: Any) -> Any:
        """The machine after the round `index`, which must have touched nothing else."""
        after = self.copy()
        after.locals[counter], after.only, after.looping = index, index, True
        outer = {name: value for name, value in after.locals.items() if name != counter}
        if after.block(loop.body) is Flow.RETURN:
            raise UnsupportedError("return inside a loop", loop.line)
        same = (
            _alike(after.fields, self.fields)
            and _alike(after.pointers, self.pointers)
            and _alike({name: after.locals.get(name) for name in outer}, outer)
            and after.plugged is self.plugged
            and after.events is self.events
            and after.discarded is self.discarded
            and after.locals[counter] is index
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


def _adds_one(step: Assign, counter: str) -> bool:
    """The step is counter + 1."""
    value = step.value.operand if isinstance(step.value, Convert) else step.value
    if not isinstance(value, Arithmetic) or value.op != "+" or _bare(value.left) != counter:
        return False
    one = value.right.operand if isinstance(value.right, Convert) else value.right
    return isinstance(step.target, Local) and isinstance(one, Const) and one.value == 1

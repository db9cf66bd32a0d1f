"""Runs the subset of C over a domain: on machine integers, or on solver terms for all inputs.

What C leaves undefined, an assertion, and what the primitives ask for are conditions that must
hold.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import Any

from smt_proofs.source.c_types import BOOL, VOID, CType
from smt_proofs.source.calls import parts_of
from smt_proofs.source.evaluation import WORD, Evaluator, Lookup
from smt_proofs.source.ir import (
    Assert,
    Assign,
    Break,
    Continue,
    Declare,
    Evaluate,
    For,
    Forever,
    Function,
    Gap,
    Goto,
    If,
    Label,
    Return,
    Stmt,
    Switch,
)
from smt_proofs.source.typed import Field, Local, Member, Place, UnsupportedError


class Flow(Enum):
    """How a statement ends, where it does not simply go on or jump."""

    BREAK = "break"
    CONTINUE = "continue"
    RETURN = "return"


class AgainError(Exception):
    """A round of an endless loop is over, and the next one begins."""


Ends = Flow | Goto | None
Gaps = Callable[["Machine"], None]


class Machine(Evaluator):
    """The state of the device and of the call that runs."""

    def __init__(self, d: Any, functions: Lookup, fields: dict[str, Any]) -> None:
        super().__init__(d, functions, fields)
        self.kinds: dict[str, CType] = {}
        self.result: Any = None
        self.gap: Gaps | None = None
        # How many calls are under way.
        self.calls = 0

    def copy(self) -> Any:
        """A machine in the same state that goes its own way."""
        other = copy.copy(self)
        for name in ("fields", "locals", "kinds", "pointers", "memory"):
            setattr(other, name, dict(getattr(self, name)))
        return other

    @abstractmethod
    def any_word(self, kind: CType) -> Any:
        """A number that may be any."""

    @abstractmethod
    def any_flag(self) -> Any:
        """A truth value that may be either."""

    @abstractmethod
    def loop(self, loop: For) -> None:
        """Carry out a loop; its start is done."""

    def call(self, function: Function, arguments: list[Any]) -> Any:
        """Carry out a function; `arguments` without the device."""
        before = self.locals, self.kinds, self.result
        named = [p for p in function.parameters if p is not None]
        self.locals = {name: value for (name, _), value in zip(named, arguments, strict=True)}
        self.kinds, self.result = dict(named), None
        self.calls += 1
        flow = self.block(function.body)
        self.calls -= 1
        if isinstance(flow, Goto):
            raise UnsupportedError("goto that goes back or into a block", flow.line)
        result = self.result
        if result is None and function.kind != VOID:
            raise UnsupportedError("a way to the end without a result", function.line)
        self.locals, self.kinds, self.result = before
        return result

    # Statements.

    def block(self, body: tuple[Stmt, ...]) -> Ends:
        """Carry out statements until one leaves; jumps go forward alone."""
        at = 0
        while at < len(body):
            flow = self.statement(body[at])
            at += 1
            if isinstance(flow, Goto):
                ahead = [i for i in range(at, len(body)) if _is_label(body[i], flow.label)]
                if not ahead:
                    return flow
                at = ahead[0]
            elif flow is not None:
                return flow
        return None

    def switch(self, statement: Switch) -> Ends:
        """Carry out the arm whose number the value is, or the default."""
        d, value = self.d, self.value(statement.value)
        chosen: tuple[Stmt, ...] = ()
        for numbers, body in sorted(statement.arms, key=lambda arm: arm[0] is None):
            if numbers is None or any(d.test(d.eq(value, d.lit(n % WORD))) for n in numbers):
                chosen = body
                break
        flow = self.block(chosen)
        return None if flow is Flow.BREAK else flow

    def forever(self, loop: Forever) -> Ends:
        """Carry out one round, which stands for any: of the rounds before nothing is known but what
        no round changes. Raises AgainError where the next one begins.

        What is ahead of such a loop reads and does nothing (see `Statements`).
        """
        if self.calls != 1:
            raise UnsupportedError("an endless loop in a function that is called", loop.line)
        parts = list(parts_of(loop.body))
        targets = [part.target for part in parts if isinstance(part, Assign)]
        stored = {target.name for target in targets if isinstance(target, Local)}
        lent = {part.path.removeprefix("&") for part in parts if isinstance(part, Place)}
        self.locals = {k: v for k, v in self.locals.items() if k not in stored | lent}
        flow = self.block(loop.body)
        if flow in (None, Flow.CONTINUE):
            raise AgainError
        return None if flow is Flow.BREAK else flow

    def statement(self, statement: Stmt) -> Ends:
        """Carry out one statement."""
        match statement:
            case Declare():
                self.declare(statement)
            case Assign():
                self.assign(statement)
            case If():
                taken = self.d.test(self.truth(statement.condition))
                return self.block(statement.then if taken else statement.otherwise)
            case For():
                if statement.start is not None:
                    self.statement(statement.start)
                self.loop(statement)
            case Forever():
                return self.forever(statement)
            case Switch():
                return self.switch(statement)
            case Goto():
                return statement
            case Break():
                return Flow.BREAK
            case Return(value=value):
                if value is not None:
                    self.result = self.truth(value) if value.kind == BOOL else self.value(value)
                return Flow.RETURN
            case Continue():
                return Flow.CONTINUE
            case Assert(condition=condition, line=line):
                self.must("the assertion holds", self.truth(condition), line)
            case Evaluate(value=value):
                self.evaluate_call(value)
            case Gap(line=line):
                if self.gap is None:
                    raise UnsupportedError("lines that the patch does not show", line)
                self.gap(self)
        return None

    def declare(self, statement: Declare) -> None:
        """A variable comes to be."""
        name = statement.name
        self.kinds[name] = statement.kind
        self.locals.pop(name, None)
        if statement.static:
            if statement.kind != BOOL:
                raise UnsupportedError(f"static variable {name}", statement.line)
            self.locals[name] = self.any_flag()
        elif statement.value is not None:
            self.locals[name] = self.evaluate(statement.value)

    def assign(self, statement: Assign) -> None:
        """A store, whose value has the target's type."""
        target, value = statement.target, self.evaluate(statement.value)
        match target:
            case Local():
                self.locals[target.name] = value
            case Field():
                self.fields[target.name] = value
            case Place():
                self.pointers[target.path] = value
            case Member():
                self.memory[self.member(target)] = value


def _is_label(statement: Stmt, name: str) -> bool:
    return isinstance(statement, Label) and statement.name == name

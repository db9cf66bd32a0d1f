"""Loops and switches, and the jumps out of them."""

from __future__ import annotations

from abc import abstractmethod

from tree_sitter import Node

from smt_proofs.source.c_types import promoted
from smt_proofs.source.declarations import Declarations
from smt_proofs.source.ir import (
    Assign,
    Break,
    Continue,
    Declare,
    Evaluate,
    For,
    Forever,
    Goto,
    If,
    Label,
    Return,
    Stmt,
    Switch,
)
from smt_proofs.source.operators import converted
from smt_proofs.source.syntax import text_of
from smt_proofs.source.typed import Const, Expr, Local


class Loops(Declarations):
    """The statements that branch and repeat."""

    @abstractmethod
    def _body(self, node: Node | None) -> tuple[Stmt, ...]:
        """The statements of a branch or loop."""

    @abstractmethod
    def _statement(self, node: Node) -> tuple[Stmt, ...]:
        """The statements that a syntax tree stands for."""

    @abstractmethod
    def _assign(self, node: Node) -> Assign:
        """An assignment or step."""

    def _if(self, node: Node) -> tuple[Stmt, ...]:
        condition = self._expr(self._child(node, "condition"))
        then = self._body(node.child_by_field_name("consequence"))
        otherwise = self._body(node.child_by_field_name("alternative"))
        return (If(self._line(node), condition, then, otherwise),)

    def _for(self, node: Node) -> tuple[Stmt, ...]:
        self._scopes.append({})
        first = node.child_by_field_name("initializer")
        condition = node.child_by_field_name("condition")
        update = node.child_by_field_name("update")
        if first is None and condition is None and update is None:
            self._scopes.pop()
            return (Forever(self._line(node), self._body(node.child_by_field_name("body"))),)
        counted = self._counted_down(condition) if condition is not None else None
        if first is None or condition is None or (update is None) is (counted is None):
            raise self._refuse("for loop without start, condition or step", node)
        if first.type == "declaration":
            starts = self._declaration(first)
            start = starts[0] if len(starts) == 1 else None
        else:
            start = self._assign(first) if first.type == "assignment_expression" else None
        if not isinstance(start, Declare | Assign):
            raise self._refuse("for loop that does not start with one assignment", node)
        if counted is not None:
            shown, step = counted
        elif update is None or update.type not in ("assignment_expression", "update_expression"):
            raise self._refuse(f"for loop with the step {text_of(update or node)[:40]}", node)
        else:
            shown, step = self._expr(condition), self._assign(update)
        body = self._body(node.child_by_field_name("body"))
        loop = For(self._line(node), start, shown, step, body, counted is not None)
        self._scopes.pop()
        return (loop,)

    def _counted_down(self, node: Node) -> tuple[Expr, Assign] | None:
        """The comparison and the step of `i-- > end`, None for another condition."""
        left = node.child_by_field_name("left")
        if node.type == "parenthesized_expression":
            return self._counted_down(node.named_children[0])
        plain = left is not None and left.type == "update_expression"
        if not plain or left is None or text_of(left.children[-1]) != "--":
            return None
        counter = self._expr(self._child(left, "argument"))
        right = self._expr(self._child(node, "right"))
        op = text_of(self._child(node, "operator"))
        return self._binary(op, counter, right, node), self._assign(left)

    def _while(self, node: Node) -> tuple[Stmt, ...]:
        """A loop that ends each round with its step, or begins it so in its condition."""
        if text_of(self._child(node, "condition")).strip("() ") in ("true", "1"):
            return (Forever(self._line(node), self._body(node.child_by_field_name("body"))),)
        counted = self._counted_down(self._child(node, "condition"))
        if counted is not None:
            shown, step = counted
            body = self._body(node.child_by_field_name("body"))
            return (For(self._line(node), None, shown, step, body, True),)
        condition = self._expr(self._child(node, "condition"))
        body = self._body(node.child_by_field_name("body"))
        last = body[-1] if body else None
        if not isinstance(last, Assign) or not isinstance(last.target, Local):
            raise self._refuse("while loop that does not end with a step of its counter", node)
        if any(_leaves(statement) for statement in body):
            raise self._refuse("continue, break or goto in a while loop", node)
        return (For(self._line(node), None, condition, last, body[:-1]),)

    def _labeled(self, node: Node) -> tuple[Stmt, ...]:
        label = Label(self._line(node), text_of(self._child(node, "label")))
        inner = [c for c in node.named_children[1:] if c.type != "comment"]
        return (label, *(s for child in inner for s in self._statement(child)))

    def _switch(self, node: Node) -> tuple[Stmt, ...]:
        value = self._expr(self._child(node, "condition"))
        arms: list[tuple[tuple[int, ...] | None, tuple[Stmt, ...]]] = []
        numbers: list[int] = []
        default = False
        for case in self._child(node, "body").named_children:
            if case.type == "comment":
                continue
            if case.type != "case_statement":
                raise self._refuse("switch with statements ahead of a case", case)
            given = case.child_by_field_name("value")
            if given is None:
                default = True
            else:
                number = converted(self._expr(given), promoted(value.kind))
                if not isinstance(number, Const):
                    raise self._refuse(f"case {text_of(given)}", case)
                numbers.append(number.value)
            inner = [c for c in case.named_children if c != given and c.type != "comment"]
            if not inner:
                continue
            self._scopes.append({})
            body = tuple(s for child in inner for s in self._statement(child))
            self._scopes.pop()
            if not isinstance(body[-1], Break | Return | Goto | Continue) and not _stops(body[-1]):
                raise self._refuse("case that goes on into the next one", case)
            arms.append((None if default else tuple(numbers), body))
            numbers, default = [], False
        if numbers or default:
            arms.append((None if default else tuple(numbers), ()))
        return (Switch(self._line(node), value, tuple(arms)),)


def _leaves(statement: Stmt) -> bool:
    """Whether a statement may leave the round of the loop that it is in."""
    match statement:
        case Continue() | Break() | Goto():
            return True
        case If(then=then, otherwise=otherwise):
            return any(_leaves(inner) for inner in (*then, *otherwise))
        case Switch(arms=arms):
            return any(_leaves(inner) for _, body in arms for inner in body)
    return False


def _stops(statement: Stmt) -> bool:
    """Whether the program ends with this statement."""
    return isinstance(statement, Evaluate) and statement.value.name == "g_assert_not_reached"

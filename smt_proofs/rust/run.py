"""Runs a subset of Rust over a domain: functions, blocks and control flow.

What is outside the subset is refused by line. Numbers have 64 bits and wrap, as usize and u64 do in
a release build.
"""

from __future__ import annotations

from typing import Any, Final

from tree_sitter import Node

from smt_proofs.rust.device import RustDevice
from smt_proofs.rust.expressions import Expressions
from smt_proofs.rust.patterns import matched
from smt_proofs.rust.scopes import Scope
from smt_proofs.rust.syntax import RustSource, line_of, part, parts, text_of
from smt_proofs.rust.values import UNIT, Closure, Variant
from smt_proofs.source.typed import UnsupportedError

DEEPEST: Final = 30
"""Calls inside each other."""
WORDS: Final = ("u64", "usize")


class _ReturnError(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class RustRun(Expressions):
    """One run of functions of the source on a device."""

    def __init__(self, source: RustSource, device: RustDevice) -> None:
        super().__init__(device)
        self.source = source
        self._depth = 0

    def follow(self, name: str, given: list[Any], line: int) -> Any:
        """Carry out a function of the device. Raises UnsupportedError."""
        found = self.source.functions.get(name, [])
        if not found:
            raise UnsupportedError(f"call of {name}", line)
        if len(found) != 1:
            raise UnsupportedError(f"{name}, which is defined under a condition", line)
        function = found[0]
        if len(given) != len(function.parameters) or self._depth > DEEPEST:
            raise UnsupportedError(f"call of {name}", line)
        if function.body.has_error:
            raise UnsupportedError("text that does not parse as Rust", function.line)
        scope = Scope()
        scope.declare(dict(zip(function.parameters, given, strict=True)))
        self._depth += 1
        try:
            return self.block(function.body, scope)
        except _ReturnError as done:
            return done.value
        finally:
            self._depth -= 1

    def block(self, node: Node, outer: Scope) -> Any:
        """The value of the last expression, where no semicolon ends it."""
        scope = Scope(outer)
        children = parts(node)
        value: Any = UNIT
        for child in children:
            value = self._statement(child, scope)
            if child.type == "let_declaration" or text_of(child).endswith(";"):
                value = UNIT
        return value

    def _statement(self, node: Node, scope: Scope) -> Any:
        if node.type != "let_declaration":
            inner = parts(node)[0] if node.type == "expression_statement" else node
            return self.value(inner, scope)
        if node.child_by_field_name("alternative") is not None:
            raise self.refuse("let with else", node)
        kind = node.child_by_field_name("type")
        if kind is not None and text_of(kind) not in WORDS:
            raise self.refuse(f"variable of type {text_of(kind)}", node)
        value = self.value(part(node, "value"), scope)
        found = matched(self.device, part(node, "pattern"), value)
        if found is None:
            raise self.refuse(f"pattern {text_of(part(node, 'pattern'))}", node)
        scope.declare(found)
        return UNIT

    def truth(self, node: Node, scope: Scope) -> bool:
        """Whether a condition holds on this path; `let` in it binds names."""
        if node.type == "let_chain":
            return all(self.truth(each, scope) for each in parts(node))
        if node.type == "let_condition":
            value = self.value(part(node, "value"), scope)
            found = matched(self.device, part(node, "pattern"), value)
            scope.declare(found or {})
            return found is not None
        return self.decided(node, scope)

    def branch(self, node: Node, scope: Scope) -> Any:
        """if, else if, else."""
        inner = Scope(scope)
        if self.truth(part(node, "condition"), inner):
            return self.block(part(node, "consequence"), inner)
        alternative = node.child_by_field_name("alternative")
        return UNIT if alternative is None else self.value(parts(alternative)[0], scope)

    def match(self, node: Node, scope: Scope) -> Any:
        """The first arm whose pattern and condition fit."""
        value = self.value(part(node, "value"), scope)
        for arm in parts(part(node, "body")):
            # An attribute of the arm is refused.
            pattern = parts(arm)[0]
            found = matched(self.device, pattern, value)
            if found is None:
                continue
            inner = Scope(scope)
            inner.declare(found)
            condition = pattern.child_by_field_name("condition")
            if condition is None or self.truth(condition, inner):
                return self.value(part(arm, "value"), inner)
        raise self.refuse("match without an arm for every value", node)

    def question(self, node: Node, scope: Scope) -> Any:
        """`value?` leaves the function with what is no success."""
        value = self.value(parts(node)[0], scope)
        if not isinstance(value, Variant) or value.path not in ("Ok", "Some", "Err", "None"):
            raise self.refuse(f"? of {text_of(parts(node)[0])}", node)
        if value.path in ("Err", "None"):
            raise _ReturnError(value)
        return value.values[0]

    def leave(self, node: Node, scope: Scope) -> Any:
        """return."""
        given = parts(node)
        raise _ReturnError(self.value(given[0], scope) if given else UNIT)

    def closure(self, node: Node, scope: Scope) -> Closure:
        """|name| expression; ? and return inside it would leave it alone, and are refused."""
        body, patterns = part(node, "body"), parts(part(node, "parameters"))
        if _leaves(body):
            raise self.refuse("a closure that is left early", node)
        # `|_|` has no named part.
        if len(patterns) > 1:
            raise self.refuse("a closure of several arguments", node)

        def call(value: Any) -> Any:
            inner = Scope(scope)
            for pattern in patterns:
                inner.declare(matched(self.device, pattern, value) or {})
            return self.value(body, inner)

        return Closure(call)

    def assign(self, node: Node, scope: Scope) -> Any:
        """target = value, target += value."""
        left, line = part(node, "left"), line_of(node)
        value = self.value(part(node, "right"), scope)
        if node.type == "compound_assignment_expr":
            op = text_of(part(node, "operator"))[:-1]
            old = self.number_of(self.value(left, scope), left)
            value = self.computed(op, old, self.number_of(value, node), line)
        name = text_of(left)
        if left.type == "identifier" and name in scope:
            scope.assign(name, value)
        elif name.removeprefix("self.config.") in self.device.config and "." in name:
            self.device.config[name.removeprefix("self.config.")] = self.number_of(value, node)
        else:
            raise self.refuse(f"assignment to {name}", node)
        return UNIT


def _leaves(node: Node) -> bool:
    return node.type in ("try_expression", "return_expression") or any(
        _leaves(child) for child in node.named_children
    )


RustRun.handlers |= {
    "block": RustRun.block,
    "if_expression": RustRun.branch,
    "match_expression": RustRun.match,
    "try_expression": RustRun.question,
    "return_expression": RustRun.leave,
    "closure_expression": RustRun.closure,
    "assignment_expression": RustRun.assign,
    "compound_assignment_expr": RustRun.assign,
}

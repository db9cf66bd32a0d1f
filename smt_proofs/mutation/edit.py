"""An edit of a rule's syntax tree, and the words for what it changes.

An edit replaces one expression, or drops, replaces or swaps statements. The names say what was
changed, so that a reviewer can read a mutant off its id.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

Expression = ast.expr


@dataclass(frozen=True, slots=True)
class Edit:
    """The nodes `old`, one or neighbours, replaced by `new`; `label` says what that is."""

    label: str
    old: tuple[ast.AST, ...]
    new: tuple[ast.AST, ...]

    def text(self) -> tuple[str, str]:
        """Both sides as source text."""
        before, after = (
            " ".join(" ".join(map(ast.unparse, side)).split()) for side in (self.old, self.new)
        )
        return before, after


def called(node: ast.AST) -> str:
    """The name of what a call calls, "" where the node is no call."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


def of_domain(node: ast.AST) -> bool:
    """The node calls an operation of the domain."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "d"
    )


def handle(node: ast.AST, depth: int = 1) -> str:
    """A short name of a piece of a rule."""
    if isinstance(node, ast.UnaryOp):
        return f"not-{handle(node.operand, depth)}"
    if isinstance(node, ast.Compare):
        return handle(node.comparators[0])
    if isinstance(node, ast.BoolOp):
        return f"{handle(node.values[0], 0)}-{word(node.op)}-{handle(node.values[1], 0)}"
    if isinstance(node, ast.Call):
        name = called(node)
        if name in {"test", "lit", "truth"}:
            return handle(node.args[0], depth)
        arguments = node.args if of_domain(node) and depth else []
        return "-".join([name, *(handle(argument, depth - 1) for argument in arguments[:3])])
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.If):
        return handle(node.test, depth)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return type(node).__name__.lower()


def word(operator: ast.boolop) -> str:
    """How Python writes the operator."""
    return "or" if isinstance(operator, ast.Or) else "and"


def domain_call(name: str, *arguments: Expression) -> ast.Call:
    """d.name(arguments)."""
    function = ast.Attribute(ast.Name("d", ast.Load()), name, ast.Load())
    return ast.Call(function, list(arguments), [])


def parsed(text: str) -> Expression:
    """An expression from its text."""
    return ast.parse(text, mode="eval").body

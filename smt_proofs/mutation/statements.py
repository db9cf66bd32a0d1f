"""Every edit of a rule: of its expressions, and of its statements one by one and in pairs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from smt_proofs.mutation.edit import Edit, handle, of_domain
from smt_proofs.mutation.names import attribute_edits, stale_edits
from smt_proofs.mutation.operators import (
    conditions,
    domain_edits,
    helper_edits,
    returned_edits,
    selects_rules,
    truth_edits,
    tuple_edits,
)

STATE_FIELDS: Final = frozenset({"plugged", "mapped", "usable"})
"""Names that a rule gives to what a field of the state is going to be."""


def edits(rule: ast.FunctionDef) -> Iterator[Edit]:
    """All edits of a rule, in the order of its text."""
    parameters = {argument.arg for argument in [*rule.args.args, *rule.args.kwonlyargs]}
    yield from _statements(rule.body, parameters)
    stale = STATE_FIELDS - parameters if "s" in parameters else frozenset()
    for node in _ordered(rule):
        if isinstance(node, ast.Call):
            yield from domain_edits(node) if of_domain(node) else helper_edits(node)
        elif isinstance(node, ast.Name):
            yield from stale_edits(node, stale)
        elif isinstance(node, ast.Attribute):
            yield from attribute_edits(node)
        elif isinstance(node, ast.Tuple):
            yield from tuple_edits(node)
        elif isinstance(node, ast.If | ast.IfExp):
            for condition in conditions(node.test):
                yield from truth_edits(condition)
        elif isinstance(node, ast.Return):
            yield from returned_edits(node.value)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.UnaryOp | ast.Compare):
            yield from truth_edits(node.value)


def _ordered(rule: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a rule's body in the order of its text, without types and parameters."""
    for statement in rule.body:
        yield from _within(statement)


def _within(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "args"} and not isinstance(node, ast.Call):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _within(child)


def _statements(body: list[ast.stmt], bound: set[str]) -> Iterator[Edit]:
    """A step forgotten, an early return forgotten, two steps the other way round."""
    bound = set(bound)
    for number, statement in enumerate(body):
        if isinstance(statement, ast.If) and not statement.orelse:
            if not selects_rules(statement.test):
                yield Edit(f"if-{handle(statement)}-dropped", (statement,), (ast.Pass(),))
            yield from _statements(statement.body, bound)
        if isinstance(statement, ast.FunctionDef):
            yield from _statements(statement.body, bound)
        target = _target(statement)
        if target in bound:
            yield Edit(f"{target}-not-changed", (statement,), (ast.Pass(),))
        if target:
            bound.add(target)
        following = body[number + 1] if number + 1 < len(body) else None
        if following is not None and _swappable(statement, following):
            label = f"{handle(following)}-before-{handle(statement)}"
            yield Edit(label, (statement, following), (following, statement))


def _target(statement: ast.stmt) -> str:
    """The name that an assignment binds, "" for anything else."""
    target = None
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    return target.id if isinstance(target, ast.Name) else ""


def _swappable(first: ast.stmt, second: ast.stmt) -> bool:
    """Both may take each other's place: two branches, or two changes of the same thing."""
    branches = (
        isinstance(first, ast.If) and isinstance(second, ast.If) and not selects_rules(first.test)
    )
    return branches or (_target(first) != "" and _target(first) == _target(second))

"""The wrong rules of mutation testing: every edit of every rule in `model`, under a stable name."""

from __future__ import annotations
import __future__

import ast
import inspect
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Final

from model import answers, arithmetic, events, geometry, mapping, requests, rules
from smt_proofs.mutation.edit import Edit
from smt_proofs.mutation.statements import edits

RULE_MODULES: Final = (arithmetic, geometry, mapping, answers, requests, events, rules)
"""Where the rules are; of arithmetic the helpers, which are functions."""


@dataclass(frozen=True, slots=True)
class RuleMutant:
    """A rule with one edit: `before` became `after`, at `line` of the file.

    `name` is module, function and what was changed, with a number where that happens more than once
    in a function.
    """

    name: str
    function: FunctionType
    line: int
    before: str
    after: str
    code: CodeType

    @property
    def module(self) -> str:
        """The last part of the module's name."""
        return self.function.__module__.rpartition(".")[2]

    @property
    def place(self) -> str:
        """File and line."""
        return f"model/{self.module}.py:{self.line}"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The wrong rule in force everywhere in this process."""
        right = self.function.__code__
        self.function.__code__ = self.code
        try:
            yield
        finally:
            self.function.__code__ = right


def functions(module: ModuleType) -> list[FunctionType]:
    """The functions that a module defines, in the order of its text."""
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    ]
    return sorted(own, key=lambda function: function.__code__.co_firstlineno)


@cache
def rule_mutants() -> tuple[RuleMutant, ...]:
    """All mutants of all rules; those that read alike are one."""
    return tuple(
        mutant
        for module in RULE_MODULES
        for function in functions(module)
        for mutant in _mutants_in(module, function)
    )


def mutant_named(name: str) -> RuleMutant:
    """The mutant of that name; no other rule than its own is edited for that.

    Raises KeyError for a name that no mutant has.
    """
    for module in RULE_MODULES:
        for function in functions(module):
            if name.startswith(f"{_rule_name(function)}:"):
                for mutant in _mutants_in(module, function):
                    if mutant.name == name:
                        return mutant
    raise KeyError(name)


@cache
def _mutants_in(module: ModuleType, function: FunctionType) -> tuple[RuleMutant, ...]:
    return tuple(_mutants_of(function, _tree_of(module, function.__name__)))


def _rule_name(function: FunctionType) -> str:
    """Module and function, as names of mutants begin."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


@cache
def _parsed(module: ModuleType) -> ast.Module:
    return ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))


def _tree_of(module: ModuleType, name: str) -> ast.FunctionDef:
    return next(
        node
        for node in _parsed(module).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )


def _mutants_of(function: FunctionType, rule: ast.FunctionDef) -> Iterator[RuleMutant]:
    seen = {ast.unparse(rule)}
    labels: Counter[str] = Counter()
    for edit in edits(rule):
        wrong = _edited(rule, edit)
        text = ast.unparse(wrong)
        if text in seen:
            continue
        seen.add(text)
        labels[edit.label] += 1
        number = f"-{labels[edit.label]}" if labels[edit.label] > 1 else ""
        before, after = edit.text()
        yield RuleMutant(
            name=f"{_rule_name(function)}:{edit.label}{number}",
            function=function,
            line=getattr(edit.old[0], "lineno", rule.lineno),
            before=before,
            after=after,
            code=_compiled(wrong, function),
        )


class _Rewriter:
    """Copies a tree with one edit made."""

    def __init__(self, edit: Edit) -> None:
        self.edit = edit

    def copy(self, node: ast.AST) -> ast.AST:
        if node is self.edit.old[0]:
            (node,) = self.edit.new
            return node
        values = {name: self.copied(value) for name, value in ast.iter_fields(node)}
        return ast.copy_location(type(node)(**values), node)

    def copied(self, value: object) -> object:
        if isinstance(value, ast.AST):
            return self.copy(value)
        if not isinstance(value, list):
            return value
        old, new = self.edit.old, self.edit.new
        copies: list[object] = []
        for element in value:
            if element is old[0]:
                copies += new
            elif not any(element is gone for gone in old):
                copies.append(self.copied(element))
        return copies


def _edited(rule: ast.FunctionDef, edit: Edit) -> ast.FunctionDef:
    wrong = _Rewriter(edit).copy(rule)
    assert isinstance(wrong, ast.FunctionDef)
    return wrong


def _compiled(rule: ast.FunctionDef, function: FunctionType) -> CodeType:
    module = ast.fix_missing_locations(ast.Module([rule], []))
    flags = __future__.annotations.compiler_flag
    # Where a traceback or a coverage report points, the wrong rule stands for the right one.
    code = compile(module, function.__code__.co_filename, "exec", flags=flags, dont_inherit=True)
    return next(
        constant
        for constant in code.co_consts
        if isinstance(constant, CodeType) and constant.co_name == rule.name
    )

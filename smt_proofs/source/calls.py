"""Which calls statements may make, and so what they may change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from model.effects import Did
from smt_proofs.source.evaluation import Lookup
from smt_proofs.source.ir import (
    Assert,
    Assign,
    Declare,
    Evaluate,
    For,
    Forever,
    If,
    Return,
    Stmt,
    Switch,
)
from smt_proofs.source.names import PRIMITIVES
from smt_proofs.source.typed import (
    Arithmetic,
    Call,
    Choose,
    Compare,
    Convert,
    Expr,
    Logic,
    Masked,
    Member,
    Not,
    Offset,
    SlotAt,
)

_CHANGES: Final = {
    "memory_region_add_subregion": Did.MAP,
    "memory_region_del_subregion": Did.UNMAP,
}


def changes_of(body: tuple[Stmt, ...], follow: Lookup) -> frozenset[Did]:
    """Whether statements may map memslots, unmap some, or both."""
    return frozenset(_CHANGES[name] for name in calls_of(body, follow) if name in _CHANGES)


def parts_of(node: Any) -> Iterator[Any]:
    """A statement or expression with all that it is made of."""
    yield node
    for inner in node if isinstance(node, tuple) else ():
        yield from parts_of(inner)
    if is_dataclass(node):
        for field in fields(node):
            yield from parts_of(getattr(node, field.name))


def followed(functions: Lookup) -> Lookup:
    """The functions that calls step into: those that stand for what they do are none."""
    return lambda name: None if name in PRIMITIVES else functions(name)


def calls_of(body: tuple[Stmt, ...], follow: Lookup) -> set[str]:
    """All calls that statements may make, those of called functions included."""
    found: set[str] = set()
    todo = [body]
    while todo:
        for statement in todo.pop():
            for name in _calls(statement):
                function = follow(name)
                if name not in found and function is not None:
                    todo.append(function.body)
                found.add(name)
    return found


def _calls(part: Stmt | Expr | None) -> Iterator[str]:
    match part:
        case Call(name=name, arguments=arguments):
            yield name
            for argument in arguments:
                yield from _calls(argument)
        case Declare(value=inner) | Assign(value=inner) | Evaluate(value=inner):
            yield from _calls(inner)
        case Return(value=inner):
            yield from _calls(inner)
        case If(condition=condition, then=then, otherwise=otherwise):
            yield from _calls(condition)
            for statement in (*then, *otherwise):
                yield from _calls(statement)
        case Assert(condition=condition):
            yield from _calls(condition)
        case For(start=start, condition=condition, step=step, body=body):
            yield from _calls(condition)
            yield from _calls(start)
            for statement in (step, *body):
                yield from _calls(statement)
        case Forever(body=body):
            for statement in body:
                yield from _calls(statement)
        case Switch(value=inner, arms=arms):
            yield from _calls(inner)
            for _, body in arms:
                for statement in body:
                    yield from _calls(statement)
        case (
            Arithmetic(left=a, right=b)
            | Compare(left=a, right=b)
            | Logic(left=a, right=b)
            | Masked(left=a, right=b)
        ):
            yield from _calls(a)
            yield from _calls(b)
        case Member(base=a):
            yield from _calls(a)
        case Not(operand=a) | Convert(operand=a) | SlotAt(index=a):
            yield from _calls(a)
        case Offset(base=a, by=b):
            yield from _calls(a)
            yield from _calls(b)
        case Choose(condition=a, then=b, otherwise=c):
            for inner in (a, b, c):
                yield from _calls(inner)

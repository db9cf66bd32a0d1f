"""Operators and function-like macros on typed expressions: conversions, constants, macros."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from smt_proofs.source.c_types import (
    BOOL,
    DOUBLE,
    I32,
    POINTER,
    U16,
    U32,
    U64,
    VOID,
    CType,
    common,
    promoted,
)
from smt_proofs.source.structs import KEPT
from smt_proofs.source.typed import (
    Arithmetic,
    Choose,
    Compare,
    Const,
    Convert,
    Expr,
    Masked,
    UnsupportedError,
)


def converted(expr: Expr, kind: CType) -> Expr:
    """The expression in a type; a constant that the type can hold takes it on at once."""
    if DOUBLE in (kind, expr.kind) and expr.kind != kind:
        return _of_double(expr, kind)
    if (
        isinstance(expr, Const)
        and kind not in KEPT | {BOOL, POINTER}
        and expr.value <= kind.largest
    ):
        return Const(kind, expr.line, expr.value)
    if expr.kind != kind and KEPT & {expr.kind, kind}:
        raise UnsupportedError("a number in another form used without its conversion", expr.line)
    if VOID in (kind, expr.kind) and expr.kind != kind:
        raise UnsupportedError("a value where there is none", expr.line)
    return expr if expr.kind == kind else Convert(kind, expr.line, expr)


def _of_double(expr: Expr, kind: CType) -> Expr:
    """To double from an unsigned number; from double only the last quotient to an unsigned int."""
    last = isinstance(expr, Arithmetic) and expr.op == "/" and kind == U32
    if not (last or expr.kind in (U16, U32, U64)):
        raise UnsupportedError(f"conversion of {expr.kind.name} to {kind.name}", expr.line)
    return Convert(kind, expr.line, expr)


def arithmetic(op: str, left: Expr, right: Expr, line: int) -> Expr:
    """An arithmetic operator, computed at once where both operands are constants."""
    kind = common(left.kind, right.kind)
    if kind == DOUBLE and op not in "*/":
        raise UnsupportedError(f"operator {op} on a double", line)
    a, b = converted(left, kind), converted(right, kind)
    if isinstance(a, Const) and isinstance(b, Const) and op in "+-*":
        x, y = a.value, b.value
        exact = x + y if op == "+" else x - y if op == "-" else x * y
        if not kind.signed or 0 <= exact <= kind.largest:
            return Const(kind, line, exact & ((1 << kind.bits) - 1))
    return Arithmetic(kind, line, op, a, b)


def masked(left: Expr, right: Expr, line: int) -> Expr:
    """left & right."""
    kind = common(left.kind, right.kind)
    a, b = converted(left, kind), converted(right, kind)
    if kind.signed:
        raise UnsupportedError("& of signed operands", line)
    return Masked(kind, line, a, b)


def complement(operand: Expr, line: int) -> Expr:
    """~operand: what is left of the largest number."""
    kind = promoted(operand.kind)
    if kind.signed:
        raise UnsupportedError("~ of a signed operand", line)
    return arithmetic("-", Const(kind, line, kind.largest), converted(operand, kind), line)


def compare(op: str, left: Expr, right: Expr, line: int) -> Expr:
    """A comparison, in the type that the usual conversions give."""
    if POINTER in (left.kind, right.kind):
        if op not in ("==", "!=") or left.kind != right.kind:
            raise UnsupportedError("comparison of a pointer", line)
        return Compare(I32, line, op, POINTER, left, right)
    within = common(left.kind, right.kind)
    if within == DOUBLE:
        raise UnsupportedError("comparison of a double", line)
    return Compare(I32, line, op, within, converted(left, within), converted(right, within))


def choose(condition: Expr, then: Expr, otherwise: Expr, line: int) -> Expr:
    """condition ? then : otherwise."""
    kind = common(then.kind, otherwise.kind)
    return Choose(kind, line, condition, converted(then, kind), converted(otherwise, kind))


def _align_down(n: Expr, m: Expr, line: int) -> Expr:
    return arithmetic("*", arithmetic("/", n, m, line), m, line)


def _round_down(n: Expr, m: Expr, line: int) -> Expr:
    """As osdep.h has it: n & -m, with -m in the type of a choice between both."""
    kind = common(n.kind, m.kind)
    minus = arithmetic("-", Const(kind, line, 0), converted(m, kind), line)
    return masked(n, minus, line)


def _round_up(n: Expr, m: Expr, line: int) -> Expr:
    return _round_down(_plus_less_one(n, m, line), m, line)


def _plus_less_one(n: Expr, m: Expr, line: int) -> Expr:
    return arithmetic("-", arithmetic("+", n, m, line), Const(I32, line, 1), line)


MACROS: Final[dict[str, tuple[int, Callable[[list[Expr], int], Expr]]]] = {
    "MIN": (2, lambda a, at: choose(compare("<", a[0], a[1], at), a[0], a[1], at)),
    "MAX": (2, lambda a, at: choose(compare(">", a[0], a[1], at), a[0], a[1], at)),
    "QEMU_ALIGN_DOWN": (2, lambda a, at: _align_down(a[0], a[1], at)),
    "QEMU_ALIGN_UP": (2, lambda a, at: _align_down(_plus_less_one(a[0], a[1], at), a[1], at)),
    "QEMU_IS_ALIGNED": (
        2,
        lambda a, at: compare("==", arithmetic("%", a[0], a[1], at), Const(I32, at, 0), at),
    ),
    "DIV_ROUND_UP": (
        2,
        lambda a, at: arithmetic("/", _plus_less_one(a[0], a[1], at), a[1], at),
    ),
    "ROUND_UP": (2, lambda a, at: _round_up(a[0], a[1], at)),
    "ROUND_DOWN": (2, lambda a, at: _round_down(a[0], a[1], at)),
    "likely": (1, lambda a, at: a[0]),
    "unlikely": (1, lambda a, at: a[0]),
}
"""Function-like macros of include/qemu/osdep.h and compiler.h: number of operands, meaning."""

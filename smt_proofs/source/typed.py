"""The expressions of the subset of C as data: typed, and each knows its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from smt_proofs.source.c_types import CType


class UnsupportedError(Exception):
    """A construct outside the subset; `line` counts in the file or patch from 1."""

    def __init__(self, construct: str, line: int) -> None:
        super().__init__(f"line {line}: {construct}")
        self.construct = construct
        self.line = line


@dataclass(frozen=True, slots=True)
class _Typed:
    """What an expression is: of a type, at a line."""

    kind: CType
    line: int


@dataclass(frozen=True, slots=True)
class Const(_Typed):
    """A constant, modulo 2^64."""

    value: int


@dataclass(frozen=True, slots=True)
class Local(_Typed):
    """A parameter or local variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Field(_Typed):
    """A number or flag of the device, such as vmem->size."""

    name: str


@dataclass(frozen=True, slots=True)
class Place(_Typed):
    """A pointer to something of the device, such as vmem->memdev or its address &vmem->memdev->mr.

    `path` is the way there from vmem. `through` are the pointers on it that must not be null.
    """

    path: str
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotAt(_Typed):
    """&vmem->memslots[index]."""

    index: Expr


@dataclass(frozen=True, slots=True)
class Offset(_Typed):
    """A pointer plus a number of bytes."""

    base: Expr
    by: Expr


@dataclass(frozen=True, slots=True)
class Arithmetic(_Typed):
    """+ - * / % in the type `kind`, to which both operands are converted."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(_Typed):
    """< <= > >= == != of operands converted to the type `within`."""

    op: str
    within: CType
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Logic(_Typed):
    """&& or ||; the right operand is evaluated only where needed."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Not(_Typed):
    """!operand."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Choose(_Typed):
    """condition ? then : otherwise, both converted to `kind`."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Convert(_Typed):
    """A conversion to the type `kind`."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Call(_Typed):
    """A call of a function of the file or of a primitive."""

    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Member(_Typed):
    """A field of the message that `base` points to."""

    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Masked(_Typed):
    """left & right, in the type `kind`."""

    left: Expr
    right: Expr


Expr: TypeAlias = (
    Const
    | Local
    | Field
    | Place
    | SlotAt
    | Offset
    | Arithmetic
    | Compare
    | Logic
    | Not
    | Choose
    | Convert
    | Call
    | Masked
    | Member
)

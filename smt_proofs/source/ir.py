"""The subset of C as data: typed expressions, statements, functions; each knows its line."""

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
class Const:
    """A constant, modulo 2^64."""

    kind: CType
    line: int
    value: int


@dataclass(frozen=True, slots=True)
class Local:
    """A parameter or local variable."""

    kind: CType
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """A number or flag of the device, such as vmem->size."""

    kind: CType
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """A pointer to something of the device, such as vmem->memdev or its address &vmem->memdev->mr.

    `path` is the way there from vmem. `through` are the pointers on it that must not be null.
    """

    kind: CType
    line: int
    path: str
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotAt:
    """&vmem->memslots[index]."""

    kind: CType
    line: int
    index: Expr


@dataclass(frozen=True, slots=True)
class Offset:
    """A pointer plus a number of bytes."""

    kind: CType
    line: int
    base: Expr
    by: Expr


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """+ - * / % in the type `kind`, to which both operands are converted."""

    kind: CType
    line: int
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare:
    """< <= > >= == != of operands converted to the type `within`."""

    kind: CType
    line: int
    op: str
    within: CType
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Logic:
    """&& or ||; the right operand is evaluated only where needed."""

    kind: CType
    line: int
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Not:
    """!operand."""

    kind: CType
    line: int
    operand: Expr


@dataclass(frozen=True, slots=True)
class Choose:
    """condition ? then : otherwise, both converted to `kind`."""

    kind: CType
    line: int
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Convert:
    """A conversion to the type `kind`."""

    kind: CType
    line: int
    operand: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function of the file or of a primitive."""

    kind: CType
    line: int
    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Masked:
    """left & right, in the type `kind`."""

    kind: CType
    line: int
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
)


@dataclass(frozen=True, slots=True)
class Declare:
    """A local variable; a static one keeps a value of earlier calls, which may be any."""

    line: int
    name: str
    kind: CType
    value: Expr | None
    static: bool = False


@dataclass(frozen=True, slots=True)
class Assign:
    """target = value, converted to the target's type."""

    line: int
    target: Local | Field | Place
    value: Expr


@dataclass(frozen=True, slots=True)
class If:
    """A branch."""

    line: int
    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class For:
    """for (start; condition; step) body, or a while loop that ends with its step.

    `first`: the step comes ahead of the body, as in while (i-- > 0), which compares and then steps.
    """

    line: int
    start: Declare | Assign | None
    condition: Expr
    step: Assign
    body: tuple[Stmt, ...]
    first: bool = False

    @property
    def counter(self) -> str:
        """The name of the variable that counts."""
        return self.step.target.name if isinstance(self.step.target, Local) else ""


@dataclass(frozen=True, slots=True)
class Switch:
    """switch (value): the arms in order, each with its numbers, None for the default.

    No arm goes on into the next one.
    """

    line: int
    value: Expr
    arms: tuple[tuple[tuple[int, ...] | None, tuple[Stmt, ...]], ...]


@dataclass(frozen=True, slots=True)
class Goto:
    """goto label;"""

    line: int
    label: str


@dataclass(frozen=True, slots=True)
class Label:
    """label:"""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Break:
    """break;"""

    line: int


@dataclass(frozen=True, slots=True)
class Return:
    """return value;"""

    line: int
    value: Expr | None


@dataclass(frozen=True, slots=True)
class Continue:
    """continue;"""

    line: int


@dataclass(frozen=True, slots=True)
class Assert:
    """assert or g_assert: the program ends where the condition fails."""

    line: int
    condition: Expr


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression for its effect."""

    line: int
    value: Call


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines of the function that a patch does not show."""

    line: int


Stmt: TypeAlias = (
    Declare
    | Assign
    | If
    | For
    | Switch
    | Goto
    | Label
    | Break
    | Return
    | Continue
    | Assert
    | Evaluate
    | Gap
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its parameters in order, None for the device (vmem) itself."""

    name: str
    kind: CType
    parameters: tuple[tuple[str, CType] | None, ...]
    body: tuple[Stmt, ...]
    line: int

"""The statements and functions of the subset of C as data; each knows its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from smt_proofs.source.c_types import CType
from smt_proofs.source.typed import Call, Expr, Field, Local, Member, Place


@dataclass(frozen=True, slots=True)
class _Placed:
    """A statement is at a line."""

    line: int


@dataclass(frozen=True, slots=True)
class Declare(_Placed):
    """A local variable; a static one keeps a value of earlier calls, which may be any."""

    name: str
    kind: CType
    value: Expr | None
    static: bool = False


@dataclass(frozen=True, slots=True)
class Assign(_Placed):
    """target = value, converted to the target's type."""

    target: Local | Field | Place | Member
    value: Expr


@dataclass(frozen=True, slots=True)
class If(_Placed):
    """A branch."""

    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class For(_Placed):
    """for (start; condition; step) body, or a while loop that ends with its step.

    `first`: the step comes ahead of the body, as in while (i-- > 0), which compares and then steps.
    """

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
class Forever(_Placed):
    """while (true) body, of rounds that hand each other nothing but the device."""

    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Switch(_Placed):
    """switch (value): the arms in order, each with its numbers, None for the default.

    No arm goes on into the next one.
    """

    value: Expr
    arms: tuple[tuple[tuple[int, ...] | None, tuple[Stmt, ...]], ...]


@dataclass(frozen=True, slots=True)
class Goto(_Placed):
    """goto label;"""

    label: str


@dataclass(frozen=True, slots=True)
class Label(_Placed):
    """label:"""

    name: str


@dataclass(frozen=True, slots=True)
class Break(_Placed):
    """break;"""


@dataclass(frozen=True, slots=True)
class Return(_Placed):
    """return value;"""

    value: Expr | None


@dataclass(frozen=True, slots=True)
class Continue(_Placed):
    """continue;"""


@dataclass(frozen=True, slots=True)
class Assert(_Placed):
    """assert or g_assert: the program ends where the condition fails."""

    condition: Expr


@dataclass(frozen=True, slots=True)
class Evaluate(_Placed):
    """An expression for its effect."""

    value: Call


@dataclass(frozen=True, slots=True)
class Gap(_Placed):
    """Lines of the function that a patch does not show."""


Stmt: TypeAlias = (
    Declare
    | Assign
    | If
    | For
    | Forever
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

"""The variables of a function, their types, and how what is outside the subset is refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from tree_sitter import Node

from smt_proofs.source.c_types import (
    NAMED,
    CType,
)
from smt_proofs.source.ir import Function
from smt_proofs.source.parse import FunctionText, Source
from smt_proofs.source.syntax import text_of
from smt_proofs.source.typed import Expr, UnsupportedError


class Scopes(ABC):
    """The scopes of one function: `find` looks up other functions of the source."""

    def __init__(
        self,
        find: Callable[[str], Function | None],
        source: Source,
        fields: dict[str, CType | None],
        shown: FunctionText,
        followed: frozenset[str],
    ) -> None:
        self._followed = followed
        self._find = find
        self._source = source
        self._fields = fields
        self._shown = shown
        self._scopes: list[dict[str, CType]] = [{}]
        self._device = ""
        # How often a variable is named, and where its address is given away.
        self._used: dict[str, int] = {}
        self._lent: dict[str, int] = {}
        # Those that a call writes to whose meaning is given.
        self._written: set[str] = set()
        # The sizes of arrays in bytes.
        self._arrays: dict[str, int] = {}
        # In the arguments of a call that is ignored names may stand for any text.
        self._loose = False

    def _line(self, node: Node) -> int:
        return self._shown.line(node)

    def _refuse(self, construct: str, node: Node) -> UnsupportedError:
        return UnsupportedError(construct, self._line(node))

    def _child(self, node: Node, name: str) -> Node:
        """A part that the subset asks for."""
        child = node.child_by_field_name(name)
        if child is None:
            raise self._refuse(f"{node.type.replace('_', ' ')} without {name}", node)
        return child

    def _type(self, node: Node) -> CType:
        named = node.child_by_field_name("type")
        name = " ".join(text_of(named).split()) if named is not None else "?"
        if name in self._source.declared:
            raise self._refuse(f"the type {name}, which the file defines itself", node)
        if name in NAMED:
            return NAMED[name]
        # Only a pointer to it can be declared, which `_declared` sees to.
        return CType(name, 0)

    def _kind_of(self, name: str) -> CType | None:
        """The type of a variable."""
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _callee(self, node: Node) -> str:
        function = self._child(node, "function")
        if function.type != "identifier":
            raise self._refuse(f"call of {text_of(function)}", node)
        return text_of(function)

    def _arguments(self, node: Node) -> list[Node]:
        found = self._child(node, "arguments").named_children
        return [child for child in found if child.type != "comment"]

    @abstractmethod
    def _expr(self, node: Node) -> Expr:
        """The expression that a syntax tree is."""

"""Places: fields of the device and of messages, memslots, addresses, pointer arithmetic."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import (
    BOOL,
    POINTER,
    U64,
    bytes_of,
    pointer_to,
)
from smt_proofs.source.names import (
    PLACES,
    SLOT_TYPE,
    STRUCT_NAMED,
)
from smt_proofs.source.operators import (
    arithmetic,
    converted,
)
from smt_proofs.source.scopes import Scopes
from smt_proofs.source.structs import HANDED, STRUCTS
from smt_proofs.source.syntax import text_of
from smt_proofs.source.typed import Call, Const, Expr, Field, Local, Member, Offset, Place, SlotAt

RESET: Final = "VirtioMemSystemReset"
"""The object that a reset of the machine reaches; it leads to the device."""


class Places(Scopes):
    """The places that expressions name."""

    def _place(self, node: Node) -> Expr:
        """A field of the device, or a place reached through its pointers."""
        line = self._line(node)
        found = self._member(node)
        if found is not None:
            return found
        if node.type == "subscript_expression":
            base = self._expr(self._child(node, "argument"))
            if isinstance(base, Place) and base.path == "memslots":
                index = converted(self._expr(self._child(node, "index")), U64)
                return SlotAt(pointer_to(SLOT_TYPE), line, index)
            raise self._refuse(f"subscript {text_of(node)}", node)
        base = self._expr(self._child(node, "argument"))
        name = text_of(self._child(node, "field"))
        if not isinstance(base, Place):
            raise self._refuse(f"field {text_of(node)}", node)
        if base.path == "vmem":
            kind = self._fields.get(name)
            if kind is not None and kind != POINTER:
                return Field(kind, line, name)
            pointers = STRUCT_NAMED[self._source.struct][1]
            if name not in PLACES or (name in self._fields and name in pointers and kind is None):
                why = ", whose type is not known" if name in self._fields else ""
                raise self._refuse(f"field {name}{why}", node)
            return Place(pointer_to(pointers.get(name, "")), line, name)
        number = self._fields.get(f"{base.path}.{name}")
        if number is not None and number != POINTER:
            return Field(number, line, f"{base.path}.{name}")
        if f"{base.path}.{name}" not in PLACES:
            raise self._refuse(f"field {text_of(node)}", node)
        arrow = text_of(self._child(node, "operator")) == "->"
        through = (*base.through, base.path) if arrow else base.through
        return Place(POINTER, line, f"{base.path}.{name}", through)

    def _member(self, node: Node) -> Expr | None:
        """A field of a message, or what else a variable that is no device leads to."""
        names: list[str] = []
        at: Node = node
        while at.type == "field_expression":
            names.insert(0, text_of(self._child(at, "field")))
            at = self._child(at, "argument")
        line = self._line(node)
        if at.type == "call_expression" and names == ["realized"]:
            device = self._callee(at) == "DEVICE" and "DEVICE" not in self._source.functions
            return Call(BOOL, line, "realized", ()) if device else None
        kind = self._kind_of(text_of(at)) if at.type == "identifier" else None
        if kind is None:
            return None
        if kind.pointee == RESET and names and names[0] == "vmem":
            return Place(POINTER, line, "vmem") if len(names) == 1 else None
        struct = kind.pointee if kind == POINTER else kind.name
        known = HANDED if kind == POINTER and struct in HANDED else STRUCTS
        place = known.get(struct, {}).get(".".join(names))
        if place is None:
            return None
        base = self._expr(at) if kind == POINTER else self._struct(at)
        return Member(place[1], line, base, place[0])

    def _struct(self, node: Node) -> Place:
        """A variable that is a message, by its address."""
        kind = self._kind_of(text_of(node))
        assert kind is not None
        path = f"&{self._shown.name}.{text_of(node)}"
        return Place(pointer_to(kind.name), self._line(node), path)

    def _address(self, node: Node) -> Expr:
        """&place: pointers and the places they lead to share one form."""
        if text_of(node.children[0]) != "&":
            raise self._refuse(f"dereference {text_of(node)}", node)
        named = self._child(node, "argument")
        kind = self._kind_of(text_of(named))
        if named.type == "identifier" and kind is not None and kind.name in STRUCTS:
            return self._struct(named)
        inner = self._expr(self._child(node, "argument"))
        if isinstance(inner, Place | SlotAt):
            return inner
        if isinstance(inner, Local):
            self._lent[inner.name] = self._line(node)
        if isinstance(inner, Field | Local):
            return Place(POINTER, self._line(node), f"&{inner.name}")
        raise self._refuse(f"address {text_of(node)}", node)

    def _moved(self, base: Expr, by: Expr, node: Node) -> Expr:
        """A pointer plus a number of what it points to."""
        line, pointee = self._line(node), base.kind.pointee
        if isinstance(base, Place) and base.path == "memslots":
            return SlotAt(base.kind, line, by)
        if isinstance(base, SlotAt):
            return SlotAt(base.kind, line, arithmetic("+", base.index, by, line))
        size = bytes_of(pointee)
        if size is None:
            raise self._refuse(f"arithmetic on a pointer to {pointee or 'what is not known'}", node)
        return Offset(base.kind, line, base, arithmetic("*", by, Const(U64, line, size), line))

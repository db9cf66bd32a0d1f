"""Declarations: variables, messages, and those that only name the device."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import POINTER, CType, bytes_of, pointer_to
from smt_proofs.source.expressions import Expressions
from smt_proofs.source.ir import Assign, Declare, Stmt
from smt_proofs.source.operators import converted
from smt_proofs.source.places import RESET
from smt_proofs.source.structs import STRUCTS, fields_of_struct
from smt_proofs.source.syntax import text_of
from smt_proofs.source.typed import Const, Expr, Member, Place

OBJECTS: Final = frozenset({"Object", "VirtIODevice", "DeviceState", "RamDiscardManager", "void"})
"""What a parameter points to that a cast makes a device."""


class Declarations(Expressions):
    """What a function declares."""

    def _plain(self, node: Node) -> None:
        """Refuse what an attribute may do (a function run at the end), and what lives elsewhere."""
        for child in node.named_children:
            if "attribute" in child.type or text_of(child) == "extern":
                raise self._refuse(text_of(child), child)

    def _parameter(self, node: Node) -> tuple[str, CType] | None:
        self._plain(node)
        declarator = node.child_by_field_name("declarator")
        if declarator is None:
            raise self._refuse(f"parameter {text_of(node)}", node)
        name, kind = self._declared(declarator, self._type(node))
        base = node.child_by_field_name("type")
        if kind == POINTER and base is not None and text_of(base) == self._source.struct:
            self._device = name
            return None
        self._scopes[-1][name] = kind
        return name, kind

    def _declared(self, node: Node, kind: CType) -> tuple[str, CType]:
        """The name and type that a declarator declares."""
        if node.type == "pointer_declarator":
            inner = node.child_by_field_name("declarator")
            assert inner is not None
            pointer = pointer_to(kind.name if kind != POINTER else "pointer")
            return self._declared(inner, pointer)
        if node.type == "array_declarator":
            inner = node.child_by_field_name("declarator")
            size = node.child_by_field_name("size")
            assert inner is not None
            one, count = bytes_of(kind.name), text_of(size) if size is not None else ""
            if kind != POINTER and one is not None and count.isdigit():
                self._arrays[text_of(inner)] = one * int(count)
            return self._declared(inner, pointer_to(kind.name))
        if node.type != "identifier":
            raise self._refuse(f"declaration of {text_of(node)}", node)
        if kind.bits == 0 and kind != POINTER:
            raise self._refuse(f"variable of type {kind.name}", node)
        return text_of(node), kind

    def _declaration(self, node: Node) -> tuple[Stmt, ...]:
        self._plain(node)
        static = any(text_of(c) == "static" for c in node.named_children)
        kind = self._type(node)
        found: list[Stmt] = []
        for declarator in node.children_by_field_name("declarator"):
            if self._is_device(node, declarator):
                continue
            if kind.name in STRUCTS:
                message = self._message(kind, declarator)
                if message is not None:
                    found += message
                    continue
            value = None
            if declarator.type == "init_declarator":
                given = declarator.child_by_field_name("value")
                inner = declarator.child_by_field_name("declarator")
                assert given is not None and inner is not None
                name, declared = self._declared(inner, kind)
                value = converted(self._expr(given), declared)
            else:
                name, declared = self._declared(declarator, kind)
                if declarator.type == "array_declarator":
                    value = Place(POINTER, self._line(declarator), "array")
            if any(name in scope for scope in self._scopes):
                raise self._refuse(f"{name}, which hides another variable", declarator)
            self._scopes[-1][name] = declared
            if declared.pointee == "Error":
                self._written.add(name)
            found.append(Declare(self._line(declarator), name, declared, value, static))
        return tuple(found)

    def _is_device(self, node: Node, declarator: Node) -> bool:
        """A declaration that only names the device or what leads to it, of a parameter."""
        value, inner = (declarator.child_by_field_name(n) for n in ("value", "declarator"))
        if declarator.type != "init_declarator" or value is None or inner is None:
            return False
        name = text_of(inner).lstrip("* ")
        base = text_of(self._child(node, "type"))
        if value.type == "call_expression":
            given = self._arguments(value)
            kind = self._kind_of(text_of(given[0])) if len(given) == 1 else None
            casts = {"VIRTIO_MEM": "VirtIOMEM", "VIRTIO_MEM_SYSTEM_RESET": RESET}
            of = casts.get(self._callee(value))
            whole = kind is not None and kind.pointee in OBJECTS
            if of != base or not whole or self._callee(value) in self._source.functions:
                return False
            if base == RESET:
                self._scopes[-1][name] = pointer_to(RESET)
            else:
                self._device = name
            return True
        leads = self._member(value) if base == "VirtIOMEM" else None
        if isinstance(leads, Place) and leads.path == "vmem":
            self._device = name
            return True
        return False

    def _message(self, kind: CType, declarator: Node) -> list[Stmt] | None:
        """A variable that is a message: its fields are set one by one. None for a pointer."""
        value = declarator.child_by_field_name("value")
        inner = declarator if value is None else self._child(declarator, "declarator")
        if inner.type != "identifier":
            return None
        name = text_of(inner)
        if self._kind_of(name) is not None:
            raise self._refuse(f"{name}, which hides another variable", declarator)
        self._scopes[-1][name] = kind
        if value is None:
            return []
        if value.type != "initializer_list":
            raise self._refuse(f"message set to {text_of(value)[:40]}", declarator)
        line, place = self._line(declarator), self._struct(inner)
        given: dict[str, Expr] = {}
        for pair in value.named_children:
            if pair.type == "comment":
                continue
            path = "".join(text_of(p) for p in pair.children_by_field_name("designator"))
            known = STRUCTS[kind.name].get(path.removeprefix("."))
            if known is None:
                raise self._refuse(f"message with {text_of(pair)[:40]}", pair)
            given[known[0]] = converted(self._expr(self._child(pair, "value")), known[1])
        return [
            Assign(line, Member(of, line, place, name), given.get(name, Const(of, line, 0)))
            for name, of in fields_of_struct(kind.name).items()
        ]

"""Expressions of syntax trees to typed ones; what is outside the subset is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import (
    I32,
    NAMED,
    POINTER,
    U64,
    VOID,
    CType,
    bytes_of,
    literal_type,
    pointer_to,
    promoted,
)
from smt_proofs.source.ir import (
    Call,
    Const,
    Convert,
    Expr,
    Field,
    Function,
    Local,
    Logic,
    Not,
    Offset,
    Place,
    SlotAt,
    UnsupportedError,
)
from smt_proofs.source.names import (
    CONSTANTS,
    EXTENT,
    HELPERS,
    OWN,
    PLACES,
    POINTERS,
    PRIMITIVES,
    PURE,
    SLOT_TYPE,
    is_ignored,
)
from smt_proofs.source.operators import (
    MACROS,
    arithmetic,
    choose,
    compare,
    complement,
    converted,
    masked,
)
from smt_proofs.source.parse import FunctionText, Source
from smt_proofs.source.syntax import text_of

_COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%"})
_WORD: Final = (1 << 64) - 1


class Expressions:
    """The expressions of one function: `find` looks up other functions of the source."""

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

    def _expr(self, node: Node) -> Expr:
        line = self._line(node)
        match node.type:
            case "parenthesized_expression":
                return self._expr(node.named_children[0])
            case "number_literal":
                return self._number(node)
            case "true" | "false":
                return Const(I32, line, int(node.type == "true"))
            case "null" | "string_literal" | "concatenated_string":
                return Place(POINTER, line, "null" if node.type == "null" else "text")
            case "identifier":
                return self._name(node)
            case "field_expression" | "subscript_expression":
                return self._place(node)
            case "pointer_expression":
                return self._address(node)
            case "unary_expression":
                return self._unary(node)
            case "binary_expression":
                op = text_of(self._child(node, "operator"))
                left, right = (
                    self._expr(self._child(node, "left")),
                    self._expr(self._child(node, "right")),
                )
                return self._binary(op, left, right, node)
            case "conditional_expression":
                condition = self._expr(self._child(node, "condition"))
                then = self._expr(self._child(node, "consequence"))
                return choose(condition, then, self._expr(self._child(node, "alternative")), line)
            case "cast_expression":
                return self._cast(node)
            case "call_expression":
                return self._call(node)
            case "sizeof_expression":
                return self._sizeof(node)
        raise self._refuse(f"{node.type.replace('_', ' ')} {text_of(node)[:40]!r}", node)

    def _number(self, node: Node) -> Expr:
        digits = text_of(node).lower().rstrip("ul")
        suffix = text_of(node).lower()[len(digits) :]
        octal = digits.startswith("0") and digits.isdigit()
        try:
            value = int(digits, 8) if octal else int(digits, 0)
        except ValueError:
            raise self._refuse(f"number {text_of(node)}", node) from None
        kind = literal_type(value, suffix, decimal=digits.isdigit() and not octal)
        if kind is None:
            raise self._refuse(f"number {text_of(node)}", node)
        return Const(kind, self._line(node), value)

    def _name(self, node: Node) -> Expr:
        name, line = text_of(node), self._line(node)
        for scope in reversed(self._scopes):
            if name in scope:
                self._used[name] = self._used.get(name, 0) + 1
                return Local(scope[name], line, name)
        if name == self._device:
            return Place(POINTER, line, "vmem")
        if name in self._source.declared:
            raise self._refuse(f"the name {name}, which the file declares", node)
        if name == EXTENT:
            return Call(PRIMITIVES[EXTENT].kind, line, EXTENT, ())
        if name in CONSTANTS:
            kind, value = CONSTANTS[name]
            return Const(kind, line, value)
        if self._loose:
            return Place(POINTER, line, "text")
        raise self._refuse(f"the name {name}, which is not defined here", node)

    def _sizeof(self, node: Node) -> Expr:
        """The size of an array."""
        inner = node.child_by_field_name("value")
        while inner is not None and inner.type == "parenthesized_expression":
            inner = inner.named_children[0]
        name = text_of(inner) if inner is not None else ""
        if name not in self._arrays:
            raise self._refuse("sizeof", node)
        return Const(U64, self._line(node), self._arrays[name])

    def _place(self, node: Node) -> Expr:
        """A field of the device, or a place reached through its pointers."""
        line = self._line(node)
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
            if name not in PLACES or (name in self._fields and name in POINTERS and kind is None):
                why = ", whose type is not known" if name in self._fields else ""
                raise self._refuse(f"field {name}{why}", node)
            return Place(pointer_to(POINTERS.get(name, "")), line, name)
        if f"{base.path}.{name}" not in PLACES:
            raise self._refuse(f"field {text_of(node)}", node)
        arrow = text_of(self._child(node, "operator")) == "->"
        through = (*base.through, base.path) if arrow else base.through
        return Place(POINTER, line, f"{base.path}.{name}", through)

    def _address(self, node: Node) -> Expr:
        """&place: pointers and the places they lead to share one form."""
        if text_of(node.children[0]) != "&":
            raise self._refuse(f"dereference {text_of(node)}", node)
        inner = self._expr(self._child(node, "argument"))
        if isinstance(inner, Place | SlotAt):
            return inner
        if isinstance(inner, Local):
            self._lent[inner.name] = self._line(node)
        if isinstance(inner, Field | Local):
            return Place(POINTER, self._line(node), f"&{inner.name}")
        raise self._refuse(f"address {text_of(node)}", node)

    def _unary(self, node: Node) -> Expr:
        op, line = text_of(node.children[0]), self._line(node)
        operand = self._expr(self._child(node, "argument"))
        if op == "!":
            return Not(I32, line, operand)
        kind = promoted(operand.kind)
        if op == "+":
            return converted(operand, kind)
        if op == "-" and isinstance(operand, Const) and kind.signed:
            return Const(kind, line, -operand.value & _WORD)
        if op == "-" and not kind.signed:
            return arithmetic("-", Const(kind, line, 0), operand, line)
        if op == "~" and POINTER not in (kind, operand.kind):
            return complement(operand, line)
        raise self._refuse(f"operator {op}", node)

    def _binary(self, op: str, left: Expr, right: Expr, node: Node) -> Expr:
        line = self._line(node)
        if op in ("&&", "||"):
            return Logic(I32, line, op, left, right)
        if left.kind == POINTER and op == "+" and right.kind != POINTER:
            return self._moved(left, converted(right, U64), node)
        if op in _COMPARISONS:
            return compare(op, left, right, line)
        if POINTER in (left.kind, right.kind) or VOID in (left.kind, right.kind):
            raise self._refuse(f"operator {op} on a pointer", node)
        if op in _ARITHMETIC:
            return arithmetic(op, left, right, line)
        if op == "&":
            return masked(left, right, line)
        if op == "<<" and isinstance(left, Const) and isinstance(right, Const):
            kind = promoted(left.kind)
            if right.value < kind.bits and left.value << right.value <= kind.largest:
                return Const(kind, line, left.value << right.value)
        raise self._refuse(f"operator {op}", node)

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

    def _cast(self, node: Node) -> Expr:
        descriptor = self._child(node, "type")
        abstract = [c for c in descriptor.named_children if c.type.startswith("abstract")]
        if abstract:
            named = " ".join(text_of(self._child(descriptor, "type")).split())
            value = self._expr(self._child(node, "value"))
            plain = text_of(abstract[0]) == "*" and bytes_of(named) is not None
            if not plain or value.kind != POINTER:
                raise self._refuse(f"cast to {text_of(descriptor)}", node)
            return Convert(pointer_to(named), self._line(node), value)
        name = " ".join(text_of(descriptor).split())
        if name not in NAMED:
            raise self._refuse(f"cast to {name}", node)
        return converted(self._expr(self._child(node, "value")), NAMED[name])

    def _callee(self, node: Node) -> str:
        function = self._child(node, "function")
        if function.type != "identifier":
            raise self._refuse(f"call of {text_of(function)}", node)
        return text_of(function)

    def _arguments(self, node: Node) -> list[Node]:
        found = self._child(node, "arguments").named_children
        return [child for child in found if child.type != "comment"]

    def _ignored(self, node: Node, name: str) -> Call:
        """A call that touches nothing that is compared; its arguments are evaluated though."""
        line, nodes = self._line(node), self._arguments(node)
        outer, self._loose = self._loose, True
        arguments = [self._expr(n) for n in nodes]
        self._loose = outer
        if name == "snprintf":
            room = self._arrays.get(text_of(nodes[0])) if len(nodes) > 1 else None
            if room is None:
                raise self._refuse("snprintf into what is no array here", node)
            arguments = [Const(U64, line, room), converted(arguments[1], U64), *arguments[2:]]
        return Call(VOID, line, name, tuple(arguments))

    def _call(self, node: Node) -> Expr:
        name, nodes, line = self._callee(node), self._arguments(node), self._line(node)
        own = name in self._source.functions
        if own and name not in HELPERS and (name in PRIMITIVES or name in MACROS):
            raise self._refuse(f"call of {name}, which the file defines itself", node)
        if name in self._source.declared:
            raise self._refuse(f"call of {name}, which the file declares", node)
        if is_ignored(name) and not own:
            return self._ignored(node, name)
        if name == "OBJECT":
            return Place(POINTER, line, "object")
        if name in PURE and self._loose and not own:
            for inner in nodes:
                self._expr(inner)
            return Place(POINTER, line, "text")
        if name == "g_new0":
            if not nodes or text_of(nodes[0]) != SLOT_TYPE:
                raise self._refuse(f"g_new0 of another type than {SLOT_TYPE}", node)
            nodes = nodes[1:]
        if name in MACROS and len(nodes) == MACROS[name][0]:
            return MACROS[name][1]([self._expr(n) for n in nodes], line)
        if name in self._followed:
            name = f"{OWN}{name}"
        found = None if name in PRIMITIVES else self._find(name)
        if name in PRIMITIVES:
            kind: CType = PRIMITIVES[name].kind
            wanted: tuple[CType, ...] = PRIMITIVES[name].parameters
        elif found is not None:
            kind = found.kind
            wanted = tuple(POINTER if p is None else p[1] for p in found.parameters)
        else:
            raise self._refuse(f"call of {name}", node)
        given = [self._expr(n) for n in nodes]
        if name == "qemu_prealloc_mem" and len(given) == len(wanted) - 1:
            # Before QEMU 9.0 it is never asynchronous.
            given.insert(5, Const(I32, line, 0))
        if name == "virtio_mem_is_busy":
            given = []
        if len(given) != len(wanted):
            raise self._refuse(f"call of {name} with {len(given)} arguments", node)
        arguments = tuple(converted(a, k) for a, k in zip(given, wanted, strict=False))
        for argument, want in zip(arguments, wanted, strict=False):
            if (argument.kind == POINTER) != (want == POINTER):
                raise self._refuse(f"argument of {name}", node)
        return Call(kind, line, name, arguments)

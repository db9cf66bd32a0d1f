"""Expressions of syntax trees to typed ones; what is outside the subset is refused."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import (
    DOUBLE,
    I32,
    NAMED,
    POINTER,
    U64,
    VOID,
    bytes_of,
    literal_type,
    pointer_to,
    promoted,
)
from smt_proofs.source.calling import Calling
from smt_proofs.source.names import (
    CONSTANT_EXTENT,
    CONSTANTS,
    EXTENT,
    PRIMITIVES,
)
from smt_proofs.source.operators import (
    arithmetic,
    choose,
    compare,
    complement,
    converted,
    masked,
)
from smt_proofs.source.structs import SIZES
from smt_proofs.source.syntax import text_of
from smt_proofs.source.typed import Call, Const, Convert, Expr, Local, Logic, Not, Place

_COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%"})
_WORD: Final = (1 << 64) - 1


class Expressions(Calling):
    """The expressions of one function."""

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
            texts = [m.text for m in self._source.macros if m.name == EXTENT and m.text is not None]
            if not all(CONSTANT_EXTENT.fullmatch(text) for text in texts):
                raise self._refuse(f"{EXTENT}, which is no constant", node)
            return Call(PRIMITIVES[EXTENT].kind, line, EXTENT, ())
        if name in CONSTANTS:
            kind, value = CONSTANTS[name]
            return Const(kind, line, value)
        if self._loose:
            return Place(POINTER, line, "text")
        raise self._refuse(f"the name {name}, which is not defined here", node)

    def _sizeof(self, node: Node) -> Expr:
        """The size of an array or of a message."""
        inner = node.child_by_field_name("value") or node.child_by_field_name("type")
        while inner is not None and inner.type == "parenthesized_expression":
            inner = inner.named_children[0]
        name = " ".join(text_of(inner).split()) if inner is not None else ""
        kind = self._kind_of(name)
        message = name if kind is None else kind.name
        if message in SIZES and message not in self._source.declared:
            return Const(U64, self._line(node), SIZES[message])
        if name not in self._arrays:
            raise self._refuse("sizeof", node)
        return Const(U64, self._line(node), self._arrays[name])

    def _unary(self, node: Node) -> Expr:
        op, line = text_of(node.children[0]), self._line(node)
        operand = self._expr(self._child(node, "argument"))
        if operand.kind == DOUBLE:
            raise self._refuse(f"operator {op} on a double", node)
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
        if op in ("&&", "||") and DOUBLE in (left.kind, right.kind):
            raise self._refuse(f"operator {op} on a double", node)
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
        kinds = NAMED | {"double": DOUBLE}
        if name not in kinds or name in self._source.declared:
            raise self._refuse(f"cast to {name}", node)
        return converted(self._expr(self._child(node, "value")), kinds[name])

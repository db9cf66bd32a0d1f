"""Syntax trees to the typed subset; what is outside it is refused by line and construct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from smt_proofs.source.c_types import (
    BOOL,
    I32,
    NAMED,
    POINTER,
    U64,
    VOID,
    CType,
    common,
    literal_type,
    promoted,
)
from smt_proofs.source.ir import (
    Arithmetic,
    Assert,
    Assign,
    Call,
    Choose,
    Compare,
    Const,
    Continue,
    Convert,
    Declare,
    Evaluate,
    Expr,
    Field,
    For,
    Function,
    Gap,
    If,
    Local,
    Logic,
    Not,
    Offset,
    Place,
    Return,
    SlotAt,
    Stmt,
    UnsupportedError,
)
from smt_proofs.source.names import CONSTANTS, EXTENT, FIELDS, POINTERS, PRIMITIVES, is_ignored
from smt_proofs.source.parse import FunctionText, Source, descend, text_of, tree
from smt_proofs.source.patch import UNSEEN

_COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%"})
_WORD: Final = (1 << 64) - 1


def converted(expr: Expr, kind: CType) -> Expr:
    """The expression in a type; a constant that the type can hold takes it on at once."""
    if isinstance(expr, Const) and kind not in (BOOL, POINTER) and expr.value <= kind.largest:
        return Const(kind, expr.line, expr.value)
    return expr if expr.kind == kind else Convert(kind, expr.line, expr)


def arithmetic(op: str, left: Expr, right: Expr, line: int) -> Expr:
    """An arithmetic operator, computed at once where both operands are constants."""
    kind = common(left.kind, right.kind)
    a, b = converted(left, kind), converted(right, kind)
    if isinstance(a, Const) and isinstance(b, Const) and op in "+-*":
        x, y = a.value, b.value
        exact = x + y if op == "+" else x - y if op == "-" else x * y
        if not kind.signed or 0 <= exact <= kind.largest:
            return Const(kind, line, exact & ((1 << kind.bits) - 1))
    return Arithmetic(kind, line, op, a, b)


def compare(op: str, left: Expr, right: Expr, line: int) -> Expr:
    """A comparison, in the type that the usual conversions give."""
    if POINTER in (left.kind, right.kind):
        raise UnsupportedError("comparison of pointers", line)
    within = common(left.kind, right.kind)
    return Compare(I32, line, op, within, converted(left, within), converted(right, within))


def choose(condition: Expr, then: Expr, otherwise: Expr, line: int) -> Expr:
    """condition ? then : otherwise."""
    kind = common(then.kind, otherwise.kind)
    return Choose(kind, line, condition, converted(then, kind), converted(otherwise, kind))


class Lowering:
    """Lowers the functions of one source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._fields = FIELDS | {k: v for k, v in source.fields.items() if k in FIELDS}
        self._functions: dict[str, Function] = {}
        self._busy: set[str] = set()

    def function(self, name: str) -> Function | None:
        """A function of the source, None where there is none. Raises UnsupportedError."""
        texts = self._source.functions.get(name)
        if not texts:
            return None
        if name not in self._functions:
            if len(texts) > 1:
                raise UnsupportedError(f"{name} is defined more than once", texts[1].lines[0])
            if name in self._busy:
                raise UnsupportedError(f"{name} calls itself", texts[0].lines[0])
            self._busy.add(name)
            self._functions[name] = _Lowered(self, self._source, self._fields, texts[0]).lower()
            self._busy.discard(name)
        return self._functions[name]


class _Lowered:
    """The lowering of one function."""

    def __init__(
        self, program: Lowering, source: Source, fields: dict[str, CType], shown: FunctionText
    ) -> None:
        self._program = program
        self._source = source
        self._fields = fields
        self._shown = shown
        self._scopes: list[dict[str, CType]] = [{}]
        self._device = ""
        self._kind = VOID
        self._expanding: tuple[str, ...] = ()
        self._macro_line = 0

    def lower(self) -> Function:
        definition = next(descend(tree(self._shown.text), "function_definition"), None)
        if definition is None or definition.has_error:
            raise UnsupportedError("text that does not parse as C", self._shown.lines[0])
        kind = self._type(definition)
        declarator = definition.child_by_field_name("declarator")
        while declarator is not None and declarator.type != "function_declarator":
            kind = POINTER
            declarator = declarator.child_by_field_name("declarator")
        assert declarator is not None
        self._kind = kind
        parameters = [
            self._parameter(node)
            for node in descend(declarator, "parameter_declaration")
            if text_of(node) != "void"
        ]
        body = definition.child_by_field_name("body")
        assert body is not None
        line = self._line(definition)
        return Function(self._shown.name, kind, tuple(parameters), self._block(body), line)

    def _line(self, node: Node) -> int:
        return self._macro_line or self._shown.line(node)

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
        if name in NAMED:
            return NAMED[name]
        # Only a pointer to it can be declared, which `_declared` sees to.
        return CType(name, 0)

    def _parameter(self, node: Node) -> tuple[str, CType] | None:
        declarator = node.child_by_field_name("declarator")
        if declarator is None:
            raise self._refuse(f"parameter {text_of(node)}", node)
        name, kind = self._declared(declarator, self._type(node))
        base = node.child_by_field_name("type")
        if kind == POINTER and base is not None and text_of(base) == "VirtIOMEM":
            self._device = name
            return None
        self._scopes[-1][name] = kind
        return name, kind

    def _declared(self, node: Node, kind: CType) -> tuple[str, CType]:
        """The name and type that a declarator declares."""
        if node.type == "pointer_declarator":
            inner = node.child_by_field_name("declarator")
            assert inner is not None
            return self._declared(inner, POINTER)
        if node.type == "array_declarator":
            inner = node.child_by_field_name("declarator")
            assert inner is not None
            return self._declared(inner, POINTER)
        if node.type != "identifier":
            raise self._refuse(f"declaration of {text_of(node)}", node)
        if kind.bits == 0 and kind != POINTER:
            raise self._refuse(f"variable of type {kind.name}", node)
        return text_of(node), kind

    # Statements.

    def _block(self, node: Node) -> tuple[Stmt, ...]:
        self._scopes.append({})
        found = tuple(stmt for child in node.named_children for stmt in self._statement(child))
        self._scopes.pop()
        return found

    def _body(self, node: Node | None) -> tuple[Stmt, ...]:
        """The statements of a branch or loop, in braces or not."""
        if node is None:
            return ()
        if node.type == "else_clause":
            node = node.named_children[-1]
        return self._block(node) if node.type == "compound_statement" else self._statement(node)

    def _statement(self, node: Node) -> tuple[Stmt, ...]:
        if node.has_error and node.type != "compound_statement":
            raise self._refuse("text that does not parse as C", node)
        handler: Callable[[Node], tuple[Stmt, ...]] | None = {
            "comment": lambda _: (),
            "compound_statement": self._block,
            "declaration": self._declaration,
            "expression_statement": self._expression_statement,
            "if_statement": self._if,
            "for_statement": self._for,
            "return_statement": self._return,
            "continue_statement": lambda n: (Continue(self._line(n)),),
        }.get(node.type)
        if handler is None:
            raise self._refuse(node.type.replace("_", " "), node)
        return handler(node)

    def _declaration(self, node: Node) -> tuple[Stmt, ...]:
        static = any(text_of(c) == "static" for c in node.named_children)
        kind = self._type(node)
        found: list[Stmt] = []
        for declarator in node.children_by_field_name("declarator"):
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
            found.append(Declare(self._line(declarator), name, declared, value, static))
        return tuple(found)

    def _expression_statement(self, node: Node) -> tuple[Stmt, ...]:
        if not node.named_children:
            return ()
        inner = node.named_children[0]
        if inner.type in ("assignment_expression", "update_expression"):
            return (self._assign(inner),)
        if inner.type != "call_expression":
            raise self._refuse(f"expression statement {text_of(inner)}", node)
        name = self._callee(inner)
        if name == UNSEEN:
            return (Gap(self._line(node)),)
        if name in ("assert", "g_assert"):
            return (Assert(self._line(node), self._expr(self._arguments(inner)[0])),)
        if is_ignored(name):
            return ()
        call = self._expr(inner)
        if not isinstance(call, Call):
            raise self._refuse(f"expression statement {text_of(inner)}", node)
        return (Evaluate(call.line, call),)

    def _assign(self, node: Node) -> Assign:
        line = self._line(node)
        step = node.type == "update_expression"
        left = node.child_by_field_name("argument" if step else "left")
        assert left is not None
        target = self._expr(left)
        if not isinstance(target, Local | Field | Place):
            raise self._refuse(f"assignment to {text_of(left)}", node)
        if isinstance(target, Place) and target.path not in POINTERS:
            raise self._refuse(f"assignment to {text_of(left)}", node)
        op = node.child_by_field_name("operator")
        assert op is not None
        if step:
            value = arithmetic(text_of(op)[0], target, Const(I32, line, 1), line)
        else:
            right = node.child_by_field_name("right")
            assert right is not None
            value = self._expr(right)
            if text_of(op) != "=":
                value = self._binary(text_of(op)[:-1], target, value, node)
        return Assign(line, target, converted(value, target.kind))

    def _if(self, node: Node) -> tuple[Stmt, ...]:
        condition = self._expr(self._child(node, "condition"))
        then = self._body(node.child_by_field_name("consequence"))
        otherwise = self._body(node.child_by_field_name("alternative"))
        return (If(self._line(node), condition, then, otherwise),)

    def _for(self, node: Node) -> tuple[Stmt, ...]:
        self._scopes.append({})
        first = node.child_by_field_name("initializer")
        condition = node.child_by_field_name("condition")
        update = node.child_by_field_name("update")
        if first is None or condition is None or update is None:
            raise self._refuse("for loop without start, condition or step", node)
        if first.type == "declaration":
            starts = self._declaration(first)
            start = starts[0] if len(starts) == 1 else None
        else:
            start = self._assign(first) if first.type == "assignment_expression" else None
        if not isinstance(start, Declare | Assign):
            raise self._refuse("for loop that does not start with one assignment", node)
        if update.type not in ("assignment_expression", "update_expression"):
            raise self._refuse(f"for loop with the step {text_of(update)}", node)
        loop = For(
            self._line(node),
            start,
            self._expr(condition),
            self._assign(update),
            self._body(node.child_by_field_name("body")),
        )
        self._scopes.pop()
        return (loop,)

    def _return(self, node: Node) -> tuple[Stmt, ...]:
        children = [c for c in node.named_children if c.type != "comment"]
        value = converted(self._expr(children[0]), self._kind) if children else None
        return (Return(self._line(node), value),)

    # Expressions.

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
                return Local(scope[name], line, name)
        if name == self._device:
            return Place(POINTER, line, "vmem")
        if name == EXTENT:
            return Call(PRIMITIVES[EXTENT].kind, line, EXTENT, ())
        if name in CONSTANTS:
            kind, value = CONSTANTS[name]
            return Const(kind, line, value)
        return self._macro(name, node)

    def _macro(self, name: str, node: Node) -> Expr:
        texts = self._source.macros.get(name, [])
        if len(texts) != 1 or name in self._expanding:
            why = "is not defined here" if not texts else "is defined more than once"
            raise self._refuse(f"the name {name}, which {why}", node)
        parsed = tree(f"int macro = ({texts[0]});")
        value = next(descend(parsed, "init_declarator"), None)
        if parsed.has_error or value is None:
            raise self._refuse(f"the macro {name}, which is no expression", node)
        before = self._expanding, self._macro_line
        self._macro_line = self._line(node)
        self._expanding = (*self._expanding, name)
        found = self._expr(self._child(value, "value"))
        self._expanding, self._macro_line = before
        return found

    def _place(self, node: Node) -> Expr:
        """A field of the device, or a place reached through its pointers."""
        line = self._line(node)
        if node.type == "subscript_expression":
            base = self._expr(self._child(node, "argument"))
            if isinstance(base, Place) and base.path == "memslots":
                return SlotAt(POINTER, line, converted(self._expr(self._child(node, "index")), U64))
            raise self._refuse(f"subscript {text_of(node)}", node)
        base = self._expr(self._child(node, "argument"))
        name = text_of(self._child(node, "field"))
        if not isinstance(base, Place):
            raise self._refuse(f"field {text_of(node)}", node)
        if base.path == "vmem":
            if name in self._fields:
                return Field(self._fields[name], line, name)
            return Place(POINTER, line, name)
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
        raise self._refuse(f"operator {op}", node)

    def _binary(self, op: str, left: Expr, right: Expr, node: Node) -> Expr:
        line = self._line(node)
        if op in ("&&", "||"):
            return Logic(I32, line, op, left, right)
        if left.kind == POINTER and op == "+":
            return Offset(POINTER, line, left, converted(right, U64))
        if op in _COMPARISONS:
            return compare(op, left, right, line)
        if POINTER in (left.kind, right.kind) or VOID in (left.kind, right.kind):
            raise self._refuse(f"operator {op} on a pointer", node)
        if op in _ARITHMETIC:
            return arithmetic(op, left, right, line)
        if op == "<<" and isinstance(left, Const) and isinstance(right, Const):
            kind = promoted(left.kind)
            if right.value < kind.bits and left.value << right.value <= kind.largest:
                return Const(kind, line, left.value << right.value)
        raise self._refuse(f"operator {op}", node)

    def _cast(self, node: Node) -> Expr:
        descriptor = self._child(node, "type")
        if any(child.type.startswith("abstract") for child in descriptor.named_children):
            raise self._refuse(f"cast to {text_of(descriptor)}", node)
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

    def _call(self, node: Node) -> Expr:
        name, nodes, line = self._callee(node), self._arguments(node), self._line(node)
        if name == "OBJECT":
            return Place(POINTER, line, "object")
        if name == "g_new0":
            nodes = nodes[1:]
        if name in _MACROS and len(nodes) == _MACROS[name][0]:
            return _MACROS[name][1]([self._expr(n) for n in nodes], line)
        found = None if name in PRIMITIVES else self._program.function(name)
        if name in PRIMITIVES:
            kind: CType = PRIMITIVES[name].kind
            wanted: tuple[CType, ...] = PRIMITIVES[name].parameters
        elif found is not None:
            kind = found.kind
            wanted = tuple(POINTER if p is None else p[1] for p in found.parameters)
        else:
            raise self._refuse(f"call of {name}", node)
        given = [self._expr(n) for n in nodes]
        if name == "virtio_mem_is_busy" and not wanted:
            given = []
        if len(given) < len(wanted) or (found is not None and len(given) != len(wanted)):
            raise self._refuse(f"call of {name} with {len(given)} arguments", node)
        arguments = tuple(converted(a, k) for a, k in zip(given, wanted, strict=False))
        for argument, want in zip(arguments, wanted, strict=False):
            if (argument.kind == POINTER) != (want == POINTER):
                raise self._refuse(f"argument of {name}", node)
        return Call(kind, line, name, arguments)


def _align_down(n: Expr, m: Expr, line: int) -> Expr:
    return arithmetic("*", arithmetic("/", n, m, line), m, line)


def _plus_less_one(n: Expr, m: Expr, line: int) -> Expr:
    return arithmetic("-", arithmetic("+", n, m, line), Const(I32, line, 1), line)


_MACROS: Final[dict[str, tuple[int, Callable[[list[Expr], int], Expr]]]] = {
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
    "likely": (1, lambda a, at: a[0]),
    "unlikely": (1, lambda a, at: a[0]),
}
"""Function-like macros of include/qemu/osdep.h and compiler.h: number of operands, meaning."""

"""Functions of a source to the typed subset; what is outside it is refused by line."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from smt_proofs.source.c_types import I32, POINTER, VOID, CType
from smt_proofs.source.expressions import Expressions
from smt_proofs.source.ir import (
    Assert,
    Assign,
    Call,
    Const,
    Continue,
    Declare,
    Evaluate,
    Field,
    For,
    Function,
    Gap,
    If,
    Local,
    Place,
    Return,
    Stmt,
    UnsupportedError,
)
from smt_proofs.source.names import FIELDS, POINTERS, is_ignored
from smt_proofs.source.operators import arithmetic, converted
from smt_proofs.source.parse import Source, descend, text_of, tree
from smt_proofs.source.patch import UNSEEN


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
            try:
                self._functions[name] = _Lowered(
                    self.function, self._source, self._fields, texts[0]
                ).lower()
            finally:
                self._busy.discard(name)
        return self._functions[name]


class _Lowered(Expressions):
    """The statements of one function."""

    _kind = VOID
    """The type of what the function returns."""

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
        if kind.bits == 0 and kind != VOID:
            raise self._refuse(f"result of type {kind.name}", definition)
        self._kind = kind
        parameters = [
            self._parameter(node)
            for node in descend(declarator, "parameter_declaration")
            if text_of(node) != "void"
        ]
        body = definition.child_by_field_name("body")
        assert body is not None
        statements = self._block(body)
        for name, line in self._lent.items():
            # Whoever got the address may change it.
            if self._used[name] > 1:
                raise UnsupportedError(f"{name}, whose address is taken", line)
        line = self._line(definition)
        return Function(self._shown.name, kind, tuple(parameters), statements, line)

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
        if not children and self._kind != VOID:
            raise self._refuse("return without a value", node)
        value = converted(self._expr(children[0]), self._kind) if children else None
        return (Return(self._line(node), value),)

    # Expressions.

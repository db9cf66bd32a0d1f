"""The statements of one function."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from smt_proofs.source.c_types import I32, VOID, pointer_to
from smt_proofs.source.calls import parts_of
from smt_proofs.source.ir import (
    Assert,
    Assign,
    Break,
    Continue,
    Declare,
    Evaluate,
    Forever,
    Function,
    Gap,
    Goto,
    Return,
    Stmt,
)
from smt_proofs.source.loops import Loops
from smt_proofs.source.names import POINTERS
from smt_proofs.source.operators import arithmetic, converted
from smt_proofs.source.patch import UNSEEN
from smt_proofs.source.structs import HANDED
from smt_proofs.source.syntax import descend, function_name, text_of, tree
from smt_proofs.source.typed import Call, Const, Field, Local, Member, Place, UnsupportedError


class Statements(Loops):
    """The statements of one function."""

    _kind = VOID
    """The type of what the function returns."""

    def lower(self) -> Function:
        definition = next(descend(tree(self._shown.text), "function_definition"), None)
        if definition is None or definition.has_error:
            raise UnsupportedError("text that does not parse as C", self._shown.lines[0])
        if function_name(definition) != self._shown.name:
            raise self._refuse(f"{self._shown.name}, which a macro gives another name", definition)
        kind = self._type(definition)
        declarator = definition.child_by_field_name("declarator")
        while declarator is not None and declarator.type != "function_declarator":
            kind = pointer_to(kind.name)
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
        self._rounds(statements)
        for name, line in self._lent.items():
            # Whoever got the address may change it; of errors that is known.
            if self._used[name] > 1 and name not in self._written:
                raise UnsupportedError(f"{name}, whose address is taken", line)
        line = self._line(definition)
        return Function(self._shown.name, kind, tuple(parameters), statements, line)

    def _rounds(self, statements: tuple[Stmt, ...]) -> None:
        """Refuse an endless loop whose rounds the statements ahead of it make different."""
        every = [part for part in parts_of(statements) if isinstance(part, Forever)]
        for loop in every:
            if len(every) > 1 or loop not in statements:
                raise UnsupportedError("an endless loop inside another statement", loop.line)
            for ahead in statements[: statements.index(loop)]:
                kept = isinstance(ahead, Declare) and not ahead.static
                plain = isinstance(ahead, Assign) and isinstance(ahead.target, Local)
                if not (kept or plain) or any(_reads(part) for part in parts_of(ahead)):
                    raise UnsupportedError("what is done ahead of an endless loop", ahead.line)

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
            "break_statement": lambda n: (Break(self._line(n)),),
            "while_statement": self._while,
            "switch_statement": self._switch,
            "goto_statement": lambda n: (Goto(self._line(n), text_of(self._child(n, "label"))),),
            "labeled_statement": self._labeled,
        }.get(node.type)
        if handler is None:
            raise self._refuse(node.type.replace("_", " "), node)
        return handler(node)

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
        asserts = name in ("assert", "g_assert") and name not in self._source.functions
        if asserts and len(self._arguments(inner)) == 1:
            return (Assert(self._line(node), self._expr(self._arguments(inner)[0])),)
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
        if not isinstance(target, Local | Field | Place | Member):
            raise self._refuse(f"assignment to {text_of(left)}", node)
        if isinstance(target, Place) and target.path not in POINTERS:
            raise self._refuse(f"assignment to {text_of(left)}", node)
        if isinstance(target, Member) and target.base.kind.pointee in HANDED:
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

    def _return(self, node: Node) -> tuple[Stmt, ...]:
        children = [c for c in node.named_children if c.type != "comment"]
        if not children and self._kind != VOID:
            raise self._refuse("return without a value", node)
        value = converted(self._expr(children[0]), self._kind) if children else None
        return (Return(self._line(node), value),)


def _reads(part: object) -> bool:
    """A part of a statement that may tell of the device, or change it."""
    named = isinstance(part, Place) and part.path == "null"
    return isinstance(part, Call | Field | Place | Member) and not named

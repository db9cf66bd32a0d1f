"""Functions of a source to the typed subset; what is outside it is refused by line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tree_sitter import Node

from smt_proofs.source.c_types import I32, POINTER, VOID, CType, bytes_of, pointer_to
from smt_proofs.source.expressions import Expressions
from smt_proofs.source.ir import (
    Assert,
    Assign,
    Break,
    Call,
    Const,
    Continue,
    Declare,
    Evaluate,
    Expr,
    Field,
    For,
    Function,
    Gap,
    Goto,
    If,
    Label,
    Local,
    Place,
    Return,
    Stmt,
    Switch,
    UnsupportedError,
)
from smt_proofs.source.macros import Macros, expanded, holds, unconditional
from smt_proofs.source.names import EXTENT, FIELDS, OWN, POINTERS
from smt_proofs.source.operators import arithmetic, converted
from smt_proofs.source.parse import FunctionText, Source
from smt_proofs.source.patch import UNSEEN
from smt_proofs.source.syntax import descend, text_of, tree


class Lowering:
    """Lowers the functions of one source.

    `chosen` says whether conditions of the preprocessor hold that nothing in the source tells.
    `followed` are helpers that calls do not stand for: their text does, under a name of their own.
    """

    def __init__(
        self,
        source: Source,
        chosen: Mapping[str, bool] | None = None,
        followed: frozenset[str] = frozenset(),
    ) -> None:
        self._source = source
        self.chosen = dict(chosen or {})
        self.followed = followed
        self._fields: dict[str, CType | None] = dict(FIELDS)
        if source.complete:
            self._fields = {name: None for name in (*FIELDS, *POINTERS)}
        known = self._fields.keys() | POINTERS.keys()
        self._fields |= {k: v for k, v in source.fields.items() if k in known}
        self._shown: dict[str, FunctionText] = {}
        self._functions: dict[str, Function] = {}
        self._busy: set[str] = set()

    def choosing(self, condition: str, *, holds: bool) -> Lowering:
        """As this one, with one more condition chosen."""
        return Lowering(self._source, self.chosen | {condition: holds}, self.followed)

    def following(self, helpers: frozenset[str]) -> Lowering:
        """As this one, with more helpers followed."""
        return Lowering(self._source, self.chosen, self.followed | helpers)

    def text(self, name: str) -> FunctionText | None:
        """The text of a function with its macros expanded, None where there is none.

        Raises UnsupportedError, and OpenConditionError where a condition is to be chosen.
        """
        name = name.removeprefix(OWN)
        if name not in self._shown:
            texts = [(t, self._macros(t)) for t in self._source.functions.get(name, [])]
            texts = [
                (text, macros)
                for text, macros in texts
                if all(holds(c, self.chosen, macros, text.lines[0]) for c in text.conditions)
            ]
            if not texts:
                return None
            if len(texts) > 1:
                raise UnsupportedError(f"{name} is defined more than once", texts[1][0].lines[0])
            [(text, macros)] = texts
            body = unconditional(text.text, text.lines, self.chosen, macros)
            body = expanded(body, text.lines, macros, frozenset({EXTENT}))
            self._shown[name] = replace(text, text=body)
        return self._shown[name]

    def _macros(self, text: FunctionText) -> Macros:
        return Macros(self._source.macros, text.lines[0], self.chosen)

    def function(self, name: str) -> Function | None:
        """A function of the source, None where there is none. Raises as `text`."""
        if name not in self._functions:
            text = self.text(name)
            if text is None:
                return None
            if name in self._busy:
                raise UnsupportedError(f"{name} calls itself", text.lines[0])
            self._busy.add(name)
            try:
                lowered = _Lowered(self.function, self._source, self._fields, text, self.followed)
                self._functions[name] = replace(lowered.lower(), name=name)
            finally:
                self._busy.discard(name)
        return self._functions[name]


class _Lowered(Expressions):
    """The statements of one function."""

    _kind = VOID
    """The type of what the function returns."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._errors: set[str] = set()

    def lower(self) -> Function:
        definition = next(descend(tree(self._shown.text), "function_definition"), None)
        if definition is None or definition.has_error:
            raise UnsupportedError("text that does not parse as C", self._shown.lines[0])
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
        for name, line in self._lent.items():
            # Whoever got the address may change it; of errors that is known.
            if self._used[name] > 1 and self._errors.isdisjoint({name}):
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
            "break_statement": lambda n: (Break(self._line(n)),),
            "while_statement": self._while,
            "switch_statement": self._switch,
            "goto_statement": lambda n: (Goto(self._line(n), text_of(self._child(n, "label"))),),
            "labeled_statement": self._labeled,
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
            if declared.pointee == "Error":
                self._errors.add(name)
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
        counted = self._counted_down(condition) if condition is not None else None
        if first is None or condition is None or (update is None) is (counted is None):
            raise self._refuse("for loop without start, condition or step", node)
        if first.type == "declaration":
            starts = self._declaration(first)
            start = starts[0] if len(starts) == 1 else None
        else:
            start = self._assign(first) if first.type == "assignment_expression" else None
        if not isinstance(start, Declare | Assign):
            raise self._refuse("for loop that does not start with one assignment", node)
        if counted is not None:
            shown, step = counted
        elif update is None or update.type not in ("assignment_expression", "update_expression"):
            raise self._refuse(f"for loop with the step {text_of(update or node)[:40]}", node)
        else:
            shown, step = self._expr(condition), self._assign(update)
        body = self._body(node.child_by_field_name("body"))
        loop = For(self._line(node), start, shown, step, body, counted is not None)
        self._scopes.pop()
        return (loop,)

    def _counted_down(self, node: Node) -> tuple[Expr, Assign] | None:
        """The comparison and the step of `i-- > end`, None for another condition."""
        left = node.child_by_field_name("left")
        if node.type == "parenthesized_expression":
            return self._counted_down(node.named_children[0])
        plain = left is not None and left.type == "update_expression"
        if not plain or left is None or text_of(left.children[-1]) != "--":
            return None
        counter = self._expr(self._child(left, "argument"))
        right = self._expr(self._child(node, "right"))
        op = text_of(self._child(node, "operator"))
        return self._binary(op, counter, right, node), self._assign(left)

    def _while(self, node: Node) -> tuple[Stmt, ...]:
        """A loop that ends each round with its step, or begins it so in its condition."""
        counted = self._counted_down(self._child(node, "condition"))
        if counted is not None:
            shown, step = counted
            body = self._body(node.child_by_field_name("body"))
            return (For(self._line(node), None, shown, step, body, True),)
        condition = self._expr(self._child(node, "condition"))
        body = self._body(node.child_by_field_name("body"))
        last = body[-1] if body else None
        if not isinstance(last, Assign) or not isinstance(last.target, Local):
            raise self._refuse("while loop that does not end with a step of its counter", node)
        if any(_leaves(statement) for statement in body):
            raise self._refuse("continue, break or goto in a while loop", node)
        return (For(self._line(node), None, condition, last, body[:-1]),)

    def _labeled(self, node: Node) -> tuple[Stmt, ...]:
        label = Label(self._line(node), text_of(self._child(node, "label")))
        inner = [c for c in node.named_children[1:] if c.type != "comment"]
        return (label, *(s for child in inner for s in self._statement(child)))

    def _switch(self, node: Node) -> tuple[Stmt, ...]:
        value = self._expr(self._child(node, "condition"))
        arms: list[tuple[tuple[int, ...] | None, tuple[Stmt, ...]]] = []
        numbers: list[int] = []
        default = False
        for case in self._child(node, "body").named_children:
            if case.type == "comment":
                continue
            if case.type != "case_statement":
                raise self._refuse("switch with statements ahead of a case", case)
            given = case.child_by_field_name("value")
            if given is None:
                default = True
            else:
                number = self._expr(given)
                if not isinstance(number, Const):
                    raise self._refuse(f"case {text_of(given)}", case)
                numbers.append(number.value)
            inner = [c for c in case.named_children if c != given and c.type != "comment"]
            if not inner:
                continue
            self._scopes.append({})
            body = tuple(s for child in inner for s in self._statement(child))
            self._scopes.pop()
            if not isinstance(body[-1], Break | Return | Goto | Continue) and not _stops(body[-1]):
                raise self._refuse("case that goes on into the next one", case)
            arms.append((None if default else tuple(numbers), body))
            numbers, default = [], False
        if numbers or default:
            arms.append((None if default else tuple(numbers), ()))
        return (Switch(self._line(node), value, tuple(arms)),)

    def _return(self, node: Node) -> tuple[Stmt, ...]:
        children = [c for c in node.named_children if c.type != "comment"]
        if not children and self._kind != VOID:
            raise self._refuse("return without a value", node)
        value = converted(self._expr(children[0]), self._kind) if children else None
        return (Return(self._line(node), value),)


def _leaves(statement: Stmt) -> bool:
    """Whether a statement may leave the round of the loop that it is in."""
    match statement:
        case Continue() | Break() | Goto():
            return True
        case If(then=then, otherwise=otherwise):
            return any(_leaves(inner) for inner in (*then, *otherwise))
        case Switch(arms=arms):
            return any(_leaves(inner) for _, body in arms for inner in body)
    return False


def _stops(statement: Stmt) -> bool:
    """Whether the program ends with this statement."""
    return isinstance(statement, Evaluate) and statement.value.name == "g_assert_not_reached"

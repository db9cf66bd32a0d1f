"""Runs a subset of Rust over a domain; what is outside it is refused by line.

Numbers have 64 bits and wrap, as usize and u64 do in a release build.
"""

from __future__ import annotations

from typing import Any, Final

from tree_sitter import Node

from smt_proofs.rust.device import RustDevice
from smt_proofs.rust.methods import LOGS, SAME, WRAPPERS, method
from smt_proofs.rust.patterns import matched
from smt_proofs.rust.syntax import RustFunction, parts, text_of
from smt_proofs.rust.values import (
    BITS,
    CONFIG,
    DEVICE,
    GUEST,
    METRICS,
    UNIT,
    Closure,
    Count,
    Record,
    Slice,
    Span,
    Variant,
)
from smt_proofs.source.ir import UnsupportedError

DEEPEST: Final = 30
"""Calls inside each other."""
Scope = dict[str, Any]


class _ReturnError(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class RustRun:
    """One run of functions of the source on a device."""

    def __init__(self, functions: dict[str, list[RustFunction]], device: RustDevice) -> None:
        self.functions, self.device, self.d = functions, device, device.d
        self._depth = 0

    def call(self, name: str, given: list[Any], line: int = 0) -> Any:
        """Carry out a function of the device. Raises UnsupportedError."""
        found = self.functions.get(name, [])
        if len(found) != 1:
            raise UnsupportedError(f"{name}, defined {len(found)} times", line)
        function = found[0]
        if len(given) != len(function.parameters) or self._depth > DEEPEST:
            raise UnsupportedError(f"call of {name}", line)
        if function.body.has_error:
            raise UnsupportedError("text that does not parse as Rust", function.line)
        self._depth += 1
        try:
            return self._block(function.body, dict(zip(function.parameters, given, strict=True)))
        except _ReturnError as done:
            return done.value
        finally:
            self._depth -= 1

    def _refuse(self, what: str, node: Node) -> UnsupportedError:
        return UnsupportedError(what, int(node.start_point[0]) + 1)

    def _block(self, node: Node, scope: Scope) -> Any:
        """The value of the last expression, where nothing ends it."""
        scope = _Inner(scope)
        value: Any = UNIT
        children = parts(node)
        for at, child in enumerate(children):
            value = self._statement(child, scope)
            ended = child.type == "let_declaration" or text_of(child).endswith(";")
            value = UNIT if ended or at + 1 < len(children) else value
        return value

    def _statement(self, node: Node, scope: Scope) -> Any:
        if node.type == "let_declaration":
            pattern, value = (node.child_by_field_name(n) for n in ("pattern", "value"))
            if value is None or pattern is None or node.child_by_field_name("alternative"):
                raise self._refuse("let without a value, or with else", node)
            kind = node.child_by_field_name("type")
            if kind is not None and text_of(kind) not in ("u64", "usize"):
                raise self._refuse(f"variable of type {text_of(kind)}", node)
            found = matched(self.device, pattern, self.value(value, scope))
            if found is None:
                raise self._refuse(f"pattern {text_of(pattern)}", node)
            scope.declare(found)  # type: ignore[attr-defined]
            return UNIT
        if node.type == "expression_statement":
            return self.value(parts(node)[0], scope)
        return self.value(node, scope)

    def truth(self, node: Node, scope: Scope) -> bool:
        """Whether a condition holds on this path; `let` in it binds names."""
        if node.type == "let_chain":
            return all(self.truth(part, scope) for part in parts(node))
        if node.type == "let_condition":
            pattern, value = (node.child_by_field_name(n) for n in ("pattern", "value"))
            assert pattern is not None and value is not None
            found = matched(self.device, pattern, self.value(value, scope))
            scope.declare(found or {})  # type: ignore[attr-defined]
            return found is not None
        return bool(self.d.test(self.value(node, scope)))

    def value(self, node: Node, scope: Scope) -> Any:
        """What an expression yields. Raises UnsupportedError."""
        handler = _HANDLERS.get(node.type)
        if handler is None:
            raise self._refuse(node.type.replace("_", " "), node)
        return handler(self, node, scope)

    def word(self, node: Node, scope: Scope) -> Any:
        """A number."""
        value = self.value(node, scope)
        if isinstance(value, Count):
            return self.device.number(value, int(node.start_point[0]) + 1)
        if isinstance(value, int) or hasattr(value, "sort"):
            return value
        raise self._refuse(f"{text_of(node)} as a number", node)

    # Expressions.

    def _identifier(self, node: Node, scope: Scope) -> Any:
        name = text_of(node)
        if name == "METRICS":
            return METRICS
        if name == "None":
            return Variant("None")
        if name not in scope:
            raise self._refuse(f"the name {name}, which is not defined here", node)
        return scope[name]

    def _literal(self, node: Node, scope: Scope) -> Any:
        text = text_of(node).replace("_", "")
        for suffix in ("usize", "u64", "u32", "u16"):
            text = text.removesuffix(suffix)
        return self.d.lit(int(text, 0))

    def _boolean(self, node: Node, scope: Scope) -> Any:
        return self.d.truth(text_of(node) == "true")

    def _field(self, node: Node, scope: Scope) -> Any:
        base = self.value(_part(node, "value"), scope)
        name = text_of(_part(node, "field"))
        if base is METRICS:
            return METRICS
        if base is DEVICE and name in ("config", "plugged_blocks"):
            return CONFIG if name == "config" else BITS
        if base is DEVICE and name == "slot_size":
            return self.device.slot_size
        if base is CONFIG and name in self.device.config:
            return self.device.config[name]
        if isinstance(base, Record) and name in base.fields:
            return base.fields[name]
        if name == "0" and (isinstance(base, int) or hasattr(base, "sort")):
            return base
        raise self._refuse(f"field {text_of(node)}", node)

    def _index(self, node: Node, scope: Scope) -> Any:
        base, index = (self.value(part, scope) for part in parts(node))
        if base is not BITS or not isinstance(index, Span):
            raise self._refuse(f"subscript {text_of(node)}", node)
        return Slice(index)

    def _range(self, node: Node, scope: Scope) -> Any:
        ends = parts(node)
        if len(ends) != 2 or "..=" in text_of(node):
            raise self._refuse(f"range {text_of(node)}", node)
        return Span(self.word(ends[0], scope), self.word(ends[1], scope))

    def _unary(self, node: Node, scope: Scope) -> Any:
        [operand] = parts(node)
        if text_of(node).startswith("*"):
            return self.value(operand, scope)
        value = self.value(operand, scope)
        if text_of(node).startswith("!") and not _is_word(value):
            return self.d.negate(value)
        raise self._refuse(f"operator {text_of(node)[0]}", node)

    def _reference(self, node: Node, scope: Scope) -> Any:
        return self.value(_part(node, "value"), scope)

    def _inside(self, node: Node, scope: Scope) -> Any:
        return self.value(parts(node)[0], scope)

    def _binary(self, node: Node, scope: Scope) -> Any:
        op = text_of(_part(node, "operator"))
        left, right = _part(node, "left"), _part(node, "right")
        if op in ("&&", "||"):
            first = self.truth(left, scope)
            return self.d.truth(first) if first is (op == "||") else self.value(right, scope)
        line = int(node.start_point[0]) + 1
        a = self.value(left, scope)
        if isinstance(a, Count) and op in ("==", "!="):
            same = self.device.is_count(a, self.word(right, scope), line)
            return same if op == "==" else self.d.negate(same)
        return self._computed(op, self.word(left, scope), self.word(right, scope), node)

    def _computed(self, op: str, a: Any, b: Any, node: Node) -> Any:
        d = self.d
        match op:
            case "+":
                return d.add(a, b)
            case "-":
                return d.sub(a, b)
            case "*":
                return d.mul(a, b)
            case "/" | "%":
                if d.test(d.eq(b, d.lit(0))):
                    raise self._refuse("a division by zero", node)
                return d.div(a, b) if op == "/" else d.mod(a, b)
            case "==":
                return d.eq(a, b)
            case "!=":
                return d.negate(d.eq(a, b))
            case "<":
                return d.lt(a, b)
            case "<=":
                return d.le(a, b)
            case ">":
                return d.lt(b, a)
            case ">=":
                return d.le(b, a)
        raise self._refuse(f"operator {op}", node)

    def _cast(self, node: Node, scope: Scope) -> Any:
        if text_of(_part(node, "type")) not in ("u64", "usize"):
            raise self._refuse(f"cast to {text_of(_part(node, 'type'))}", node)
        return self.word(_part(node, "value"), scope)

    def _assignment(self, node: Node, scope: Scope) -> Any:
        left, right = _part(node, "left"), _part(node, "right")
        value = self.value(right, scope)
        if node.type == "compound_assignment_expr":
            op = text_of(_part(node, "operator"))[:-1]
            value = self._computed(op, self.word(left, scope), self.word(right, scope), node)
        if left.type == "identifier" and text_of(left) in scope:
            scope.assign(text_of(left), value)  # type: ignore[attr-defined]
        elif left.type == "field_expression" and text_of(left).startswith("self.config."):
            name = text_of(_part(left, "field"))
            if name not in self.device.config:
                raise self._refuse(f"field {text_of(left)}", node)
            self.device.config[name] = value
        else:
            raise self._refuse(f"assignment to {text_of(left)}", node)
        return UNIT

    def _if(self, node: Node, scope: Scope) -> Any:
        inner = _Inner(scope)
        if self.truth(_part(node, "condition"), inner):
            return self._block(_part(node, "consequence"), inner)
        alternative = node.child_by_field_name("alternative")
        return UNIT if alternative is None else self.value(parts(alternative)[0], scope)

    def _match(self, node: Node, scope: Scope) -> Any:
        value = self.value(_part(node, "value"), scope)
        for arm in parts(_part(node, "body")):
            pattern = _part(arm, "pattern")
            found = matched(self.device, pattern, value)
            if found is None:
                continue
            inner = _Inner(scope)
            inner.declare(found)
            guard = pattern.child_by_field_name("condition")
            if guard is None or self.truth(guard, inner):
                return self.value(_part(arm, "value"), inner)
        raise self._refuse("match without an arm for every value", node)

    def _try(self, node: Node, scope: Scope) -> Any:
        value = self.value(parts(node)[0], scope)
        if not isinstance(value, Variant) or value.path not in ("Ok", "Some", "Err", "None"):
            raise self._refuse(f"? of {text_of(parts(node)[0])}", node)
        if value.path in ("Err", "None"):
            raise _ReturnError(value)
        return value.values[0]

    def _return(self, node: Node, scope: Scope) -> Any:
        given = parts(node)
        raise _ReturnError(self.value(given[0], scope) if given else UNIT)

    def _closure(self, node: Node, scope: Scope) -> Closure:
        patterns = parts(_part(node, "parameters"))
        body = _part(node, "body")

        def call(value: Any) -> Any:
            inner = _Inner(scope)
            for pattern in patterns:
                inner.declare(matched(self.device, pattern, value) or {})
            return self.value(body, inner)

        return Closure(call)

    def _record(self, node: Node, scope: Scope) -> Record:
        found = {}
        for item in parts(_part(node, "body")):
            name = item.child_by_field_name("field") or parts(item)[0]
            value = item.child_by_field_name("value") or name
            found[text_of(name)] = self.value(value, scope)
        return Record(found)

    def _path(self, node: Node, scope: Scope) -> Variant:
        return Variant(text_of(node))

    def _macro(self, node: Node, scope: Scope) -> Variant:
        if text_of(_part(node, "macro")) not in LOGS or any(c in text_of(node) for c in "={;"):
            raise self._refuse(f"macro {text_of(_part(node, 'macro'))}", node)
        return UNIT

    def _call(self, node: Node, scope: Scope) -> Any:
        function = _part(node, "function")
        nodes = parts(_part(node, "arguments"))
        line = int(node.start_point[0]) + 1
        if function.type == "field_expression":
            receiver = self.value(_part(function, "value"), scope)
            name = text_of(_part(function, "field"))
            if receiver is DEVICE:
                return self._own(name, nodes, scope, line)
            given = [self._argument(n, scope) for n in nodes]
            return method(self.device, receiver, name, given, line)
        given = [self._argument(n, scope) for n in nodes]
        name = text_of(function)
        if name in SAME and len(given) == 1:
            return self.word(nodes[0], scope)
        if name in WRAPPERS or function.type == "scoped_identifier":
            return Variant(name, tuple(given))
        raise self._refuse(f"call of {name}", node)

    def _argument(self, node: Node, scope: Scope) -> Any:
        """An argument; the name of a variant is a function of its value."""
        value = self.value(node, scope)
        if isinstance(value, Variant) and node.type == "scoped_identifier":
            return Closure(lambda inner: Variant(value.path, (inner,)))
        return value

    def _own(self, name: str, nodes: list[Node], scope: Scope, line: int) -> Any:
        """A method of the device: given, or followed."""
        if name == "guest_memory" and not nodes:
            return GUEST
        given = [self.value(n, scope) for n in nodes]
        if name == "update_kvm_slots" and len(given) == 1 and isinstance(given[0], Record):
            fields = given[0].fields
            size = self.d.mul(fields["nb_blocks"], self.device.fixed.block)
            return self.device.update_kvm_slots(fields["addr"], size, line)
        if name == "write_response" and given and isinstance(given[0], Variant):
            self.device.answers += (given[0],)
            return Variant("Ok", (UNIT,))
        return self.call(name, given, line)


class _Inner(dict[str, Any]):
    """Names of a block, with those around it."""

    def __init__(self, outer: Scope) -> None:
        super().__init__(outer)
        self._outer, self._own = outer, set[str]()

    def declare(self, names: Scope) -> None:
        self.update(names)
        self._own |= names.keys()

    def assign(self, name: str, value: Any) -> None:
        self[name] = value
        if name not in self._own and isinstance(self._outer, _Inner):
            self._outer.assign(name, value)


def _part(node: Node, name: str) -> Node:
    child = node.child_by_field_name(name)
    if child is None:
        kind = node.type.replace("_", " ")
        raise UnsupportedError(f"{kind} without {name}", int(node.start_point[0]) + 1)
    return child


def _is_word(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (hasattr(value, "sort") and value.sort().name() != "Bool")


_HANDLERS: Final[dict[str, Any]] = {
    "self": lambda run, node, scope: DEVICE,
    "identifier": RustRun._identifier,
    "integer_literal": RustRun._literal,
    "boolean_literal": RustRun._boolean,
    "field_expression": RustRun._field,
    "index_expression": RustRun._index,
    "range_expression": RustRun._range,
    "unary_expression": RustRun._unary,
    "reference_expression": RustRun._reference,
    "parenthesized_expression": RustRun._inside,
    "binary_expression": RustRun._binary,
    "type_cast_expression": RustRun._cast,
    "assignment_expression": RustRun._assignment,
    "compound_assignment_expr": RustRun._assignment,
    "if_expression": RustRun._if,
    "match_expression": RustRun._match,
    "try_expression": RustRun._try,
    "return_expression": RustRun._return,
    "closure_expression": RustRun._closure,
    "struct_expression": RustRun._record,
    "scoped_identifier": RustRun._path,
    "macro_invocation": RustRun._macro,
    "call_expression": RustRun._call,
    "block": RustRun._block,
    "unit_expression": lambda run, node, scope: UNIT,
    "expression_statement": RustRun._statement,
}

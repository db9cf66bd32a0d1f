"""Expressions of the subset of Rust: names, places, operators and calls."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tree_sitter import Node

from smt_proofs.rust.device import RustDevice
from smt_proofs.rust.methods import CLOSURES, LOGS, SAME, WRAPPERS, method
from smt_proofs.rust.patterns import same_variant
from smt_proofs.rust.scopes import Scope
from smt_proofs.rust.syntax import line_of, part, parts, text_of
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
    is_truth,
    is_word,
    ok,
)
from smt_proofs.source.typed import UnsupportedError

_LOGGED: Final = frozenset(
    {"string_literal", "identifier", "self", "integer_literal", "token_tree"}
)
"""What the arguments of a log are made of: none of it does anything."""


class Expressions:
    """What expressions yield; a run of functions adds control flow to it."""

    handlers: ClassVar[dict[str, Any]] = {}

    def __init__(self, device: RustDevice) -> None:
        self.device, self.d = device, device.d

    def refuse(self, what: str, node: Node) -> UnsupportedError:
        """The error for a construct outside the subset."""
        return UnsupportedError(what, line_of(node))

    def value(self, node: Node, scope: Scope) -> Any:
        """What an expression yields. Raises UnsupportedError."""
        handler = self.handlers.get(node.type)
        if handler is None:
            raise self.refuse(node.type.replace("_", " "), node)
        return handler(self, node, scope)

    def follow(self, name: str, given: list[Any], line: int) -> Any:
        """Carry out a function of the device."""
        raise NotImplementedError

    def number_of(self, value: Any, node: Node) -> Any:
        """A value as a number."""
        if isinstance(value, Count):
            return self.device.number(value, line_of(node))
        if is_word(value):
            return value
        raise self.refuse(f"{text_of(node)} as a number", node)

    def decided(self, node: Node, scope: Scope) -> bool:
        """Whether a condition holds on this path."""
        value = self.value(node, scope)
        if not is_truth(value):
            raise self.refuse(f"{text_of(node)} as a condition", node)
        return bool(self.d.test(value))

    def identifier(self, node: Node, scope: Scope) -> Any:
        """A local variable, or one of the few names that are given."""
        name = text_of(node)
        if name in scope:
            return scope[name]
        if name == "METRICS":
            return METRICS
        if name == "None":
            return Variant("None")
        raise self.refuse(f"the name {name}, which is not defined here", node)

    def literal(self, node: Node, scope: Scope) -> Any:
        """A number."""
        text = text_of(node).replace("_", "")
        for suffix in ("usize", "u64"):
            text = text.removesuffix(suffix)
        try:
            return self.d.lit(int(text, 0))
        except ValueError:
            raise self.refuse(f"the number {text_of(node)}", node) from None

    def field(self, node: Node, scope: Scope) -> Any:
        """base.name."""
        base = self.value(part(node, "value"), scope)
        name = text_of(part(node, "field"))
        if base is METRICS:
            return METRICS
        if base is DEVICE and name in ("config", "plugged_blocks"):
            return CONFIG if name == "config" else BITS
        if base is CONFIG and name in self.device.config:
            return self.device.config[name]
        if isinstance(base, Record) and name in base.fields:
            return base.fields[name]
        # An address is its number.
        if name == "0" and is_word(base):
            return base
        raise self.refuse(f"field {text_of(node)}", node)

    def index(self, node: Node, scope: Scope) -> Slice:
        """bitmap[start..end]."""
        base, index = (self.value(each, scope) for each in parts(node))
        if base is not BITS or not isinstance(index, Span):
            raise self.refuse(f"subscript {text_of(node)}", node)
        return self.device.blocks(index, line_of(node))

    def span(self, node: Node, scope: Scope) -> Span:
        """start..end."""
        ends = parts(node)
        if len(ends) != 2 or any(child.type == "..=" for child in node.children):
            raise self.refuse(f"range {text_of(node)}", node)
        start, end = (self.number_of(self.value(each, scope), each) for each in ends)
        return Span(start, end)

    def unary(self, node: Node, scope: Scope) -> Any:
        """*value is the value, !truth its negation."""
        value = self.value(parts(node)[0], scope)
        if text_of(node).startswith("*"):
            return value
        if text_of(node).startswith("!") and is_truth(value):
            return self.d.negate(value)
        raise self.refuse(f"operator {text_of(node)[0]}", node)

    def inside(self, node: Node, scope: Scope) -> Any:
        """What stands in parentheses, or behind & or &mut."""
        return self.value(parts(node)[-1], scope)

    def binary(self, node: Node, scope: Scope) -> Any:
        """left operator right."""
        op, line = text_of(part(node, "operator")), line_of(node)
        left, right = part(node, "left"), part(node, "right")
        if op in ("&&", "||"):
            first = self.decided(left, scope)
            if first is (op == "||"):
                return self.d.truth(first)
            return self.d.truth(self.decided(right, scope))
        a, b = self.value(left, scope), self.value(right, scope)
        if op in ("==", "!="):
            same = self._same(a, b, left, right)
            return same if op == "==" else self.d.negate(same)
        return self.computed(op, self.number_of(a, left), self.number_of(b, right), line)

    def _same(self, a: Any, b: Any, left: Node, right: Node) -> Any:
        if isinstance(a, Variant) and isinstance(b, Variant) and not a.values and not b.values:
            return self.d.truth(same_variant(a, b, line_of(left)))
        if isinstance(b, Count):
            a, b = b, a
        if isinstance(a, Count):
            return self.device.is_count(a, self.number_of(b, right), line_of(left))
        if is_truth(a) and is_truth(b):
            return self.d.same_truth(a, b)
        return self.d.eq(self.number_of(a, left), self.number_of(b, right))

    def computed(self, op: str, a: Any, b: Any, line: int) -> Any:
        """The result of an operator on numbers; sums, differences and products wrap."""
        d = self.d
        match op:
            case "+":
                return d.wrapping_add(a, b)
            case "-":
                return d.sub(a, b)
            case "*":
                return d.mul(a, b)
            case "/" | "%":
                self.device.must("the divisor is not zero", d.negate(d.eq(b, d.lit(0))), line)
                return d.div(a, b) if op == "/" else d.mod(a, b)
            case "<" | ">=":
                less = d.lt(a, b)
                return less if op == "<" else d.negate(less)
            case ">" | "<=":
                more = d.lt(b, a)
                return more if op == ">" else d.negate(more)
        raise UnsupportedError(f"operator {op}", line)

    def cast(self, node: Node, scope: Scope) -> Any:
        """value as u64 or usize."""
        kind, value = part(node, "type"), part(node, "value")
        if text_of(kind) not in ("u64", "usize"):
            raise self.refuse(f"cast to {text_of(kind)}", node)
        return self.number_of(self.value(value, scope), value)

    def record(self, node: Node, scope: Scope) -> Record:
        """RequestedRange { name: value, name }."""
        found = {}
        for item in parts(part(node, "body")):
            if item.type not in ("field_initializer", "shorthand_field_initializer"):
                raise self.refuse(f"struct with {text_of(item)}", node)
            children = parts(item)
            name = item.child_by_field_name("field") or children[0]
            found[text_of(name)] = self.value(item.child_by_field_name("value") or name, scope)
        return Record(found)

    def macro(self, node: Node, scope: Scope) -> Variant:
        """A line of a log, which nothing depends on."""
        name = text_of(part(node, "macro"))
        trees = [child for child in node.named_children if child.type == "token_tree"]
        if name not in LOGS or not all(_plain(tree) for tree in trees):
            raise self.refuse(f"macro {name}", node)
        return UNIT

    def call(self, node: Node, scope: Scope) -> Any:
        """A method, a function that is given, or a variant with values."""
        function, nodes = part(node, "function"), parts(part(node, "arguments"))
        name, line = text_of(function), line_of(node)
        if function.type == "field_expression":
            receiver = self.value(part(function, "value"), scope)
            given = [self.value(n, scope) for n in nodes]
            name = text_of(part(function, "field"))
            if receiver is DEVICE:
                return self._own(name, given, line)
            if name in CLOSURES:
                given = [_constructor(value) for value in given]
            return method(self.device, receiver, name, given, line)
        given = [self.value(n, scope) for n in nodes]
        if name in SAME and len(given) == 1:
            return self.number_of(given[0], nodes[0])
        if name in WRAPPERS or (function.type == "scoped_identifier" and _constructs(name)):
            return Variant(name, tuple(given))
        raise self.refuse(f"call of {name}", node)

    def _own(self, name: str, given: list[Any], line: int) -> Any:
        """A method of the device: given, or followed."""
        if name == "guest_memory" and not given:
            return GUEST
        if name == "update_kvm_slots" and len(given) == 1 and isinstance(given[0], Record):
            return self.device.update_kvm_slots(given[0], line)
        if name == "write_response" and len(given) == 3:
            self.device.answers += (tuple(given),)
            return ok()
        return self.follow(name, given, line)


def _constructs(path: str) -> bool:
    """A call of this path makes a value and does nothing else."""
    return path.rpartition("::")[2][:1].isupper() or path.startswith("Response::")


def _constructor(value: Any) -> Any:
    """The name of a variant, handed to who asks for a function, makes one of what it is given."""
    if isinstance(value, Variant) and not value.values and _constructs(value.path):
        return Closure(lambda inner: Variant(value.path, (inner,)))
    return value


def _plain(tree: Node) -> bool:
    return all(
        (child.type in _LOGGED and (child.type != "token_tree" or _plain(child)))
        if child.is_named
        else child.type in "(),.&"
        for child in tree.children
    )


Expressions.handlers |= {
    "self": lambda run, node, scope: DEVICE,
    "identifier": Expressions.identifier,
    "integer_literal": Expressions.literal,
    "boolean_literal": lambda run, node, scope: run.d.truth(text_of(node) == "true"),
    "field_expression": Expressions.field,
    "index_expression": Expressions.index,
    "range_expression": Expressions.span,
    "unary_expression": Expressions.unary,
    "reference_expression": Expressions.inside,
    "parenthesized_expression": Expressions.inside,
    "binary_expression": Expressions.binary,
    "type_cast_expression": Expressions.cast,
    "struct_expression": Expressions.record,
    "scoped_identifier": lambda run, node, scope: Variant(text_of(node)),
    "macro_invocation": Expressions.macro,
    "call_expression": Expressions.call,
    "unit_expression": lambda run, node, scope: UNIT,
}

"""Mutation operators: wrong uses of operations and helpers, wrong truth values, wrong effects."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from smt_proofs.mutation.edit import Edit, Expression, called, domain_call, handle, parsed, word

COMPARISONS: Final = {"lt": "le", "le": "lt"}
CONNECTIVES: Final = {"both": "either", "either": "both"}
SETS: Final = {
    "filled": "cleared",
    "cleared": "filled",
    "all_in": "none_in",
    "none_in": "all_in",
}
ARITHMETIC: Final = {"add": "sub", "sub": "add", "mul": "add", "div": "mod", "mod": "div"}
"""Operations that take their operands alike."""
REDUCED: Final = frozenset({"add", "sub", "mul", "div", "wrapping_add", "narrow"})
"""Operations that may be forgotten: the first operand is left."""
CHANGED_SETS: Final = frozenset({"dropped", "chosen", "with_groups", "filled", "cleared"})
"""Operations that change their first argument, a set."""


def domain_edits(node: ast.Call) -> Iterator[Edit]:
    """Wrong uses of the domain's operations."""
    name, arguments, what = called(node), node.args, handle(node)
    swaps = COMPARISONS | CONNECTIVES | SETS | ARITHMETIC
    if name in swaps:
        yield _becomes(node, swaps[name], domain_call(swaps[name], *arguments))
    if name in COMPARISONS or name == "sub":
        swapped = domain_call(name, *reversed(arguments))
        yield Edit(f"{what}-operands-swapped", (node,), (swapped,))
    if name == "eq":
        yield Edit(f"{what}-negated", (node,), (domain_call("negate", node),))
        # No word is below 0: there "at most" says the same.
        zero = ast.unparse(arguments[1]) == "d.lit(0)"
        pair = reversed(arguments) if zero else arguments
        yield _becomes(node, "ge" if zero else "le", domain_call("le", *pair))
    if name in CONNECTIVES:
        for number, argument in enumerate(arguments):
            other = arguments[1 - number]
            yield Edit(f"{name}-without-{handle(argument)}", (node,), (other,))
    if name == "negate":
        yield Edit(f"{what}-dropped", (node,), (arguments[0],))
    if name in REDUCED | CHANGED_SETS:
        yield Edit(f"{what}-undone", (node,), (arguments[0],))
    if name == "add":
        yield Edit(f"{what}-is-second", (node,), (arguments[1],))
    if name == "div":
        rounded = domain_call("add", node, parsed("d.lit(1)"))
        yield Edit(f"{what}-one-more", (node,), (rounded,))
    if name == "select":
        condition, then, otherwise = arguments
        swapped = domain_call(name, condition, otherwise, then)
        yield Edit(f"{what}-branches-swapped", (node,), (swapped,))
        yield Edit(f"{what}-always-first", (node,), (then,))
        yield Edit(f"{what}-always-second", (node,), (otherwise,))
    if name == "lit":
        yield from _literals(node)
    if name == "truth" and isinstance(value := arguments[0], ast.Constant):
        wrong = domain_call("truth", ast.Constant(not value.value))
        yield Edit(f"{what}-becomes-{not value.value}", (node,), (wrong,))


def _becomes(node: ast.Call, name: str, wrong: Expression) -> Edit:
    return Edit(f"{handle(node)}-becomes-{name}", (node,), (wrong,))


def _literals(node: ast.Call) -> Iterator[Edit]:
    """A constant that is off by one."""
    value = node.args[0]
    if isinstance(value, ast.Constant) and isinstance(value.value, int):
        wrong = [ast.Constant(n) for n in (value.value - 1, value.value + 1) if n >= 0]
        for constant in wrong:
            new = domain_call("lit", constant)
            yield Edit(f"{handle(value)}-becomes-{handle(constant)}", (node,), (new,))
    else:
        for sign, word in (("-", "less"), ("+", "more")):
            new = domain_call("lit", parsed(f"{ast.unparse(value)} {sign} 1"))
            yield Edit(f"{handle(value)}-one-{word}", (node,), (new,))


OTHER_RULE: Final = {
    "range_plugged": "range_unplugged",
    "range_unplugged": "range_plugged",
}
UNDONE: Final = {
    "mapped_for_plug": 2,
    "mapped_after_unplug": 2,
    "mapped_for_blocks": 2,
    "resize_usable_region": 2,
    "align_up": 1,
    "align_down": 1,
    "minimum": 1,
    "maximum": 1,
    "replace": 0,
}
"""Helpers that change one of their arguments, by its position: the change may be missing."""
INSTEAD: Final = {
    "align_up": ("rounds-down", "d.mul(d.div({1}, {2}), {2})"),
    "minimum": ("is-maximum", "d.select(d.lt({1}, {2}), {2}, {1})"),
    "maximum": ("is-minimum", "d.select(d.lt({1}, {2}), {1}, {2})"),
    "ceil_div": ("rounds-down", "d.div({1}, {2})"),
    "is_aligned": ("always", "d.truth(True)"),
    "slot_length": ("is-size", "{1}.size"),
    "effective_block": ("is-block", "{1}.block"),
}
"""What may be written in place of a helper, with the arguments by position, and its name."""


def helper_edits(node: ast.Call) -> Iterator[Edit]:
    """Wrong uses of a rule's helpers."""
    name = called(node)
    if name in OTHER_RULE:
        other = ast.Call(ast.Name(OTHER_RULE[name], ast.Load()), node.args, node.keywords)
        yield Edit(f"{name}-becomes-{OTHER_RULE[name]}", (node,), (other,))
    if name in UNDONE:
        yield Edit(f"{name}-undone", (node,), (node.args[UNDONE[name]],))
    if name in INSTEAD:
        label, text = INSTEAD[name]
        wrong = parsed(text.format(*(ast.unparse(argument) for argument in node.args)))
        yield Edit(f"{name}-{label}", (node,), (wrong,))
    names = [argument.id if isinstance(argument, ast.Name) else "" for argument in node.args]
    # The end of a range is a sum, which asks for no order.
    if names[-2:] == ["offset", "size"] and name != "end_slot":
        wrong = ast.Call(node.func, [*node.args[:-2], *reversed(node.args[-2:])], node.keywords)
        yield Edit(f"{name}-offset-size-swapped", (node,), (wrong,))
    for number, keyword in enumerate(node.keywords):
        others = node.keywords[:number] + node.keywords[number + 1 :]
        if isinstance(keyword.value, ast.Constant):
            wrong_value = ast.keyword(keyword.arg, ast.Constant(not keyword.value.value))
            others = [*others, wrong_value]
            wrong = ast.Call(node.func, node.args, others)
            label = f"{keyword.arg}-becomes-{not keyword.value.value}"
            yield Edit(label, (node,), (wrong,))
        elif name == "Result" or (name == "replace" and node.keywords[1:]):
            wrong = ast.Call(node.func, node.args, others)
            yield Edit(f"{name}-without-{keyword.arg}", (node,), (wrong,))


def selects_rules(node: ast.AST) -> bool:
    """The condition says which table a rule is looked up in: the other one does not hold it."""
    return isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In)


def truth_edits(node: ast.AST) -> Iterator[Edit]:
    """Wrong conditions of a branch: negated, a part forgotten, `or` for `and`."""
    if selects_rules(node):
        return
    if isinstance(node, ast.BoolOp):
        other: ast.boolop = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        wrong = ast.BoolOp(other, node.values)
        yield Edit(f"{handle(node)}-becomes-{word(other)}", (node,), (wrong,))
        for number, value in enumerate(node.values):
            rest = node.values[:number] + node.values[number + 1 :]
            left = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            yield Edit(f"{word(node.op)}-without-{handle(value)}", (node,), (left,))
    elif isinstance(node, ast.UnaryOp):
        yield Edit(f"{handle(node.operand)}-negated", (node,), (node.operand,))
    elif isinstance(node, ast.expr):
        wrong_way = ast.UnaryOp(ast.Not(), node)
        yield Edit(f"{handle(node)}-negated", (node,), (wrong_way,))


def conditions(node: ast.AST) -> Iterator[ast.AST]:
    """The truth values of a branch: the condition itself and what `and` and `or` join in it."""
    yield node
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from conditions(value)


def returned_edits(value: ast.expr | None) -> Iterator[Edit]:
    """A wrong truth value returned."""
    if isinstance(value, ast.Constant) and isinstance(value.value, bool):
        wrong = not value.value
        yield Edit(f"returns-{wrong}", (value,), (ast.Constant(wrong),))
    elif isinstance(value, ast.BoolOp | ast.UnaryOp):
        for condition in conditions(value):
            yield from truth_edits(condition)


def tuple_edits(node: ast.Tuple) -> Iterator[Edit]:
    """Effects: one left out, or the first two the other way round."""
    if isinstance(node.ctx, ast.Store):
        return
    for number, element in enumerate(node.elts):
        rest = [*node.elts[:number], *node.elts[number + 1 :]]
        label = f"{_effect(element)}-not-done"
        if label.startswith("-"):
            return
        yield Edit(label, (node,), (ast.Tuple(rest, ast.Load()),))
    if len(node.elts) > 1:
        first, second = map(_effect, node.elts[:2])
        swapped = ast.Tuple(list(reversed(node.elts)), ast.Load())
        yield Edit(f"{second}-before-{first}", (node,), (swapped,))


def _effect(node: ast.AST) -> str:
    if isinstance(node, ast.Starred):
        return "earlier"
    if called(node) == "Effect" and isinstance(node, ast.Call):
        return handle(node.args[0])
    return node.id if isinstance(node, ast.Name) else ""

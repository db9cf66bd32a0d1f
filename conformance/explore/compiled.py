"""The steps and invariants of one small device as Python functions, written from their terms.

What depends on the action alone is computed once for each action. A function says whether every
claim holds; which one does not is for the judge to say, who runs the rules themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NoReturn

from conformance.explore.masks import Masks, TooFar, cut, span
from conformance.explore.rows import FIELDS, Fix, Label, NotAlike, Step, row_of
from conformance.explore.shapes import (
    OPERANDS,
    Choice,
    Leaf,
    Shape,
    Tree,
    keeping_accepted,
    reads_accepted,
    shape_of,
    shape_tree,
    symbolic_state,
    tree_of,
    width_of,
)
from conformance.explore.terms import ACCEPTED, ACTION, Term
from conformance.judge.oracle import invariants_of
from model.arithmetic import U64_MASK
from model.state import ConcreteAction

SPELLING: Final = {
    "add": f"(({{}} + {{}}) & {U64_MASK})",
    "wrapping_add": f"(({{}} + {{}}) & {U64_MASK})",
    "sub": f"(({{}} - {{}}) & {U64_MASK})",
    "mul": f"(({{}} * {{}}) & {U64_MASK})",
    "div": "({} // {})",
    "mod": "({} % {})",
    "eq": "({} == {})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "both": "({} and {})",
    "either": "({} or {})",
    "negate": "(not {})",
    "same_truth": "({} == {})",
    "or": "({} | {})",
    "and": "({} & {})",
    "without": "({} & ~{})",
    "select": "({1} if {0} else {2})",
    "span": "span({}, {})",
    "cut": "cut({}, {})",
    "count": "{}.bit_count()",
}


class _Far:
    """What stands for an action's set that cannot be: using it raises TooFar."""

    def _refuse(self, *_: object) -> NoReturn:
        raise TooFar("an action names a block that no mask has")

    __and__ = __rand__ = __or__ = __ror__ = __bool__ = __add__ = __radd__ = _refuse
    __eq__ = __lt__ = __le__ = _refuse


def _once(compute: Callable[[], Any]) -> Any:
    try:
        return compute()
    except TooFar:
        return _Far()


class _Text:
    """The text of one function; `early` are the terms of the action, by the names they get."""

    def __init__(self) -> None:
        self.early: dict[Term, str] = {}

    def of(self, value: Any) -> str:
        """A value, or the name it gets where it depends on the action alone."""
        if isinstance(value, Term) and value.needs == ACTION and value.op != "var":
            return self.early.setdefault(value, f"k{len(self.early)}")
        return spelled(value, self.of)

    def all_of(self, claims: Sequence[Any]) -> str:
        """The conjunction of claims, each said once."""
        told = dict.fromkeys(self.of(claim) for claim in claims if claim is not True)
        return " and ".join(told) or "True"

    def lines(self, tree: Tree[Leaf], labels: dict[Label, int], indent: str) -> Iterator[str]:
        """What a step does, one line a branch or end."""
        if isinstance(tree, Choice):
            yield f"{indent}if {self.of(tree.condition)}:"
            yield from self.lines(tree.then, labels, indent + " ")
            yield from self.lines(tree.otherwise, labels, indent)
            return
        label = labels.setdefault((tree.answer, tree.block_state, tree.notified), len(labels))
        holds = self.all_of([claim for _, claim in tree.claims])
        row = "None" if tree.stays else f"({', '.join(self.of(tree.after[n]) for n in FIELDS)},)"
        yield f"{indent}return L{label}, {holds}, {row}"


def spelled(
    value: Any, part: Callable[[Any], str] | None = None, spelling: Mapping[str, str] = SPELLING
) -> str:
    """A value as an expression, of Python unless told; `part` spells what it is made of."""
    if not isinstance(value, Term):
        return repr(value)
    if value.op == "var":
        return str(value.args[0])
    if value.op == "narrow":
        value = Term("and", (value.args[0], (1 << value.args[1]) - 1), value.needs)
    parts = (spelled(one) if part is None else part(one) for one in value.args)
    return spelling[value.op].format(*parts)


class Compiled:
    """The device's steps by action, and its invariants.

    `judged`: the contracts are asked in each step. Raises NotAlike where states are to be `merged`
    that a rule tells apart.
    """

    row_of = staticmethod(row_of)

    def __init__(
        self, fixed: Fix, actions: Sequence[ConcreteAction], *, merged: bool, judged: bool
    ) -> None:
        self.terms = Masks(width_of(fixed))
        self.labels: dict[Label, int] = {}
        self.scope: dict[str, Any] = {
            "span": partial(span, width=self.terms.width),
            "cut": partial(cut, width=self.terms.width),
            "once": _once,
        }
        shapes = {
            shape: self._shape(fixed, shape, merged=merged, judged=judged)
            for shape in dict.fromkeys(map(shape_of, actions))
        }
        self.scope |= {f"L{number}": label for label, number in self.labels.items()}
        self.steps: tuple[Step, ...] = tuple(
            shapes[shape_of(done)](*(getattr(done, name) for name in OPERANDS)) for done in actions
        )
        self.holds: Callable[..., bool] = self._invariants(fixed)

    def _shape(
        self, fixed: Fix, shape: Shape, *, merged: bool, judged: bool
    ) -> Callable[..., Step]:
        tree = shape_tree(self.terms, fixed, shape, merged=merged, judged=judged)
        if merged:
            if reads_accepted(tree, shape[0]):
                raise NotAlike
            tree = keeping_accepted(tree, self.terms.variable("accepted", ACCEPTED))
        text = _Text()
        body = list(text.lines(tree, self.labels, "  "))
        early = [f" {name} = once(lambda: {spelled(one)})" for one, name in text.early.items()]
        lines = [
            f"def make({', '.join(OPERANDS)}):",
            *early,
            f" def step({', '.join(FIELDS)}):",
            *body,
            " return step",
        ]
        return self._compiled(lines, "make")

    def _invariants(self, fixed: Fix) -> Callable[..., bool]:
        state = symbolic_state(self.terms)

        def claimed() -> list[Any]:
            return [one.holds(self.terms, fixed, state) for one in invariants_of(fixed.mapping)]

        tree = tree_of(self.terms, claimed)
        if isinstance(tree, Choice):
            raise TypeError("an invariant of a state does not branch")
        head = f"def holds({', '.join(FIELDS)}):"
        return self._compiled([head, f" return {_Text().all_of(tree)}"], "holds")

    def _compiled(self, lines: list[str], name: str) -> Callable[..., Any]:
        found: dict[str, Any] = {}
        exec("\n".join(lines), self.scope, found)
        made: Callable[..., Any] = found[name]
        return made

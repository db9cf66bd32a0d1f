"""A small device as Quint, in which TLA+ models are written and run: the rules' terms, printed.

As in `promela`, nothing of a rule is said here. Sets are sets and words are integers that wrap at
64 bits, so this is the form to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from conformance.explore.graph import StateGraph
from conformance.explore.masks import Masks, TooFar
from conformance.explore.printing import (
    Unprintable,
    about,
    asked,
    named,
    seen_in,
    shared,
    step_tree,
)
from conformance.explore.rows import FIELDS, row_of
from conformance.explore.shapes import (
    OPERANDS,
    Choice,
    Leaf,
    Shape,
    Tree,
    shape_of,
    symbolic_state,
    width_of,
)
from conformance.explore.terms import Term
from conformance.judge.oracle import invariants_of
from model.contracts.words import SETS, SIZES

SPELLING: Final = {
    "add": "(({} + {}) % WORD)",
    "wrapping_add": "(({} + {}) % WORD)",
    "sub": "(({} - {} + WORD) % WORD)",
    "mul": "(({} * {}) % WORD)",
    "div": "({} / {})",
    "mod": "({} % {})",
    "narrow": "({} % 2^{})",
    "eq": "({} == {})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "both": "({} and {})",
    "either": "({} or {})",
    "negate": "not({})",
    "same_truth": "({} == {})",
    "or": "{}.union({})",
    "and": "{}.intersect({})",
    "without": "{}.exclude({})",
    "select": "(if ({}) {} else {})",
    "span": "{}.to({} - 1)",
    "cut": "cut({}, {})",
    "count": "{}.size()",
}
OF_SETS: Final = frozenset({"or", "and", "without", "count"})
"""What is asked of sets, and so makes a set of a mask that is known."""
SET_MADE: Final = frozenset({"or", "and", "without", "span", "cut"})

HEAD: Final = """\
{about}
//
//   quint typecheck FILE
//   quint run FILE --invariant holds --max-steps 20
module device {{
  pure val WORD = 2^64
  // The indices from start up to end that a set can have.
  pure def cut(start: int, end: int): Set[int] =
    0.to({last}).filter(index => start <= index and index < end)

  // The contracts that the last step did not keep.
  var broken_contracts: Set[str]
"""


def variable(name: str) -> str:
    """The variable of a field or an operand; `size` means something else in Quint."""
    return "plugged_size" if name == "size" else name


def is_set(value: Any) -> bool:
    """The term is a set, or chooses one of two."""
    if not isinstance(value, Term):
        return False
    if value.op == "select":
        return any(map(is_set, value.args[1:]))
    return value.op in SET_MADE or (value.op == "var" and value.args[0] in SETS)


def literal(value: int, *, as_set: bool) -> str:
    """A value that is known."""
    if as_set:
        return f"Set({', '.join(str(i) for i in range(value.bit_length()) if value >> i & 1)})"
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Printer:
    def __init__(self, graph: StateGraph) -> None:
        self.graph = graph
        self.terms = Masks(width_of(graph.fixed))
        self.names: dict[tuple[Term, bool], str] = {}
        self.plain: dict[str, None] = {}
        self.asked: dict[str, None] = {}

    def text(self) -> str:
        shapes = dict.fromkeys(map(shape_of, self.graph.actions))
        actions = [line for shape in shapes for line in self.action(shape)]
        plain = [name for name in self.plain if name not in self.asked]
        head = HEAD.format(about=about(self.graph, plain, "// "), last=self.terms.width - 1)
        lines = [*self.variables(), *self.invariants(), *actions, *self.step(), "}"]
        return head + "\n".join(lines) + "\n"

    def spelled(self, value: Any, *, as_set: bool = False) -> str:
        """A value as an expression; a mask that is known is a set where a set is meant."""
        if not isinstance(value, Term):
            return literal(value, as_set=as_set)
        if (value, as_set) in self.names:
            return self.names[value, as_set]
        if value.op == "var":
            return variable(value.args[0])
        parts = list(value.args)
        sets = value.op in OF_SETS or (value.op == "eq" and any(map(is_set, parts)))
        told = [self.spelled(one, as_set=sets) for one in parts]
        if value.op == "select":
            told = [
                self.spelled(parts[0]),
                *(self.spelled(one, as_set=as_set) for one in parts[1:]),
            ]
        return SPELLING[value.op].format(*told)

    def hoisted(self, roots: Iterable[Any], indent: str) -> Iterator[str]:
        """A name for each term that occurs more than once."""
        self.names = {}
        for term in shared(roots):
            if term.op != "select":
                text, name = self.spelled(term), f"t{len(self.names) // 2}"
                self.names |= {(term, False): name, (term, True): name}
                yield f"{indent}val {name} = {text}"

    def variables(self) -> Iterator[str]:
        start = []
        for name, value in zip(FIELDS, row_of(self.graph.states[0]), strict=True):
            kind = "Set[int]" if name in SETS else "int" if name in SIZES else "bool"
            yield f"  var {variable(name)}: {kind}"
            start.append(f"    {variable(name)}' = {literal(value, as_set=name in SETS)},")
        yield "\n  action init = all {"
        yield from start
        yield "    broken_contracts' = Set(),\n  }\n"

    def invariants(self) -> Iterator[str]:
        fixed, state = self.graph.fixed, symbolic_state(self.terms)
        self.names, names = {}, []
        for one in invariants_of(fixed.mapping):
            names.append(one.name.replace("-", "_"))
            yield f"  // {one.claim}"
            yield f"  val {names[-1]} = {self.spelled(one.holds(self.terms, fixed, state))}"
        yield "  val invariants = and {"
        yield from (f"    {name}," for name in names)
        yield "  }"
        yield "  val holds = invariants and broken_contracts == Set()\n"

    def action(self, shape: Shape) -> Iterator[str]:
        """The step of a kind."""
        tree = step_tree(self.terms, self.graph, shape)
        operands = ", ".join(f"{one}: int" for one in OPERANDS)
        yield f"  action {named(shape)}({operands}): bool = {{"
        yield from self.hoisted(asked(tree), "    ")
        yield from self.branch(tree, "    ")
        yield "  }\n"

    def branch(self, tree: Tree[Leaf], indent: str) -> Iterator[str]:
        if isinstance(tree, Choice):
            yield f"{indent}if ({self.spelled(tree.condition)}) {{"
            yield from self.branch(tree.then, indent + "  ")
            yield f"{indent}}} else {{"
            yield from self.branch(tree.otherwise, indent + "  ")
            yield f"{indent}}}"
            return
        self.plain |= dict.fromkeys(name for name, holds in tree.claims if holds is True)
        claims = [(name, holds) for name, holds in tree.claims if holds is not True]
        self.asked |= dict.fromkeys(name for name, _ in claims)
        yield f"{indent}// {seen_in(tree)}"
        yield f"{indent}all {{"
        for name, value in tree.after.items():
            yield f"{indent}  {variable(name)}' = {self.spelled(value, as_set=name in SETS)},"
        yield f"{indent}  broken_contracts' = Set("
        yield from dict.fromkeys(
            f'{indent}    ("{name}", {self.spelled(holds)}),' for name, holds in claims
        )
        yield f"{indent}  ).filter(claim => not(claim._2)).map(claim => claim._1),"
        yield f"{indent}}}"

    def step(self) -> Iterator[str]:
        """Any action, at any time, unless an invariant does not hold."""
        yield "  action step = all {"
        yield "    invariants,"
        yield "    any {"
        for done in self.graph.actions:
            operands = ", ".join(str(getattr(done, name)) for name in OPERANDS)
            yield f"      {named(shape_of(done))}({operands}),"
        yield "    },"
        yield "  }"


def as_quint(graph: StateGraph) -> str:
    """The device of a graph. Raises Unprintable where a rule names a block that no set has."""
    try:
        return _Printer(graph).text()
    except TooFar as error:
        raise Unprintable(f"the rules cannot be printed: {error}") from None

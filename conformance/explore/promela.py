"""A small device as Promela, for SPIN: the terms of the rules, printed.

Nothing of a rule is said here. `shapes` runs the rules, invariants and contracts over the domain
that writes down what they ask, and this prints what was written down: an option of one loop for
each action, a C function for each kind of step (Promela has no word of 64 bits, C has). SPIN stores
as many states as the graph has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from conformance.explore.compiled import spelled
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
    "add": "({} + {})",
    "wrapping_add": "({} + {})",
    "sub": "({} - {})",
    "mul": "({} * {})",
    "div": "({} / {})",
    "mod": "({} % {})",
    "eq": "({} == {})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "both": "({} && {})",
    "either": "({} || {})",
    "negate": "(!{})",
    "same_truth": "({} == {})",
    "or": "({} | {})",
    "and": "({} & {})",
    "without": "({} & ~{})",
    "select": "({} ? {} : {})",
    "span": "span({}, {})",
    "cut": "cut({}, {})",
    "count": "__builtin_popcountll({})",
}
"""Words are 64 bits wide and wrap, in C as in the rules."""

WORDS: Final = SETS | SIZES
TRUTHS: Final = frozenset({"eq", "lt", "le", "both", "either", "negate", "same_truth"})

HEAD: Final = """\
/*
{about}
 *
 *   spin -a FILE && gcc -O2 -DSAFETY -DNOREDUCE -o pan pan.c && ./pan     (-DBFS: the fewest steps)
 *   ./pan -r -S                                                            the steps to what fails
 */
c_decl {{
typedef unsigned long long word;
}}
"""
MACHINERY: Final = """\
c_code {{
#define WIDTH {width}ull
static const char *const claims[] = {{
  {names}
}};
static unsigned char told[{count}];
static int failing;

static void fails(int claim) {{
  failing = 1;
  if (!told[claim]) printf("fails: %s\\n", claims[claim]);
  told[claim] = 1;
}}

/* The indices [start, end). */
static word span(word start, word end) {{
  if (start >= end) return 0;
  if (end > WIDTH) {{ fails(0); return 0; }}
  return (1ull << end) - (1ull << start);
}}

/* Those of [start, end) that a set can have. */
static word cut(word start, word end) {{
  return span(start, end < WIDTH ? end : WIDTH);
}}
}}
"""
TAKEN: Final = """\
/* A state in which an invariant does not hold is not left again. */
c_code {
static void taken(void (*step)(word, word, word), word addr, word blocks, word value) {
  int broken;
  failing = 0;
  if (now.lost) return;
  step(addr, blocks, value);
  broken = failing;
  failing = 0;
  judge();
  now.lost = failing;
  failing |= broken;
}
}

#define STEP(told, step, addr, blocks, value) \\
  :: d_step { printf(told); c_code { taken(step, addr, blocks, value); }; \\
              assert(c_expr { !failing }) }
"""
TOO_FAR: Final = "every block and memslot is one that a set can have"


def expression(value: Any, part: Callable[[Any], str]) -> str:
    """A value as a C expression; `part` spells what it is made of."""
    return literal(value) if isinstance(value, int) else spelled(value, part, SPELLING)


def literal(value: int) -> str:
    """A value that is known, as a C expression."""
    return str(int(value)) if isinstance(value, bool) else f"{value}ull"


class _Printer:
    def __init__(self, graph: StateGraph) -> None:
        self.graph = graph
        self.terms = Masks(width_of(graph.fixed))
        self.claims = {TOO_FAR: 0}
        self.plain: dict[str, None] = {}
        self.names: dict[Term, str] = {}

    def text(self) -> str:
        shapes = dict.fromkeys(map(shape_of, self.graph.actions))
        functions = [line for shape in shapes for line in self.function(shape)]
        sound = list(self.sound())
        names = ",\n  ".join(f'"{name}"' for name in self.claims)
        machinery = MACHINERY.format(width=self.terms.width, names=names, count=len(self.claims))
        lines = [*self.variables(), machinery, *sound, *functions, *self.process()]
        plain = [name for name in self.plain if f"contract {name}" not in self.claims]
        return HEAD.format(about=about(self.graph, plain, " * ")) + "\n".join(lines) + "\n"

    def variables(self) -> Iterator[str]:
        """The state, as it is at the start."""
        for name, value in zip(FIELDS, row_of(self.graph.states[0]), strict=True):
            kind = "word" if name in WORDS else "uchar"
            yield f'c_state "{kind} {name}" "Global" "{literal(value)}"'
        yield 'c_state "uchar lost" "Global" "0"'

    def state(self) -> Iterator[str]:
        for name in FIELDS:
            kind = "word" if name in WORDS else "uchar"
            yield f"  const {kind} {name} = now.{name};"

    def claim(self, name: str, holds: Any, indent: str) -> str:
        """A line that asks whether a claim holds."""
        number = self.claims.setdefault(name, len(self.claims))
        return f"{indent}if (!{self.told(holds)}) fails({number});"

    def told(self, value: Any) -> str:
        """A value in the function that is printed now."""
        if isinstance(value, Term) and value in self.names:
            return self.names[value]
        return expression(value, self.told)

    def hoisted(self, roots: Iterable[Any]) -> Iterator[str]:
        """A name for each term that occurs more than once in a function."""
        self.names = {}
        for term in shared(roots):
            kind = "int" if term.op in TRUTHS else "word"
            text = self.told(term)
            self.names[term] = f"{kind[0]}{len(self.names)}"
            yield f"  const {kind} {self.names[term]} = {text};"

    def sound(self) -> Iterator[str]:
        """Every invariant of the state that a step led to."""
        fixed, state = self.graph.fixed, symbolic_state(self.terms)
        yield "c_code {"
        yield "static void judge(void) {"
        yield from self.state()
        claims = [
            (f"invariant {one.name}", one.holds(self.terms, fixed, state))
            for one in invariants_of(fixed.mapping)
        ]
        yield from self.hoisted(holds for _, holds in claims)
        for name, holds in claims:
            yield self.claim(name, holds, "  ")
        yield "}\n}"

    def function(self, shape: Shape) -> Iterator[str]:
        """The step of a kind, from the state that is now."""
        tree = step_tree(self.terms, self.graph, shape)
        # A block for each: SPIN takes no longer ones.
        yield "c_code {"
        yield f"static void {named(shape)}({', '.join(f'word {one}' for one in OPERANDS)}) {{"
        yield from self.state()
        yield from self.hoisted(asked(tree))
        yield from self.branch(tree, "  ")
        yield "}\n}"

    def branch(self, tree: Tree[Leaf], indent: str) -> Iterator[str]:
        if isinstance(tree, Choice):
            yield f"{indent}if ({self.told(tree.condition)}) {{"
            yield from self.branch(tree.then, indent + "  ")
            yield f"{indent}}} else {{"
            yield from self.branch(tree.otherwise, indent + "  ")
            yield f"{indent}}}"
            return
        yield f"{indent}/* {seen_in(tree)} */"
        self.plain |= dict.fromkeys(name for name, holds in tree.claims if holds is True)
        yield from dict.fromkeys(
            self.claim(f"contract {name}", holds, indent)
            for name, holds in tree.claims
            if holds is not True
        )
        for name, value in tree.after.items():
            if value is not self.variable(name):
                yield f"{indent}now.{name} = {self.told(value)};"

    def variable(self, name: str) -> Any:
        return getattr(symbolic_state(self.terms), name)

    def process(self) -> Iterator[str]:
        """The loop: any action, at any time."""
        yield TAKEN
        yield "active proctype device() {"
        yield "  do"
        for done in self.graph.actions:
            kind = named(shape_of(done))
            operands = [getattr(done, name) for name in OPERANDS]
            told = f"{kind.removeprefix('do_')} {' '.join(f'{one:#x}' for one in operands)}\\n"
            yield f'  STEP("{told}", {kind}, {", ".join(map(literal, operands))})'
        yield "  od"
        yield "}"


def as_promela(graph: StateGraph) -> str:
    """The device of a graph. Raises Unprintable where a rule names a block that no set has."""
    try:
        return _Printer(graph).text()
    except TooFar as error:
        raise Unprintable(f"the rules cannot be printed: {error}") from None

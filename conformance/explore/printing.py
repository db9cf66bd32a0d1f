"""What the printers of a small device share: its terms in order, and what there is to say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from textwrap import fill
from typing import Any, Final

from conformance.explore.graph import StateGraph
from conformance.explore.masks import Masks
from conformance.explore.shapes import Choice, Leaf, Shape, Tree, keeping_accepted, shape_tree
from conformance.explore.terms import ACCEPTED, Term
from conformance.traces.codec import FAULT_NAMES

MERGED: Final = (
    " The feature that the driver accepted is left out, as no rule reads it; contracts are held "
    "against both of its values."
)


class Unprintable(ValueError):
    """A device whose steps cannot be printed; the message is one line."""


def shared(roots: Iterable[Any]) -> list[Term]:
    """The terms that occur more than once below the roots, each behind what it is made of.

    Only those that may be computed where nobody asks for them: no set is made that cannot be, and
    no divisor can be 0.
    """
    times: Counter[Term] = Counter()
    order: list[Term] = []
    harmful: set[Term] = set()

    def visit(term: Term) -> None:
        times[term] += 1
        if times[term] > 1:
            return
        parts = [one for one in term.args if isinstance(one, Term)]
        for one in parts:
            visit(one)
        divides = term.op in ("div", "mod") and not isinstance(term.args[1], int)
        if divides or term.op == "span" or not harmful.isdisjoint(parts):
            harmful.add(term)
        elif term.op != "var":
            order.append(term)

    for root in roots:
        if isinstance(root, Term):
            visit(root)
    return [term for term in order if times[term] > 1]


def step_tree(terms: Masks, graph: StateGraph, shape: Shape) -> Tree[Leaf]:
    """The step of a kind as the graph has it: with its contracts, from states merged where they
    are. Raises TooFar."""
    tree = shape_tree(terms, graph.fixed, shape, merged=graph.merged, judged=True)
    if graph.merged:
        return keeping_accepted(tree, terms.variable("accepted", ACCEPTED))
    return tree


def seen_in(leaf: Leaf) -> str:
    """What is seen of a step, in words."""
    state = [] if leaf.block_state is None else [leaf.block_state.value]
    return ", ".join([leaf.answer.value, *state, *["notified"] * leaf.notified])


def asked(tree: Tree[Leaf]) -> Iterator[Any]:
    """Everything that is computed in a step."""
    if isinstance(tree, Choice):
        yield tree.condition
        yield from asked(tree.then)
        yield from asked(tree.otherwise)
    else:
        yield from (holds for _, holds in tree.claims)
        yield from tree.after.values()


def named(shape: Shape) -> str:
    """The name that a kind of step gets."""
    op, faults = shape
    failing = [name for name in FAULT_NAMES if getattr(faults, name)]
    return "_".join(["do", op.value.replace("-", "_"), *(f"{name}_fails" for name in failing)])


def about(graph: StateGraph, plain: Iterable[str], mark: str) -> str:
    """What a printed device is, as lines that begin with `mark`; `plain` are the contracts that
    its terms say nothing of."""
    config, slots = graph.config, graph.fixed.slots.count
    told = [
        f"The virtio-mem device of profile {graph.profile.name}: {config.region // config.block} "
        f"blocks in {slots} memslots, {len(graph.states)} states.{MERGED if graph.merged else ''}",
        "Every contract is asked in each step that it is about, every invariant in each state "
        "after a step; their names are below. Sizes are bytes; a set of blocks or memslots has one "
        "bit an index.",
        f"Contracts whose terms are plainly true of this device: {', '.join(plain)}.",
    ]
    lines = (
        fill(one, 98, initial_indent=mark, subsequent_indent=mark, break_on_hyphens=False)
        for one in told
    )
    return f"\n{mark.rstrip()}\n".join(lines)

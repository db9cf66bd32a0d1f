"""What a step of one kind does, as a decision tree over the device's state and the action's range.

The tree comes of the rules themselves, run over a domain that writes down what they ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Generic, TypeAlias, TypeVar

from conformance.explore.masks import Masks
from conformance.explore.rows import FIELDS, Fix
from conformance.explore.terms import ACCEPTED, ACTION, STATE, Fork, Term, Terms, Truth
from model.contracts import contracts_of
from model.rules import step
from model.state import (
    REQUESTS,
    Action,
    Answer,
    BlockState,
    ConcreteAction,
    Faults,
    Op,
    State,
)

T = TypeVar("T")
OPERANDS: Final = ("addr", "blocks", "value")
"""What a shape leaves open of an action."""
Shape: TypeAlias = tuple[Op, Faults[bool]]
Claims: TypeAlias = tuple[tuple[str, Truth], ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """How one path ends: what was answered, each field of the state after it, and the claims.

    `claims` are the contracts, by name. `effects` is all that is done to the host on the way.
    """

    answer: Answer
    block_state: BlockState | None
    notified: bool
    after: dict[str, Any]
    effects: tuple[Any, ...]
    claims: Claims

    @property
    def stays(self) -> bool:
        """Every field is as it was."""
        return all(
            isinstance(value, Term) and value.op == "var" and value.args[0] == name
            for name, value in self.after.items()
        )


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """A branch: what holds if the condition does, and else."""

    condition: Term
    then: Tree[T]
    otherwise: Tree[T]


Tree: TypeAlias = "Choice[T] | T"


def width_of(fixed: Fix) -> int:
    """Every index of blocks or memslots is below this; a block above the region can be named."""
    return max(fixed.region // fixed.block, fixed.slots.count) + 2


def symbolic_state(terms: Terms) -> State[Any, Any, Any]:
    """A state of variables, each with the name of its field."""
    named = {
        name: terms.variable(name, ACCEPTED if name == "accepted" else STATE) for name in FIELDS
    }
    return State(**named)


def shape_of(done: ConcreteAction) -> Shape:
    """The shape of an action's step."""
    return done.op, done.faults


def tree_of(terms: Terms, run: Callable[[], T]) -> Tree[T]:
    """The results of `run` for every outcome of its branches."""
    held = dict(terms.known)
    try:
        return run()
    except Fork as fork:
        condition = fork.condition
    sides = []
    for outcome in (True, False):
        terms.known = dict(held)
        terms.assume(condition, outcome)
        sides.append(tree_of(terms, run))
    terms.known = held
    return Choice(condition, *sides)


def _flags(accepted: Term, op: Op, *, merged: bool) -> tuple[Truth, ...]:
    """What `accepted` is before a step that is judged."""
    if not merged:
        return (accepted,)
    return (False,) if op in REQUESTS else (False, True)


def reads_accepted(tree: Tree[Leaf], op: Op) -> bool:
    """Two states that differ in `accepted` alone may differ in more after this step."""
    if isinstance(tree, Choice):
        if tree.condition.needs & ACCEPTED:
            return True
        return reads_accepted(tree.then, op) or reads_accepted(tree.otherwise, op)
    told = [value for name, value in tree.after.items() if name != "accepted"]
    if any(isinstance(one, Term) and one.needs & ACCEPTED for one in (*told, *tree.effects)):
        return True
    flag = tree.after["accepted"]
    if isinstance(flag, bool):
        return op in REQUESTS
    return not (flag.op == "var" and flag.needs == ACCEPTED)


def keeping_accepted(tree: Tree[Leaf], flag: Term) -> Tree[Leaf]:
    """The same with the flag, a variable, left as it was: the step of states merged."""
    if isinstance(tree, Choice):
        sides = keeping_accepted(tree.then, flag), keeping_accepted(tree.otherwise, flag)
        return Choice(tree.condition, *sides)
    return replace(tree, after={**tree.after, "accepted": flag})


def shape_tree(terms: Masks, fixed: Fix, shape: Shape, *, merged: bool, judged: bool) -> Tree[Leaf]:
    """The step of that shape from any state.

    With `judged` the contracts are in its leaves; with `merged` as well those of an event for a
    driver that accepted the feature and for one that did not.
    """
    op, faults = shape
    before = symbolic_state(terms)
    operands = {name: terms.variable(name, ACTION) for name in OPERANDS}
    done: Action[Any, Any] = Action(op=op, **operands, faults=faults)

    def run() -> Leaf:
        result = step(terms, fixed, before, done)
        claims: list[tuple[str, Truth]] = []
        flags = _flags(before.accepted, op, merged=merged) if judged else ()
        for flag in flags:
            left = replace(before, accepted=flag)
            after, came = result.state.accepted, result
            if after is before.accepted:
                came = replace(result, state=replace(result.state, accepted=flag))
            for contract in contracts_of(op, fixed.mapping):
                claims.append((contract.name, contract.holds(terms, fixed, left, done, came)))
        return Leaf(
            answer=result.answer,
            block_state=result.block_state,
            notified=result.notified,
            after={name: getattr(result.state, name) for name in FIELDS},
            effects=tuple(
                getattr(effect, field.name) for effect in result.effects for field in fields(effect)
            ),
            claims=tuple(claims),
        )

    return tree_of(terms, run)

"""Outcomes of every shape: what a transition might answer, tell and do, whatever its rule does.

Of an outcome, the answer, the payload, whether the guest is notified and which effects there are in
which order is its shape; all else is words, truth values and sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, TypeAlias

import z3

from model.effects import Did, Effect
from model.state import Answer, BlockState, Fixed, Result
from smt_proofs.solving.solve import Term
from smt_proofs.transitions.claims import REALIZE, Claim
from smt_proofs.transitions.inputs import any_state
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.statements import Kind


class OtherKinds:
    """Any sequence of effects that is none of those it was compared with, which it remembers.

    Whoever only compares it learns that it is not equal, which is so of all those sequences.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.compared: dict[tuple[Did, ...], None] = {}

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, tuple)
        self.compared[other] = None
        return False


Kinds: TypeAlias = tuple[Did, ...] | OtherKinds


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of outcome it is."""

    answer: Answer
    block_state: BlockState | None
    notified: bool
    kinds: Kinds

    @property
    def text(self) -> str:
        """In words."""
        told = [self.answer.value, *([self.block_state.value] if self.block_state else [])]
        told += ["notified"] if self.notified else []
        if isinstance(self.kinds, OtherKinds):
            return f"{' '.join(told)}, with effects that no contract names"
        return ", ".join([" ".join(told), *(kind.value for kind in self.kinds)])


@dataclass(frozen=True, slots=True)
class WithOtherKinds:
    """An outcome of which the effects are not known: asking for one of them is an error."""

    state: Any
    answer: Answer
    block_state: BlockState | None
    notified: bool
    kinds: OtherKinds


REALIZED: Final = Shape(Answer.DONE, None, notified=False, kinds=())
"""The shape of a device just realized: it is a state, and there is nothing else to it."""


def shape_of(result: Result[Any, Any, Any]) -> Shape:
    """The shape of an outcome."""
    return Shape(result.answer, result.block_state, result.notified, result.kinds)


class Outcomes:
    """All outcomes of every shape, by one name: those of two shapes share what both have."""

    def __init__(self, d: SetTerms, name: str) -> None:
        self._d, self._name = d, name
        self._state = any_state(d, name)
        self._effects: dict[tuple[int, Did], Effect[Any, Any, Any]] = {}

    def of(self, shape: Shape) -> Any:
        """All outcomes of a shape."""
        head = self._state, shape.answer, shape.block_state, shape.notified
        if isinstance(shape.kinds, OtherKinds):
            return WithOtherKinds(*head, shape.kinds)
        return Result(*head, tuple(self._effect(*place) for place in enumerate(shape.kinds, 1)))

    def _effect(self, n: int, did: Did) -> Effect[Any, Any, Any]:
        if (n, did) not in self._effects:
            self._effects[n, did] = _any_effect(self._d, did, f"{n}{self._name}")
        return self._effects[n, did]


def _any_effect(d: SetTerms, did: Did, name: str) -> Effect[Any, Any, Any]:
    return Effect(
        did,
        d.members(f"plugged_then_{name}", Kind.BLOCK),
        d.members(f"mapped_then_{name}", Kind.SLOT),
        d.bytes(f"offset_{name}", whole=False),
        d.bytes(f"size_{name}", whole=False),
        d.flag(f"done_{name}"),
    )


def said(
    d: SetTerms, f: Fixed[Any, Any], s: Any, a: Any, outcome: Any, claims: Iterable[Claim]
) -> Iterator[tuple[Claim, Term]]:
    """What each claim says of an outcome. One that asks for effects that are not known says
    nothing."""
    for claim in claims:
        try:
            with d.choosing():
                term = claim.holds(d, f, s, a, outcome)
        except AttributeError:
            if not isinstance(outcome, WithOtherKinds):
                raise
            continue
        yield claim, term


def shapes(
    d: SetTerms, f: Any, s: Any, a: Any, transition: str, claims: Iterable[Claim]
) -> list[Shape]:
    """The shapes that outcomes may have: all but those of which a claim is plainly false.

    The domain keeps what evaluating the claims brought up, and is good for nothing else afterwards.
    """
    if transition == REALIZE:
        return [REALIZED]
    asked = [claim for claim in claims if not claim.of_state]
    outcomes = Outcomes(d, "")

    def refused(shape: Shape) -> bool:
        outcome = outcomes.of(shape)
        for claim, term in said(d, f, s, a, outcome, list(asked)):
            if z3.is_false(z3.simplify(term)):
                # What refuses one refuses many: it is asked first from now on.
                asked.remove(claim)
                asked.insert(0, claim)
                return True
        return False

    others = OtherKinds()
    heads = list(product(Answer, (None, *BlockState), (False, True)))
    with d.without_duties():
        unnamed = [shape for head in heads if not refused(shape := Shape(*head, others))]
        # The sequences that a contract compares with are tried one by one.
        named = [Shape(*head, kinds) for head in heads for kinds in others.compared]
        return [*(shape for shape in named if not refused(shape)), *unnamed]

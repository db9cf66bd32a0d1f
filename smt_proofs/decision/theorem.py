"""What a theorem is: inputs, hypotheses with their reasons, a goal over the rules, and controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Generic, TypeAlias, TypeVar

from smt_proofs.lemmas.lemma import Lemma
from smt_proofs.solving.solve import Term
from smt_proofs.symbolic.evaluation import Terms
from smt_proofs.symbolic.terms import BitTerms, IntTerms

C = TypeVar("C")
"""The inputs of a theorem: the same record over solver terms and over machine integers."""
Hints: TypeAlias = list[tuple[Lemma, tuple[Term, ...]]]
"""Lemma instances."""


class Arithmetic(Enum):
    """The reading of C words in which a theorem is proven."""

    INTEGERS = "integers, with proven no-wrap conditions"
    BITS = "64-bit vectors"

    def terms(self) -> type[Terms]:
        """The symbolic domain of this reading."""
        return IntTerms if self is Arithmetic.INTEGERS else BitTerms


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """An assumption with its reason. `holds` takes (domain, inputs) and works in every domain."""

    name: str
    text: str
    why: str
    holds: Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Outside(Generic[C]):
    """Inputs that violate one hypothesis alone and make the goal fail: it can't be dropped."""

    hypothesis: str
    inputs: C
    shows: str


@dataclass(frozen=True, slots=True)
class Theorem(Generic[C]):
    """A claim about the rules, for all inputs that meet its hypotheses.

    `inputs` makes the symbolic inputs in a domain, `over` says which those are in words; `goal`
    evaluates the rules and returns the claim, that an `invariant` holds where it names one; `hints`
    names the lemma instances the solver is given. `mutants` are the wrong rules of
    `decision.mutants` that this theorem must refute. `pins` fixes some inputs by name when a
    counterexample to a mutant is searched, for the search only.
    """

    name: str
    claim: str
    source: str
    arithmetic: Arithmetic
    inputs: Callable[[Any], C]
    hypotheses: tuple[Hypothesis, ...]
    goal: Callable[[Any, C], Any]
    mutants: tuple[str, ...]
    invariant: str = ""
    hints: Callable[[IntTerms, C], Hints] | None = None
    outside: tuple[Outside[C], ...] = ()
    pins: dict[str, int] = field(default_factory=dict)
    over: str = "all C inputs"
    profiles: tuple[str, ...] = ("seed-v2", "qemu", "qemu-8.2")


THEOREMS: Final[dict[str, Theorem[Any]]] = {}


def register(theorem: Theorem[C]) -> Theorem[C]:
    """Add a theorem to the book. Raises ValueError for a name taken or a witness left out."""
    if theorem.name in THEOREMS:
        raise ValueError(f"theorem {theorem.name} is registered twice")
    shown = {outside.hypothesis for outside in theorem.outside}
    assumed = {hypothesis.name for hypothesis in theorem.hypotheses}
    if shown != assumed:
        raise ValueError(f"{theorem.name}: a witness outside is owed for {sorted(assumed ^ shown)}")
    if not theorem.mutants:
        raise ValueError(f"{theorem.name} has no negative control")
    THEOREMS[theorem.name] = theorem
    return theorem

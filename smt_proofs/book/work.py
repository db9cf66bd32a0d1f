"""The tasks that a book of proofs is made of, each carried out in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from model.profiles import PROFILES, Mapping

# A family registers its theorems when imported: these are the first of the book.
from smt_proofs.decision import memslots  # isort: split

from smt_proofs.decision import adequacy, caller, helpers, machine, plugging, storage, tiling
from smt_proofs.decision.outcome import Proof
from smt_proofs.decision.prover import prove
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas import (
    cardinality,
    devices,
    division,
    doubles,
    groups,
    products,
    searches,
    summaries,
)
from smt_proofs.lemmas import radix as radix_lemmas
from smt_proofs.lemmas import slots as slot_lemmas
from smt_proofs.lemmas.foundations import LemmaProof, prove_by_induction, prove_lemma
from smt_proofs.lemmas.index_induction import INDUCTIONS, Induction
from smt_proofs.lemmas.lemma import LEMMAS, Lemma
from smt_proofs.solving.means import Decider, Means, export
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.determined_proofs import determined_name, prove_determined
from smt_proofs.transitions.proofs import (
    INVARIANTS_DEFINED,
    TransitionProof,
    prove_transition,
)

FAMILIES: Final = (memslots, storage, plugging, tiling, adequacy, helpers, caller, machine)
"""The modules that register theorems when imported; a test holds them complete."""
FOUNDATIONS: Final = (
    products,
    division,
    doubles,
    radix_lemmas,
    slot_lemmas,
    summaries,
    searches,
    groups,
    cardinality,
    devices,
)
"""Those that register lemmas and inductions, in the order in which one rests on another."""

Outcome: TypeAlias = LemmaProof | Proof | TransitionProof


def unshown(outcome: Outcome) -> str:
    """What is owed beside the proof and was not shown, empty if nothing: a negative control that
    was not refuted, a case that no executed situation reaches."""
    if isinstance(outcome, Proof):
        return next((c.mutant for c in outcome.controls if c.verdict is not Verdict.REFUTED), "")
    if isinstance(outcome, LemmaProof):
        return "a wrong part" if outcome.controls < outcome.controlled else ""
    # A rule without arithmetic owes nothing that could wrap, and nothing could break that.
    owing = outcome.goals + outcome.conditions > 0
    if outcome.verdict is Verdict.PROVEN and owing and not outcome.control:
        return "a wrong outcome that breaks it"
    return "a case reached by execution" if outcome.reached < outcome.cases else ""


@dataclass(frozen=True, slots=True)
class Foundations:
    """All lemmas and inductions."""


@dataclass(frozen=True, slots=True)
class Stated:
    """One theorem of the registry, by name."""

    theorem: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A transition of one profile and way of mapping, and the theorems wanted of it, by name; all
    of them where none is named."""

    profile: str
    mapping: Mapping
    transition: str
    wanted: frozenset[str] = frozenset()


Task: TypeAlias = Foundations | Stated | Transition


def foundations() -> tuple[Lemma | Induction, ...]:
    """All that a task for them decides, in the order in which one rests on another."""
    return (*LEMMAS.values(), *INDUCTIONS.values())


def tried(task: Task, means: Means) -> tuple[tuple[Outcome, ...], str]:
    """What comes of a task, and why it cannot be decided where a rule or a claim has no meaning in
    terms."""
    try:
        return carry_out(task, means), ""
    except TypeError as error:
        return (), str(error)


def carry_out(task: Task, means: Means) -> tuple[Outcome, ...]:
    """Decide what a task asks for, and write its obligations where that is asked for."""
    decide = Decider(means)
    outcomes: Sequence[Outcome]
    if isinstance(task, Foundations):
        lemmas = [prove_lemma(lemma, decide, means.timeout) for lemma in LEMMAS.values()]
        inductions = INDUCTIONS.values()
        outcomes = [*lemmas, *(prove_by_induction(i, decide, means.timeout) for i in inductions)]
    elif isinstance(task, Stated):
        outcomes = [prove(THEOREMS[task.theorem], decide, means.timeout)]
    else:
        outcomes = [*_of_transition(task, decide)]
    if means.export is not None:
        for outcome in outcomes:
            about = (
                f"{outcome.profile}-{outcome.mapping.value}"
                if isinstance(outcome, TransitionProof)
                else "all"
            )
            export(means.export, about, outcome.obligations)
    # Texts are many and stay where they were decided.
    return tuple(
        replace(outcome, obligations=(), remembered=decide.when(outcome.obligations))
        for outcome in outcomes
    )


def _of_transition(task: Transition, decide: Decider) -> Iterator[TransitionProof]:
    """All that is wanted of one transition. What everything rests on is always wanted, and of the
    peers it is not claimed that their transitions are determined."""
    profile, transition = PROFILES[task.profile], task.transition
    yield from prove_transition(profile, task.mapping, transition, decide, task.wanted)
    wanted = not task.wanted or determined_name(transition) in task.wanted
    if not profile.peer and (wanted or transition == INVARIANTS_DEFINED):
        yield prove_determined(profile, task.mapping, transition, decide)

"""The book of proofs: lemmas, inductions, theorems and transitions, decided in parallel."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import active_children, get_context
from typing import Final

import networkx as nx

from model.profiles import PROFILES, Profile
from smt_proofs.claims import claims_of, mappings_of, transitions
from smt_proofs.foundations import LemmaProof
from smt_proofs.index_induction import INDUCTIONS
from smt_proofs.lemmas import LEMMAS
from smt_proofs.means import DEFAULT_TIMEOUT, Means
from smt_proofs.prover import Proof
from smt_proofs.solve import Verdict
from smt_proofs.solvers import version
from smt_proofs.theorem import THEOREMS
from smt_proofs.transition_proofs import (
    INVARIANTS_DEFINED,
    TransitionProof,
    exactness_claim,
    limits_of,
)
from smt_proofs.work import FAMILIES, Foundations, Outcome, Stated, Task, Transitions, carry_out

__all__ = ["DEFAULT_TIMEOUT", "FAMILIES", "THEOREMS"]

TILING: Final = "slots_tile_region_in_blocks"
"""What the decision leaves, which every transition assumes."""


@dataclass(frozen=True, slots=True)
class Book:
    """All outcomes of one run, in the order of registration; `solvers` by name and version."""

    lemmas: tuple[LemmaProof, ...]
    proofs: tuple[Proof, ...]
    transitions: tuple[TransitionProof, ...]
    solvers: tuple[str, ...]
    seconds: float

    @property
    def refuted(self) -> tuple[TransitionProof, ...]:
        """The claims that a transition does not keep."""
        return tuple(t for t in self.transitions if t.verdict is Verdict.REFUTED)

    def exit_code(self) -> int:
        """0 everything holds, 1 something is refuted or vacuous, 3 something is not decided."""
        outcomes: tuple[Outcome, ...] = (*self.lemmas, *self.proofs, *self.transitions)
        verdicts = {outcome.verdict for outcome in outcomes}
        needed = all(n.confirmed for proof in self.proofs for n in proof.necessity)
        if verdicts & {Verdict.REFUTED, Verdict.VACUOUS} or not needed:
            return 1
        if Verdict.UNKNOWN in verdicts or any(map(unshown, outcomes)):
            return 3
        return 0


def unshown(outcome: Outcome) -> str:
    """What is owed beside the proof and was not shown, empty if nothing: a negative control that
    was not refuted, a case that no executed situation reaches."""
    if isinstance(outcome, Proof):
        return next((c.mutant for c in outcome.controls if c.verdict is not Verdict.REFUTED), "")
    if isinstance(outcome, LemmaProof):
        return "a wrong part" if outcome.controls < outcome.controlled else ""
    if outcome.verdict is Verdict.PROVEN and not outcome.control:
        return "a wrong outcome that breaks it"
    return "a case reached by execution" if outcome.reached < outcome.cases else ""


Listener = Callable[[Outcome], None]


def profiles_named(profile: str | None) -> list[Profile]:
    """The profile of that name, or all."""
    return [found for found in PROFILES.values() if profile in (None, found.name)]


def transition_names(profile: Profile) -> dict[str, None]:
    """The names of the theorems about a profile's transitions, in order."""
    names: dict[str, None] = {}
    for mapping in mappings_of(profile):
        for transition in (INVARIANTS_DEFINED, *transitions()):
            names[exactness_claim(transition)[0]] = None
            if transition != INVARIANTS_DEFINED:
                limits = limits_of(profile, mapping, transition)
                claims = [*claims_of(mapping, transition), *limits]
                names |= dict.fromkeys(claim.theorem for claim in claims)
    return names


def theorem_names(profile: str | None = None) -> list[str]:
    """The theorems that a profile's rules come under, all of them where none is named."""
    names: dict[str, None] = {
        theorem.name: None
        for theorem in THEOREMS.values()
        if profile is None or profile in theorem.profiles
    }
    for found in profiles_named(profile):
        names |= transition_names(found)
    return list(names)


def tasks_for(names: Sequence[str], profile: str | None) -> list[Task]:
    """What is to be done to prove the named theorems, with all that they rest on; the longest
    first."""
    wanted = frozenset(names)
    tasks: list[Task] = []
    for found in profiles_named(profile):
        if not wanted & transition_names(found).keys():
            continue
        for mapping in mappings_of(found):
            here = tuple(
                transition
                for transition in (INVARIANTS_DEFINED, *transitions())
                if transition == INVARIANTS_DEFINED
                or wanted & _of_transition(found, mapping, transition)
            )
            tasks.append(Transitions(found.name, mapping, here, wanted))
    stated = [name for name in THEOREMS if name in wanted]
    if tasks and TILING not in stated:
        stated.append(TILING)
    tasks += [Stated(name) for name in stated]
    return sorted([*tasks, Foundations()], key=_length)


def _of_transition(profile: Profile, mapping: object, transition: str) -> frozenset[str]:
    claims = [*claims_of(mapping, transition), *limits_of(profile, mapping, transition)]  # type: ignore[arg-type]
    return frozenset((exactness_claim(transition)[0], *(claim.theorem for claim in claims)))


def _length(task: Task) -> int:
    if isinstance(task, Transitions):
        return -100 * len(task.transitions)
    return -len(THEOREMS[task.theorem].hypotheses) if isinstance(task, Stated) else 0


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _outcomes(tasks: Sequence[Task], means: Means) -> Iterator[Outcome]:
    """The outcomes of all tasks, as they come."""
    # Each task gets a fresh process: a solver's choices depend on all the terms its process made
    # before, and a theorem is to be decided alike alone and in the book.
    with ProcessPoolExecutor(
        os.cpu_count(),
        mp_context=get_context("spawn"),
        initializer=_leave_interrupts_to_the_parent,
        max_tasks_per_child=1,
    ) as pool:
        waiting: list[Future[tuple[Outcome, ...]]] = [
            pool.submit(carry_out, task, means) for task in tasks
        ]
        try:
            for future in as_completed(waiting):
                yield from future.result()
        except BaseException:
            # Whoever interrupts does not want to wait for the queries that run.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise


def prove_book(
    names: Sequence[str],
    means: Means = Means(),
    listener: Listener = lambda _: None,
    profile: str | None = None,
) -> Book:
    """Decide the named theorems, in one profile or all, and what they rest on, on all cores.

    `listener` hears of each outcome as it comes. A theorem is not proven while something that it
    rests on is not.
    """
    start = time.perf_counter()
    done: list[Outcome] = []
    for outcome in _outcomes(tasks_for(names, profile), means):
        done.append(outcome)
        listener(outcome)
    found = withdrawn(done)
    order = {name: number for number, name in enumerate([*LEMMAS, *INDUCTIONS, *THEOREMS])}
    lemmas = [o for o in found if isinstance(o, LemmaProof)]
    proofs = [o for o in found if isinstance(o, Proof)]
    stepwise = [o for o in found if isinstance(o, TransitionProof)]
    places = {name: number for number, name in enumerate(PROFILES)}
    return Book(
        lemmas=tuple(sorted(lemmas, key=lambda lemma: order[lemma.lemma])),
        proofs=tuple(sorted(proofs, key=lambda proof: order[proof.theorem])),
        transitions=tuple(sorted(stepwise, key=lambda t: places[t.profile])),
        solvers=tuple(version(solver) for solver in means.solvers),
        seconds=time.perf_counter() - start,
    )


Node = tuple[str, ...]
"""What something is known by: a name alone, or profile, mapping and name."""


def _node(outcome: Outcome) -> Node:
    if isinstance(outcome, LemmaProof):
        return (outcome.lemma,)
    if isinstance(outcome, Proof):
        return (outcome.theorem,)
    return (outcome.profile, outcome.mapping.value, outcome.theorem)


def dependencies(outcomes: Sequence[Outcome]) -> nx.DiGraph:
    """What each outcome rests on, as edges towards it.

    A transition rests on all of its words and sets, on the invariants being defined, and on its own
    rule being exact.
    """
    graph = nx.DiGraph()
    for outcome in outcomes:
        node = _node(outcome)
        graph.add_node(node)
        rests = [label.split(" ", 1) for label in getattr(outcome, "rests_on", ())]
        graph.add_edges_from((node, (name,)) for kind, name in rests if kind != "hypothesis")
        if isinstance(outcome, LemmaProof):
            induction = INDUCTIONS.get(outcome.lemma)
            lemmas = () if induction is None else induction.lemmas
            graph.add_edges_from((node, (lemma,)) for lemma in lemmas)
        if isinstance(outcome, TransitionProof):
            below = [INVARIANTS_DEFINED, outcome.transition]
            exact = {exactness_claim(transition)[0] for transition in below}
            under = [(*node[:2], name) for name in exact - {outcome.theorem}]
            words = [(name,) for name in (*RADIX, *INDUCTIONS)]
            graph.add_edges_from((node, lower) for lower in (*under, *words))
    return graph


RADIX: Final = tuple(name for name in LEMMAS if name.startswith("radix_"))
"""The lemmas that every operation on words in blocks rests on."""


def withdrawn(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, but unknown where something they rest on is not proven."""
    graph = dependencies(outcomes)
    idle = {n for n in graph if len(n) == 3 and n[2].endswith("_never_wraps")}
    proven = {_node(outcome) for outcome in outcomes if outcome.verdict is Verdict.PROVEN}
    known = {_node(outcome) for outcome in outcomes}
    shaky: dict[Node, Node] = {}
    for node in sorted(graph.nodes - proven - (idle - known)):
        shaky |= dict.fromkeys(nx.ancestors(graph, node), node)
    return [
        replace(o, verdict=Verdict.UNKNOWN, reason=f"rests on {shaky[_node(o)][-1]}, not proven")
        if o.verdict is Verdict.PROVEN and _node(o) in shaky
        else o
        for o in outcomes
    ]

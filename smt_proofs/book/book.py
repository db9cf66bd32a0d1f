"""The book of proofs: lemmas, inductions, theorems and transitions, decided in parallel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

import networkx as nx

from model.profiles import PROFILES
from smt_proofs.book.memory import keep, key_of, of_profile, recall
from smt_proofs.book.plan import tasks_for
from smt_proofs.book.work import Foundations, Outcome, Stated, Task, Transition, tried, unshown
from smt_proofs.decision.outcome import Proof
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.foundations import LemmaProof
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.cache import Cache
from smt_proofs.solving.means import ORDINARY, Means
from smt_proofs.solving.pool import LostWork, carried_out
from smt_proofs.solving.solve import Verdict
from smt_proofs.solving.solvers import version
from smt_proofs.transitions.claims import mappings_of, transitions
from smt_proofs.transitions.determined_proofs import SERVES
from smt_proofs.transitions.induction import MAPPED
from smt_proofs.transitions.proofs import INVARIANTS_DEFINED, TransitionProof, exactness_claim

RESTS: Final = "rests on"
"""How the reason of an outcome begins that is unknown only because of another one."""
RADIX: Final = tuple(name for name in LEMMAS if name.startswith("radix_"))
"""The lemmas that every operation on words in blocks rests on."""


@dataclass(frozen=True, slots=True)
class Book:
    """All outcomes of one run, in the order of registration; `solvers` by name and version.

    `lost` names tasks that nothing came of, and says why.
    """

    lemmas: tuple[LemmaProof, ...]
    proofs: tuple[Proof, ...]
    transitions: tuple[TransitionProof, ...]
    solvers: tuple[str, ...]
    seconds: float
    lost: tuple[str, ...] = ()

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """All of them."""
        return (*self.lemmas, *self.proofs, *self.transitions)

    @property
    def refuted(self) -> tuple[TransitionProof, ...]:
        """The claims that a transition does not keep."""
        return tuple(t for t in self.transitions if t.verdict is Verdict.REFUTED)

    @property
    def remembered(self) -> list[str]:
        """The days on which earlier runs decided what this one did not, one an outcome."""
        return [outcome.remembered for outcome in self.outcomes if outcome.remembered]

    def exit_code(self) -> int:
        """0 everything holds, 1 something is refuted or vacuous, 3 something is not decided."""
        verdicts = {outcome.verdict for outcome in self.outcomes}
        needed = all(n.confirmed for proof in self.proofs for n in proof.necessity)
        if verdicts & {Verdict.REFUTED, Verdict.VACUOUS} or not needed:
            return 1
        if Verdict.UNKNOWN in verdicts or self.lost or any(map(unshown, self.outcomes)):
            return 3
        return 0


Listener = Callable[[Outcome], None]


def _decided(tasks: Sequence[Task], means: Means, lost: list[str]) -> Iterator[Outcome]:
    """The outcomes of all tasks: what was proven before first, the rest as it comes; `lost` takes
    note of what is not decided, and why."""
    # Tasks share obligations: what another one of this run decided is not remembered.
    means = replace(means, run=uuid4().hex)
    cache = Cache.of_user()
    places: dict[str, list[Task]] = {}
    waiting: dict[Task, str] = {}
    for task in tasks:
        key = key_of(task, means)
        known = None if means.export else recall(cache, key)
        if known is not None:
            yield from of_profile(known, task)
        elif key in places and not means.export:
            places[key].append(task)
        else:
            places[key] = [task]
            waiting[task] = key
    for task, (found, trouble) in _as_they_come(list(waiting), means, lost):
        if trouble:
            lost.append(f"{spelled(task)}: {trouble}")
            continue
        key = waiting[task]
        keep(cache, key, found)
        for alike in places[key]:
            yield from of_profile(found, alike)


def _as_they_come(
    tasks: Sequence[Task], means: Means, lost: list[str]
) -> Iterator[tuple[Task, tuple[tuple[Outcome, ...], str]]]:
    try:
        yield from carried_out(tried, tasks, means)
    except LostWork as error:
        lost += [f"{spelled(task)}: the process at work on it was killed" for task in error.items]


def prove_book(
    names: Sequence[str],
    means: Means = ORDINARY,
    listener: Listener = lambda _: None,
    profile: str | None = None,
) -> Book:
    """Decide the named theorems, in one profile or all, and what they rest on, on all cores.

    `listener` hears of each outcome as it comes. A theorem is not proven while something that it
    rests on is not.
    """
    start = time.perf_counter()
    done: list[Outcome] = []
    lost: list[str] = []
    for outcome in _decided(tasks_for(names, profile), means, lost):
        done.append(outcome)
        listener(outcome)
    found = withdrawn(done)
    order = {name: number for number, name in enumerate([*LEMMAS, *INDUCTIONS, *THEOREMS])}
    lemmas = [o for o in found if isinstance(o, LemmaProof)]
    proofs = [o for o in found if isinstance(o, Proof)]
    stepwise = [o for o in found if isinstance(o, TransitionProof)]
    return Book(
        lemmas=tuple(sorted(lemmas, key=lambda lemma: order[lemma.lemma])),
        proofs=tuple(sorted(proofs, key=lambda proof: order[proof.theorem])),
        transitions=tuple(sorted(stepwise, key=_place)),
        solvers=tuple(version(solver) for solver in means.solvers),
        seconds=time.perf_counter() - start,
        lost=tuple(lost),
    )


def proven_foundations(means: Means = ORDINARY) -> bool:
    """All lemmas and inductions are proven."""
    lost: list[str] = []
    found = list(_decided([Foundations()], means, lost))
    return bool(found) and not lost and all(o.verdict is Verdict.PROVEN for o in withdrawn(found))


def spelled(task: object) -> str:
    """What a task was to decide, in words."""
    if isinstance(task, Transition):
        return f"{task.transition} ({task.profile}, mapping {task.mapping.value})"
    return task.theorem if isinstance(task, Stated) else "the lemmas"


def _place(proof: TransitionProof) -> tuple[int, int, int]:
    """By profile, way of mapping and transition, each in its own order."""
    ways = mappings_of(PROFILES[proof.profile])
    steps = [INVARIANTS_DEFINED, *transitions()]
    profile = list(PROFILES).index(proof.profile)
    return profile, ways.index(proof.mapping), steps.index(proof.transition)


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
        names = (name for kind, name in rests if kind != "hypothesis")
        graph.add_edges_from((node, (*node[:2], n) if n == MAPPED else (n,)) for n in names)
        if isinstance(outcome, LemmaProof):
            induction = INDUCTIONS.get(outcome.lemma)
            lemmas = induction.lemmas if induction else LEMMAS[outcome.lemma].rests_on
            graph.add_edges_from((node, (lemma,)) for lemma in lemmas)
        if isinstance(outcome, TransitionProof):
            # What is determined is determined by the claims, whatever the rule.
            below = (
                {INVARIANTS_DEFINED, outcome.transition}
                if outcome.serves != SERVES
                else {INVARIANTS_DEFINED}
            )
            exact = {exactness_claim(transition)[0] for transition in below}
            under = [(*node[:2], name) for name in exact - {outcome.theorem}]
            words = [(name,) for name in (*RADIX, *INDUCTIONS)]
            graph.add_edges_from((node, lower) for lower in (*under, *words))
    return graph


def withdrawn(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, but unknown where something they rest on is not proven."""
    graph = dependencies(outcomes)
    proven = {_node(outcome) for outcome in outcomes if outcome.verdict is Verdict.PROVEN}
    shaky: dict[Node, Node] = {}
    for node in sorted(graph.nodes - proven):
        shaky |= dict.fromkeys(nx.ancestors(graph, node), node)
    return [
        replace(o, verdict=Verdict.UNKNOWN, reason=f"{RESTS} {shaky[_node(o)][-1]}, not proven")
        if o.verdict is Verdict.PROVEN and _node(o) in shaky
        else o
        for o in outcomes
    ]

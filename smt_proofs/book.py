"""The book of proofs: all lemmas and theorems, decided in parallel."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import active_children, get_context
from typing import Any, TypeAlias

import networkx as nx

from smt_proofs import adequacy, decision, helpers, plugging, storage, tiling
from smt_proofs.lemmas import LEMMAS
from smt_proofs.prover import Proof, prove, prove_lemma
from smt_proofs.solve import Verdict, solver_version
from smt_proofs.theorem import THEOREMS

FAMILIES = (decision, storage, plugging, tiling, adequacy, helpers)
"""The modules that register theorems when imported; a test holds them complete."""

DEFAULT_TIMEOUT = 20.0
"""Seconds a query may take before its theorem counts as unknown."""


@dataclass(frozen=True, slots=True)
class LemmaProof:
    """The outcome for one lemma; `seconds` is wall-clock time."""

    lemma: str
    claim: str
    verdict: Verdict
    seconds: float


@dataclass(frozen=True, slots=True)
class Book:
    """All outcomes of one run, in the order of registration."""

    lemmas: tuple[LemmaProof, ...]
    proofs: tuple[Proof, ...]
    solver: str
    seconds: float

    def exit_code(self) -> int:
        """0 everything holds, 1 something is refuted or vacuous, 3 something is not decided."""
        verdicts = {lemma.verdict for lemma in self.lemmas}
        verdicts |= {proof.verdict for proof in self.proofs}
        if verdicts & {Verdict.REFUTED, Verdict.VACUOUS}:
            return 1
        if not all(n.confirmed for proof in self.proofs for n in proof.necessity):
            return 1
        controls = {c.verdict for proof in self.proofs for c in proof.controls}
        if Verdict.UNKNOWN in verdicts or controls - {Verdict.REFUTED}:
            return 3
        return 0


Outcome: TypeAlias = LemmaProof | Proof
Listener = Callable[[Outcome], None]


def theorem_names(profile: str | None = None) -> list[str]:
    """The theorems that a profile's rules come under, all of them where none is named."""
    return [
        theorem.name
        for theorem in THEOREMS.values()
        if profile is None or profile in theorem.profiles
    ]


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _decide_lemmas(timeout: float) -> tuple[LemmaProof, ...]:
    outcomes = []
    for name, lemma in LEMMAS.items():
        start = time.perf_counter()
        verdict = prove_lemma(lemma, timeout)
        outcomes.append(LemmaProof(name, lemma.claim, verdict, time.perf_counter() - start))
    return tuple(outcomes)


def _decide_theorem(name: str, timeout: float) -> tuple[Proof]:
    return (prove(THEOREMS[name], timeout),)


def prove_book(
    names: Sequence[str], timeout: float = DEFAULT_TIMEOUT, listener: Listener = lambda _: None
) -> Book:
    """Decide the named theorems and all lemmas on all cores; `timeout` is in seconds a query.

    `listener` hears of each outcome as it comes. A theorem is not proven while a lemma that it uses
    is not. Raises KeyError for a name that is no theorem.
    """
    start = time.perf_counter()
    # The longest first. Each task gets a fresh process: a solver's choices depend on all the terms
    # its process made before, and a theorem is to be decided alike alone and in the book.
    longest_first = sorted(names, key=lambda name: -len(THEOREMS[name].hypotheses))
    done: dict[str, Outcome] = {}
    with ProcessPoolExecutor(
        os.cpu_count(),
        mp_context=get_context("spawn"),
        initializer=_leave_interrupts_to_the_parent,
        max_tasks_per_child=1,
    ) as pool:
        waiting: list[Future[Any]] = [
            pool.submit(_decide_theorem, name, timeout) for name in longest_first
        ]
        waiting.append(pool.submit(_decide_lemmas, timeout))
        try:
            for future in as_completed(waiting):
                for outcome in future.result():
                    lemma = isinstance(outcome, LemmaProof)
                    done[outcome.lemma if lemma else outcome.theorem] = outcome
                    listener(outcome)
        except BaseException:
            # Whoever interrupts does not want to wait for the queries that run.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise
    lemmas = tuple(o for name in LEMMAS if isinstance(o := done[name], LemmaProof))
    proofs = tuple(o for name in names if isinstance(o := done[name], Proof))
    return Book(lemmas, _withdrawn(proofs, lemmas), solver_version(), time.perf_counter() - start)


def dependencies(proofs: Sequence[Proof]) -> nx.DiGraph:
    """Which lemma each proof rests on, as edges from theorem to lemma."""
    graph = nx.DiGraph()
    for proof in proofs:
        graph.add_node(proof.theorem)
        graph.add_edges_from((proof.theorem, lemma) for lemma in proof.lemmas)
    return graph


def _withdrawn(proofs: Sequence[Proof], lemmas: Sequence[LemmaProof]) -> tuple[Proof, ...]:
    """The proofs, but unknown where a lemma they rest on is not proven."""
    graph = dependencies(proofs)
    proven = {lemma.lemma for lemma in lemmas if lemma.verdict is Verdict.PROVEN}
    theorems = {proof.theorem for proof in proofs}
    shaky: dict[str, str] = {}
    for lemma in sorted(graph.nodes - theorems - proven):
        shaky |= dict.fromkeys(nx.ancestors(graph, lemma), lemma)
    return tuple(
        replace(p, verdict=Verdict.UNKNOWN, reason=f"rests on {shaky[p.theorem]}, not proven")
        if p.verdict is Verdict.PROVEN and p.theorem in shaky
        else p
        for p in proofs
    )

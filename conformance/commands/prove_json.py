"""The JSON document of `slotproof prove`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from conformance.check.refutations import Row
from conformance.commands.prove_text import not_assumed, row_of
from conformance.commands.provenance import made
from smt_proofs.book.book import Book
from smt_proofs.book.work import unshown
from smt_proofs.decision.outcome import Proof
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.foundations import LemmaProof
from smt_proofs.transitions.proofs import TransitionProof

PROVE_VERSION = 2


def document(book: Book, traces: Mapping[Row, Path], exit_code: int) -> dict[str, Any]:
    """The JSON document of `conformance/schema/prove-v2.json`."""
    return {
        "schema": PROVE_VERSION,
        "command": "prove",
        "solvers": list(book.solvers),
        "seconds": round(book.seconds, 3),
        "exit_code": exit_code,
        "made": made(),
        "remembered": len(book.remembered),
        "decided": len(book.outcomes) - len(book.remembered),
        "oldest": min(book.remembered, default=None),
        "theorems": [_theorem(proof) for proof in book.proofs],
        "transitions": [_transition(proof, traces) for proof in book.transitions],
        "lemmas": [_lemma(lemma) for lemma in book.lemmas],
    }


def _theorem(proof: Proof) -> dict[str, Any]:
    theorem = THEOREMS[proof.theorem]
    about = {
        "name": proof.theorem,
        "invariant": theorem.invariant or None,
        "claim": theorem.claim,
        "over": theorem.over,
        "source": theorem.source,
        "arithmetic": theorem.arithmetic.value,
        "profiles": list(theorem.profiles),
        "not_assumed": not_assumed(proof.theorem),
    }
    outcome = asdict(proof) | {
        "verdict": proof.verdict.value,
        "seconds": round(proof.seconds, 3),
        "remembered": proof.remembered or None,
        "controls": [asdict(c) | {"verdict": c.verdict.value} for c in proof.controls],
    }
    del outcome["theorem"], outcome["obligations"]
    return about | outcome


def _transition(proof: TransitionProof, traces: Mapping[Row, Path]) -> dict[str, Any]:
    trace = traces.get(row_of(proof)) if proof.counterexample else None
    outcome = asdict(proof) | {
        "verdict": proof.verdict.value,
        "mapping": proof.mapping.value,
        "seconds": round(proof.seconds, 3),
        "remembered": proof.remembered or None,
        "serves": proof.serves or None,
        "control": proof.control or None,
        "counterexample": proof.counterexample or None,
        "trace": None if trace is None else str(trace),
        "not_shown": unshown(proof) or None,
    }
    del outcome["obligations"]
    return outcome


def _lemma(lemma: LemmaProof) -> dict[str, Any]:
    outcome = asdict(lemma) | {
        "verdict": lemma.verdict.value,
        "seconds": round(lemma.seconds, 3),
        "remembered": lemma.remembered or None,
    }
    del outcome["obligations"]
    return outcome

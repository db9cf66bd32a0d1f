"""The theorems about transitions as the page shows them: in rows, and what is refuted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from conformance.report.documents import Document
from conformance.report.drawing import Drawn, drawn_trace, trace_file

Proof = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Transition:
    """The theorems about one transition, counted; `controls` are those that a wrong outcome broke,
    `cases` paths through the rule."""

    name: str
    claimed: int
    proven: int
    cases: int
    goals: int
    conditions: int
    controls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Group:
    """The transitions of a profile in one way of mapping, and all theorems about them."""

    profile: str
    mapping: str
    transitions: tuple[Transition, ...]
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Refuted:
    """A claim that a transition does not keep: `limits` are the hypotheses under which it is proven
    to hold, and beyond which it is not."""

    proof: Proof
    limits: tuple[str, ...]
    drawn: Drawn


def groups(document: Document) -> list[Group]:
    """The theorems about transitions of a document of prove, in its order."""
    every = document.data["transitions"]
    return [
        Group(profile, mapping, tuple(_transitions(members)), tuple(members))
        for (profile, mapping), found in groupby(every, lambda p: (p["profile"], p["mapping"]))
        for members in [list(found)]
    ]


def _transitions(proofs: list[Proof]) -> Iterator[Transition]:
    for name, found in groupby(proofs, lambda proof: proof["transition"]):
        members = list(found)
        yield Transition(
            name=name,
            claimed=len(members),
            proven=sum(proof["verdict"] == "proven" for proof in members),
            cases=max(proof["cases"] for proof in members),
            goals=sum(proof["goals"] for proof in members),
            conditions=sum(proof["conditions"] for proof in members),
            controls=sum(proof["control"] is not None for proof in members),
            # All theorems about a transition are decided together.
            seconds=max(proof["seconds"] for proof in members),
        )


def refuted(document: Document) -> Iterator[Refuted]:
    """The refuted claims of a document of prove, each with its counterexample drawn."""
    every = document.data["transitions"]
    for proof in every:
        if proof["verdict"] == "refuted":
            limits = (other["claim"] for other in every if _limits(other, proof))
            drawn = drawn_trace(trace_file(proof["trace"], document.place))
            yield Refuted(proof, tuple(limits), drawn)


def _limits(other: Proof, proof: Proof) -> bool:
    same = all(other[name] == proof[name] for name in ("profile", "mapping"))
    named = str(other["theorem"]).startswith(f"{proof['theorem']}_exactly_if_")
    return same and named and other["verdict"] == "proven"

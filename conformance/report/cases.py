"""What a document says case by case, as continuous integration wants it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Outcome(Enum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    """Not decided."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """One theorem, or one part of a check.

    `id` names what was held against it, `message` is one line and empty for what passed; `trace` is
    the file of the failing trace and `step` its failing step, where there is one.
    """

    id: str
    name: str
    outcome: Outcome
    message: str = ""
    seconds: float = 0.0
    trace: str | None = None
    step: int = 0


VERDICTS = {"proven": Outcome.PASSED, "unknown": Outcome.OPEN}
"""Verdicts of theorems that are no failure; every other one is."""


def suite_of(document: dict[str, Any]) -> str:
    """A name for all cases of a document."""
    if document["command"] == "prove":
        return f"prove with {document['solver']}"
    return f"check {document['target']} against {document['profile']}"


def cases_of(document: dict[str, Any]) -> list[Case]:
    """The cases of a document of prove or check."""
    return list({"prove": _proven, "check": _checked}[document["command"]](document))


def _proven(document: dict[str, Any]) -> Iterator[Case]:
    for theorem in document["theorems"]:
        outcome = VERDICTS.get(theorem["verdict"], Outcome.FAILED)
        message = theorem["reason"] or theorem["claim"]
        if outcome is Outcome.PASSED:
            outcome, message = _of_proof(theorem)
        yield Case(theorem["name"], theorem["name"], outcome, message, theorem["seconds"])


def _of_proof(theorem: dict[str, Any]) -> tuple[Outcome, str]:
    """A theorem that is proven, by what it owes beside the proof."""
    for need in theorem["necessity"]:
        if not need["confirmed"]:
            return Outcome.FAILED, f"hypothesis {need['hypothesis']} is not shown to be needed"
    for control in theorem["controls"]:
        if control["verdict"] != "refuted":
            return Outcome.OPEN, f"negative control {control['mutant']} is not refuted"
    return Outcome.PASSED, ""


def _checked(document: dict[str, Any]) -> Iterator[Case]:
    for number, difference in enumerate(document.get("decisions", {}).get("differences", ()), 1):
        yield Case("decision", f"memslot decision, difference {number}", Outcome.FAILED, difference)
    if "decisions" in document and not document["decisions"]["differences"]:
        count = document["decisions"]["configurations"]
        yield Case("decision", f"memslot decisions of {count} configurations", Outcome.PASSED)
    name = f"{document['traces']} traces, {document['steps']} steps"
    failure = document["failure"]
    if failure is None:
        yield Case("traces", name, Outcome.PASSED)
    else:
        found = failure["finding"]
        yield Case(
            id=found["what"] or found["kind"],
            name=name,
            outcome=Outcome.FAILED,
            message=f"{found['kind']}: {found['message']} at step {found['step']}; "
            f"replay: {failure['replay']}",
            trace=failure["trace"],
            step=found["step"],
        )
    for left_out in document["not_asked"]:
        message = "the target cannot do it, so it was never asked for"
        yield Case(left_out, left_out, Outcome.SKIPPED, message)

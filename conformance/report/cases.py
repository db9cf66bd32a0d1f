"""What a document says case by case, as continuous integration wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from conformance.judge.verdict import Verdict
from conformance.report.source import message


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

    `id` names what was held against it and `says` what that is, where the document tells;
    `message` is one line and empty for what passed; `seconds` is None where nobody measured, as for
    the parts of a check; `trace` is the file of the failing trace and
    `step` its failing step, where there is one; `file` and `line` a place in a source. `remembered`
    is the day on which an earlier run decided it. `same` names the case in every run, where `name`
    has figures of this one.
    """

    id: str
    name: str
    outcome: Outcome
    message: str = ""
    seconds: float | None = None
    trace: str | None = None
    step: int = 0
    file: str = ""
    line: int = 0
    remembered: str = ""
    says: str = ""
    same: str = ""

    @property
    def place(self) -> tuple[str, int]:
        """File and line: of the source, or else of the failing step in its trace."""
        if self.trace is not None:
            # The header is the first line of a trace, step 1 the second.
            return self.trace, self.step + 1
        return self.file, self.line


VERDICTS = {"proven": Outcome.PASSED, "unknown": Outcome.OPEN}
"""Verdicts of theorems that are no failure; every other one is."""
ENDS = {
    Verdict.PASS.value: Outcome.PASSED,
    Verdict.SKIPPED.value: Outcome.SKIPPED,
    Verdict.EXPECTED.value: Outcome.SKIPPED,
}
"""Ends of scenarios and rules that are no failure."""
SOURCE: Final = {
    "differs": Outcome.FAILED,
    "not verified": Outcome.OPEN,
    "taken on trust, text changed": Outcome.OPEN,
    "taken on trust": Outcome.SKIPPED,
    "not in this version": Outcome.SKIPPED,
    "unseen": Outcome.SKIPPED,
}
"""Verdicts on functions of a source that are no pass."""


def about(document: dict[str, Any]) -> str:
    """What a document is about, the same in every run."""
    return "prove" if document["command"] == "prove" else suite_of(document)


def suite_of(document: dict[str, Any]) -> str:
    """A name for all cases of a document."""
    if document["command"] == "check":
        return f"check {document['target']} against {document['profile']}"
    if document["command"].startswith("verify-source"):
        return f"verify-source {document['file']}"
    if document["command"] == "check-driver":
        return f"check {document['driver']} on {document['device']}"
    profiles = dict.fromkeys(proof["profile"] for proof in document["transitions"])
    about = f"prove {', '.join(profiles)}" if profiles else "prove"
    return f"{about} with {', '.join(document['solvers'])}"


def cases_of(document: dict[str, Any]) -> list[Case]:
    """The cases of a document of prove, check or verify-source."""
    return list(KINDS[document["command"]](document))


def _proven(document: dict[str, Any]) -> Iterator[Case]:
    for theorem in document["theorems"]:
        yield _case(theorem["name"], theorem["name"], theorem, owed_beside(theorem))
    # Refuted and yet a good end: as --expect has it.
    expected = document["exit_code"] == 0
    # All theorems about a transition are decided together, and each names the time of all.
    together = Counter(map(_transition, document["transitions"]))
    for proof in document["transitions"]:
        name = f"{proof['theorem']} ({proof['profile']}, mapping {proof['mapping']})"
        proof = proof | {"seconds": proof["seconds"] / together[_transition(proof)]}
        if expected and proof["verdict"] == "refuted":
            message = f"refuted, as expected: {proof['claim']}"
            yield Case(
                proof["theorem"],
                name,
                Outcome.SKIPPED,
                message,
                proof["seconds"],
                remembered=proof.get("remembered") or "",
            )
        else:
            owed = proof["not_shown"] and (Outcome.OPEN, f"not shown: {proof['not_shown']}")
            yield _case(proof["theorem"], name, proof, owed, proof["trace"])
    for lemma in document["lemmas"]:
        wrong = lemma["controls"] < lemma["controlled"]
        owed = (Outcome.OPEN, "a wrong part is not refuted") if wrong else None
        yield _case(lemma["lemma"], f"{lemma['kind']} {lemma['lemma']}", lemma, owed)


def _transition(proof: dict[str, Any]) -> tuple[str, str, str]:
    return proof["profile"], proof["mapping"], proof["transition"]


Owed = tuple[Outcome, str] | None


def _case(id: str, name: str, proof: dict[str, Any], owed: Owed, trace: str | None = None) -> Case:
    """A proof; where it is one, what it owes beside."""
    outcome = VERDICTS.get(proof["verdict"], Outcome.FAILED)
    message = proof["reason"] or proof["claim"]
    if outcome is Outcome.PASSED:
        outcome, message = owed or (Outcome.PASSED, "")
    elif counterexample := proof.get("counterexample"):
        message = f"{message}; executed counterexample: {_inputs(counterexample)}"
    return Case(
        id,
        name,
        outcome,
        message,
        proof["seconds"],
        trace,
        remembered=proof.get("remembered") or "",
        says=proof["claim"],
    )


def _inputs(counterexample: dict[str, int] | str) -> str:
    """Inputs by name, or a situation that is in words already."""
    if isinstance(counterexample, str):
        return counterexample
    return " ".join(f"{name}={value}" for name, value in counterexample.items())


def owed_beside(theorem: dict[str, Any]) -> Owed:
    """What a theorem that is proven owes beside the proof."""
    for need in theorem["necessity"]:
        if not need["confirmed"]:
            return Outcome.FAILED, f"hypothesis {need['hypothesis']} is not shown to be needed"
    for control in theorem["controls"]:
        if control["verdict"] != "refuted":
            return Outcome.OPEN, f"negative control {control['mutant']} is not refuted"
    return None


def _checked(document: dict[str, Any]) -> Iterator[Case]:
    cases = [*_decisions(document), _traces(document), *_scenarios(document), *_rules(document)]
    yield from cases
    if document["verdict"] == "fails" and all(c.outcome is not Outcome.FAILED for c in cases):
        yield Case("expected", "known faults", Outcome.FAILED, "a known fault of --expect is gone")
    for left_out in document["not_asked"]:
        message = "the target cannot do it, so it was never asked for"
        yield Case(left_out, left_out, Outcome.SKIPPED, message)


def _driven(document: dict[str, Any]) -> Iterator[Case]:
    name = f"{document['lists']} lists of events"
    if (failure := document["failure"]) is None:
        yield Case("lists", name, Outcome.PASSED)
    else:
        message = f"{failure['message']}; again: {failure['replay']}"
        yield Case(
            failure["what"], name, Outcome.FAILED, message, trace=failure["run"], same="lists"
        )
    yield from _rules(document)


def _decisions(document: dict[str, Any]) -> Iterator[Case]:
    if (decisions := document.get("decisions")) is None:
        return
    for number, difference in enumerate(decisions["differences"], 1):
        yield Case("decision", f"memslot decision, difference {number}", Outcome.FAILED, difference)
    if not decisions["differences"]:
        name = f"memslot decisions of {decisions['configurations']} configurations"
        yield Case("decision", name, Outcome.PASSED)


def _traces(document: dict[str, Any]) -> Case:
    count = document["traces"]
    if count:
        name = f"{count} traces, {document['steps']} steps"
    else:
        kept = "a trace that an earlier run kept; no new one was run"
        name = kept if document["steps"] else "generated traces"
    failure = document["failure"]
    if failure is None:
        return Case("traces", name, Outcome.PASSED)
    found = failure["finding"]
    return Case(
        id=found["what"] or found["kind"],
        name=name,
        outcome=Outcome.FAILED,
        message=f"{found['kind']}: {found['message']} at step {found['step']}; "
        f"replay: {failure['replay']}",
        trace=failure["trace"],
        step=found["step"],
        says=failure["claim"],
        same="traces",
    )


def _scenarios(document: dict[str, Any]) -> Iterator[Case]:
    for scenario in document["scenarios"]:
        yield Case(
            id=scenario["id"],
            name=f"scenario {scenario['id']}",
            outcome=ENDS.get(scenario["verdict"], Outcome.FAILED),
            message=f"{scenario['verdict']}: {scenario['message']}",
            trace=scenario["trace"],
        )


def _rules(document: dict[str, Any]) -> Iterator[Case]:
    """The rules of VIRTIO where they decide, and known faults that are gone.

    One that is broken for the first time is told by the trace that fails.
    """
    for rule in document["rules"]:
        gone = rule["verdict"] == Verdict.UNEXPECTED.value
        if gone or (document.get("oracle", "virtio") == "virtio" and rule["verdict"] in ENDS):
            outcome = ENDS.get(rule["verdict"], Outcome.FAILED)
            message = f"{rule['verdict']}: {rule['message']}"
            yield Case(rule["id"], f"VIRTIO rule {rule['id']}", outcome, message)


def _verified(document: dict[str, Any]) -> Iterator[Case]:
    for finding in document["functions"]:
        outcome = SOURCE.get(finding["verdict"], Outcome.PASSED)
        yield Case(
            id=finding["verdict"],
            name=finding["function"],
            outcome=outcome,
            message="" if outcome is Outcome.PASSED else message(finding),
            seconds=finding["seconds"],
            file=finding["file"] or document["file"],
            line=finding["line"],
            remembered=finding.get("since", ""),
        )


KINDS: Final[dict[str, Callable[[dict[str, Any]], Iterator[Case]]]] = {
    "prove": _proven,
    "check": _checked,
    "check-driver": _driven,
    "verify-source": _verified,
    "verify-source --against": _verified,
}

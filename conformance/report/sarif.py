"""Documents as SARIF 2.1.0, the form in which code scanning takes findings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from conformance.report.cases import Outcome, about, cases_of, suite_of
from conformance.report.rule_texts import rule_text
from conformance.report.source import LEVELS, message

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
TOLD: Final = {Outcome.FAILED: ("fail", "error"), Outcome.OPEN: ("open", "none")}
"""Kind and level of the outcomes that are results; what passed or was skipped is none."""


@dataclass(frozen=True, slots=True)
class Result:
    """A result of the rule `id`, which `says` something in a line; `same` is what names the result
    in every run that finds it."""

    id: str
    says: str
    kind: str
    level: str
    message: str
    place: dict[str, Any]
    same: tuple[str, ...]


def sarif(documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The log of documents of prove, check and verify-source, in one run."""
    found = [result for document in documents for result in _results(document)]
    says = {result.id: result.says for result in found}
    ids = sorted(says)
    driver = {
        "name": "slotproof",
        "version": version("slotproof"),
        "rules": [{"id": id, "shortDescription": {"text": says[id]}} for id in ids],
    }
    results = [_told(result, ids.index(result.id)) for result in found]
    run = {"tool": {"driver": driver}, "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _results(document: dict[str, Any]) -> Iterator[Result]:
    if document["command"].startswith("verify-source"):
        yield from _of_source(document)
        return
    suite = suite_of(document)
    for case in cases_of(document):
        if case.outcome in TOLD:
            place: dict[str, Any] = {
                "logicalLocations": [{"fullyQualifiedName": f"{suite}: {case.name}"}]
            }
            if case.trace is not None:
                place |= _line(*case.place)
            says = rule_text(case) or case.name
            same = (about(document), case.id, case.same or case.name)
            yield Result(case.id, says, *TOLD[case.outcome], case.message, place, same)


def _of_source(document: dict[str, Any]) -> Iterator[Result]:
    for finding in document["functions"]:
        name, verdict = finding["function"], finding["verdict"]
        if verdict in LEVELS:
            says = f"{name} does what {finding.get('rule') or 'the old text'} says"
            place = _line(finding["file"] or document["file"], max(finding["line"], 1))
            same = (document["command"], name, verdict)
            yield Result(name, says, "fail", LEVELS[verdict], message(finding), place, same)


def _line(file: str, line: int) -> dict[str, Any]:
    path = Path(file)
    uri = path.as_uri() if path.is_absolute() else path.as_posix()
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}


def _told(result: Result, rule: int) -> dict[str, Any]:
    return {
        "ruleId": result.id,
        "ruleIndex": rule,
        "kind": result.kind,
        "level": result.level,
        "message": {"text": result.message},
        "locations": [result.place],
        "partialFingerprints": {
            "slotproof/v1": hashlib.sha256("\0".join(result.same).encode()).hexdigest()
        },
    }

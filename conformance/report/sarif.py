"""Documents as SARIF 2.1.0, the form in which code scanning takes findings."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from conformance.report.cases import Case, Outcome, cases_of, suite_of

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
TOLD: Final = {Outcome.FAILED: ("fail", "error"), Outcome.OPEN: ("open", "none")}
"""Kind and level of the outcomes that are results; what passed or was skipped is none."""


def sarif(documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The log of documents of prove and check, in one run."""
    found = [
        (suite_of(document), case)
        for document in documents
        for case in cases_of(document)
        if case.outcome in TOLD
    ]
    ids = sorted({case.id for _, case in found})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "slotproof",
                        "version": version("slotproof"),
                        "rules": [{"id": name} for name in ids],
                    }
                },
                "results": [_result(suite, case, ids.index(case.id)) for suite, case in found],
            }
        ],
    }


def _result(suite: str, case: Case, rule: int) -> dict[str, Any]:
    kind, level = TOLD[case.outcome]
    place: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": f"{suite}: {case.name}"}]}
    if case.trace is not None:
        path = Path(case.trace)
        uri = path.as_uri() if path.is_absolute() else path.as_posix()
        # The header is the first line of a trace, step 1 the second.
        place["physicalLocation"] = {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": case.step + 1},
        }
    return {
        "ruleId": case.id,
        "ruleIndex": rule,
        "kind": kind,
        "level": level,
        "message": {"text": case.message},
        "locations": [place],
    }

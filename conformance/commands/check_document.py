"""The JSON document of `slotproof check`."""

from __future__ import annotations

from typing import Any

from conformance.check.campaign import CheckReport
from conformance.check.explain import claim_of, failure_of
from conformance.check.schema import CHECK_VERSION
from conformance.check.suite import Result
from conformance.commands.check_report import Done, Kept
from conformance.commands.provenance import made
from conformance.judge.finding import Kind
from conformance.judge.virtio.rules import RULE_NAMED
from conformance.traces.codec import action_to_json, observation_to_json


def _verdict(done: Done) -> str:
    return "undecided" if done.undecided else "holds" if done.holds else "fails"


def document_without(head: dict[str, Any], oracle: str, message: str, again: str) -> dict[str, Any]:
    """The document of a check whose target failed before anything was asked of it."""
    failing = CheckReport(0, 0, {}, {}, 0, 0, None)
    told = document(Done(head, failing, [], None, None, oracle, [], {}))
    finding = {"kind": Kind.DIED.value, "what": "", "step": 0, "message": message}
    failure = {
        "finding": finding,
        "claim": "a target answers every message in time and in the protocol",
        "action": None,
        "allowed": None,
        "seen": None,
        "trace": None,
        "steps": 0,
        "replay": again,
    }
    return told | {"verdict": "fails", "failure": failure}


def document(done: Done) -> dict[str, Any]:
    """The JSON document of `conformance/schema/check-v1.json`."""
    report = done.report
    values = {
        "schema": CHECK_VERSION,
        "command": "check",
        "made": made(),
        **done.head,
        "verdict": _verdict(done),
        "traces": report.traces,
        "steps": report.steps,
        "answers": dict(sorted(report.answers.items())),
        "compared": done.compared,
        "not_asked": done.not_asked,
        "invariant_checks": report.invariant_checks,
        "contract_checks": report.contract_checks,
        "oracle": done.oracle,
        "rules": [_rule(result, report) for result in done.rules],
        "scenarios": [
            {
                "id": result.id,
                "verdict": result.verdict.value,
                "message": result.message,
                "trace": None if path is None else str(path),
            }
            for result, path in done.scenarios
        ],
        "failure": None if done.kept is None else _failure(done.kept),
        "others": [_failure(kept) for kept in done.others],
        "refused": report.to_refuse,
        "skipped": report.skipped,
        "memslots": {"most": report.mapped.most, "changes": report.mapped.changes},
        "host_failed": report.host_failed,
    }
    if done.decisions is not None:
        values["decisions"] = done.decisions.document()
    return values


def _rule(result: Result, report: CheckReport) -> dict[str, Any]:
    broken = report.breached.get(result.id)
    return {
        "id": result.id,
        "level": RULE_NAMED[result.id].level.value,
        "verdict": result.verdict.value,
        "exercised": report.exercised.get(result.id, 0),
        "broken": 0 if broken is None else broken.count,
        "message": result.message,
    }


def _failure(kept: Kept) -> dict[str, Any]:
    small = kept.trace
    failure = failure_of(small)
    found = failure.finding
    return {
        "finding": {
            "kind": found.kind.value,
            "what": found.what,
            "step": found.step,
            "message": found.message,
        },
        "claim": claim_of(failure),
        "action": action_to_json(small.steps[found.step - 1].action) if found.step else None,
        "allowed": observation_to_json(failure.allowed),
        "seen": None if failure.seen is None else observation_to_json(failure.seen),
        "trace": None if kept.path is None else str(kept.path),
        "steps": len(small.steps),
        "replay": kept.replay,
    }

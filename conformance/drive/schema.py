"""What a check of a driver prints as JSON, and its published schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from conformance.drive.campaign import Broken, DriveReport
from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.verdict import Verdict
from conformance.judge.virtio.rule import Level, Rule
from conformance.judge.virtio.rules import RULES
from conformance.traces.dialect import (
    COUNT,
    MADE,
    TEXT,
    Schema,
    array,
    closed,
    or_null,
    published,
    whole,
)
from conformance.traces.driven import Do
from model.arithmetic import U64_MASK

DRIVER_VERSION: Final = 1
COMMAND: Final = "check-driver"


def document(
    report: DriveReport,
    qemu: str,
    seed: int | None,
    verdicts: Mapping[str, tuple[Verdict, str]],
    holds: bool,
    kept: str | None,
    replay: str | None,
) -> dict[str, Any]:
    """The document; `verdicts` are those of the driver's rules, each with a message."""
    failing = report.failing
    found = None if failing is None else failing.found
    return {
        "schema": DRIVER_VERSION,
        "command": COMMAND,
        "driver": report.driver,
        "device": f"qemu {qemu}",
        "seed": seed,
        "verdict": "holds" if holds else "fails",
        "lists": report.lists,
        "events": dict(sorted(report.events.items())),
        "answers": dict(sorted(report.answers.items())),
        "reached": sum(report.reached.values()),
        "longest": max(report.reached, default=None),
        "short": report.short,
        "rules": [
            _rule(rule, report.exercised, report.broken)
            | {"verdict": verdicts[rule.id][0].value, "message": verdicts[rule.id][1]}
            for rule in DRIVER_RULES
        ],
        "device_rules": [
            _rule(rule, report.device_exercised, report.device_broken) for rule in RULES
        ],
        "failure": None
        if failing is None or found is None
        else {
            "what": found.what,
            "message": found.message,
            "events": [str(event) for event in failing.events],
            "run": kept,
            "replay": replay,
        },
    }


def _rule(rule: Rule, exercised: Mapping[str, int], broken: Mapping[str, Broken]) -> dict[str, Any]:
    first = broken.get(rule.id)
    return {
        "id": rule.id,
        "level": rule.level.value,
        "exercised": exercised.get(rule.id, 0),
        "broken": 0 if first is None else first.count,
    }


def check_driver_schema() -> Schema:
    """What `slotproof check --driver DRIVER --json` prints."""
    counts: Schema = {"type": "object", "additionalProperties": COUNT}
    failure = closed(
        {
            "what": TEXT,
            "message": TEXT,
            "events": array(TEXT),
            "run": or_null(TEXT),
            "replay": or_null(TEXT),
        }
    )
    driver = _of(DRIVER_RULES) | {
        "verdict": {"enum": [verdict.value for verdict in Verdict]},
        "message": TEXT,
    }
    return published(
        "check --driver --json",
        DRIVER_VERSION,
        "`longest` is the most seconds of guest time that the driver was given "
        "where it reached the requested size; `rules` are the driver's, `device_rules` those of "
        "the device that it ran on.",
        {
            "command": {"const": COMMAND},
            "made": MADE,
            "driver": TEXT,
            "device": TEXT,
            "seed": or_null(whole(0, U64_MASK)),
            "verdict": {"enum": ["holds", "fails"]},
            "lists": COUNT,
            "events": counts | {"propertyNames": {"enum": [do.value for do in Do]}},
            "answers": counts,
            "reached": COUNT,
            "longest": or_null(COUNT),
            "short": COUNT,
            "rules": array(closed(driver)),
            "device_rules": array(closed(_of(RULES))),
            "failure": or_null(failure),
        },
        optional=("made",),
    )


def _of(rules: Iterable[Rule]) -> dict[str, Schema]:
    return {
        "id": {"enum": [rule.id for rule in rules]},
        "level": {"enum": [level.value for level in Level]},
        "exercised": COUNT,
        "broken": COUNT,
    }

"""The published schema of what `slotproof check --json` prints."""

from __future__ import annotations

from typing import Final

from conformance.judge.verdict import Verdict
from conformance.judge.virtio.rule import Level
from conformance.judge.virtio.rules import RULES
from conformance.targets.target import FAULTS, OPERATIONS
from conformance.traces.dialect import (
    COUNT,
    MADE,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    array,
    closed,
    or_null,
    published,
    ref,
    whole,
)
from conformance.traces.vocabulary import finding_schema, vocabulary
from model.arithmetic import U64_MASK

CHECK_VERSION: Final = 1
_VERDICTS: Final = [verdict.value for verdict in Verdict]


def check_schema() -> Schema:
    """What `slotproof check --json` prints."""
    counts: Schema = {"type": "object", "additionalProperties": COUNT}
    observation: Schema = or_null(ref("observation"))
    failure = closed(
        {
            "finding": ref("finding"),
            "claim": TEXT,
            "action": or_null(ref("action")),
            "allowed": observation,
            "seen": observation,
            "trace": TEXT_OR_NULL,
            "steps": COUNT,
            "replay": TEXT,
        }
    )
    rule = closed(
        {
            "id": {"enum": [rule.id for rule in RULES]},
            "level": {"enum": [level.value for level in Level]},
            "verdict": {"enum": _VERDICTS},
            "exercised": COUNT,
            "broken": COUNT,
            "message": TEXT,
        }
    )
    scenario = closed(
        {
            "id": TEXT,
            "verdict": {"enum": _VERDICTS},
            "message": TEXT,
            "trace": TEXT_OR_NULL,
        }
    )
    decisions = closed(
        {
            "version": TEXT,
            "configurations": COUNT,
            "limits": array({"type": "integer", "minimum": 1}),
            "short_last": COUNT,
            "mapped": COUNT,
            "differences": array(TEXT),
        }
    )
    return published(
        "check --json",
        CHECK_VERSION,
        "Memslot decisions are compared for the target qemu only; nothing is "
        "compared for the target reference, which is the model itself.",
        {
            "command": {"const": "check"},
            "made": MADE,
            "target": TEXT,
            "profile": ref("profile"),
            "seed": whole(0, U64_MASK),
            "verdict": {"enum": ["holds", "fails", "undecided"]},
            "traces": COUNT,
            "steps": COUNT,
            "answers": counts,
            "compared": counts,
            "not_asked": {
                "type": "array",
                "items": {"enum": sorted(OPERATIONS | FAULTS)},
                "uniqueItems": True,
            },
            "invariant_checks": COUNT,
            "contract_checks": COUNT,
            "oracle": {"enum": ["exact", "virtio"]},
            "rules": array(rule),
            "scenarios": array(scenario),
            "failure": or_null(failure),
            "others": array(failure),
            "refused": COUNT,
            "skipped": counts,
            "decisions": decisions,
            "memslots": closed({"most": COUNT, "changes": COUNT}),
            "host_failed": COUNT,
        },
        optional=("decisions", "made", "memslots", "host_failed"),
        defs={"finding": finding_schema()} | vocabulary(),
    )

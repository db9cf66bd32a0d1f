"""The published schema of what `slotproof check --json` prints."""

from __future__ import annotations

from typing import Final

from conformance.judge.verdict import Verdict
from conformance.judge.virtio.rule import Level
from conformance.judge.virtio.rules import RULES
from conformance.targets.target import FAULTS, OPERATIONS
from conformance.traces.vocabulary import (
    MADE,
    Schema,
    closed,
    finding_schema,
    published,
    ref,
    vocabulary,
    whole,
)
from model.arithmetic import U64_MASK

CHECK_VERSION: Final = 1
_VERDICTS: Final = [verdict.value for verdict in Verdict]


def check_schema() -> Schema:
    """What `slotproof check --json` prints."""
    count: Schema = {"type": "integer", "minimum": 0}
    counts: Schema = {"type": "object", "additionalProperties": count}
    observation: Schema = {"anyOf": [{"type": "null"}, ref("observation")]}
    failure = closed(
        {
            "finding": ref("finding"),
            "claim": {"type": "string"},
            "action": {"anyOf": [{"type": "null"}, ref("action")]},
            "allowed": observation,
            "seen": observation,
            "trace": {"type": ["string", "null"]},
            "steps": count,
            "replay": {"type": "string"},
        }
    )
    rule = closed(
        {
            "id": {"enum": [rule.id for rule in RULES]},
            "level": {"enum": [level.value for level in Level]},
            "verdict": {"enum": _VERDICTS},
            "exercised": count,
            "broken": count,
            "message": {"type": "string"},
        }
    )
    scenario = closed(
        {
            "id": {"type": "string"},
            "verdict": {"enum": _VERDICTS},
            "message": {"type": "string"},
            "trace": {"type": ["string", "null"]},
        }
    )
    decisions = closed(
        {
            "version": {"type": "string"},
            "configurations": count,
            "limits": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "short_last": count,
            "mapped": count,
            "differences": {"type": "array", "items": {"type": "string"}},
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
            "target": {"type": "string"},
            "profile": ref("profile"),
            "seed": whole(0, U64_MASK),
            "verdict": {"enum": ["holds", "fails", "undecided"]},
            "traces": count,
            "steps": count,
            "answers": counts,
            "compared": counts,
            "not_asked": {
                "type": "array",
                "items": {"enum": sorted(OPERATIONS | FAULTS)},
                "uniqueItems": True,
            },
            "invariant_checks": count,
            "contract_checks": count,
            "oracle": {"enum": ["exact", "virtio"]},
            "rules": {"type": "array", "items": rule},
            "scenarios": {"type": "array", "items": scenario},
            "failure": {"anyOf": [{"type": "null"}, failure]},
            "others": {"type": "array", "items": failure},
            "refused": count,
            "skipped": counts,
            "decisions": decisions,
        },
        optional=("decisions", "made"),
        defs={"finding": finding_schema()} | vocabulary(),
    )

"""The published schemas of `verify-source --json`, and of the same with `--against`."""

from __future__ import annotations

from conformance.commands.verify_against import VERIFY_AGAINST_VERSION
from conformance.commands.verify_source import VERIFY_SOURCE_VERSION
from conformance.traces.dialect import (
    AMOUNT,
    COUNT,
    MADE,
    TEXT,
    TRUTH,
    Schema,
    array,
    closed,
    or_null,
    published,
    ref,
    whole,
)
from model.arithmetic import U64_MASK
from model.profiles import PROFILES, Mapping
from smt_proofs.source.inputs import FLAGS
from smt_proofs.source.verify import Verdict
from smt_proofs.source.versions import Sameness


def verify_source_schema() -> Schema:
    """What `slotproof verify-source --json` prints."""
    pair = {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2}
    value = {"anyOf": [TRUTH, whole(1, U64_MASK), array(pair)]}
    sets = closed({"plugged": array(pair), "mapped": array(pair)})
    finding = closed(
        {
            "function": TEXT,
            "rule": TEXT,
            "file": TEXT,
            "line": COUNT,
            "verdict": {"enum": [verdict.value for verdict in Verdict]},
            "reason": TEXT,
            "over": array(TEXT),
            "mappings": array({"enum": [mapping.value for mapping in Mapping]}),
            "unseen": or_null(pair),
            "paths": COUNT,
            "queries": COUNT,
            "mapping": or_null({"enum": [mapping.value for mapping in Mapping]}),
            "inputs": or_null({"type": "object", "additionalProperties": value}),
            "what": TEXT,
            "source_says": TEXT,
            "model_says": TEXT,
            "confirmed": or_null(TRUTH),
            "seconds": AMOUNT,
            "remembered": TRUTH,
            "since": TEXT,
            "assumed": array(TEXT),
            "change": TEXT,
            "after": or_null(closed({"source": sets, "model": sets})),
            "helper": TRUTH,
        },
        optional=("after", "helper"),
    )
    return published(
        "verify-source --json",
        VERIFY_SOURCE_VERSION,
        "Lines count from 1, 0 is none. Inputs that are not named are 0, false or "
        f"empty; {', '.join(sorted(FLAGS))} are true or false, sets are half-open ranges, other "
        "inputs bytes or numbers. `after` are the sets that each side leaves at the inputs. A "
        "`helper` is called by other functions of the file alone. `since` is the day on which an "
        "earlier run decided what is remembered, `oldest` the first of those days.",
        {
            "command": {"const": "verify-source"},
            "file": TEXT,
            "is_patch": TRUTH,
            "base": or_null(TEXT),
            "profile": {"enum": list(PROFILES)},
            "inferred": TRUTH,
            "solver": TEXT,
            "seconds": AMOUNT,
            "exit_code": {"enum": [0, 1, 3]},
            "made": MADE,
            "remembered": COUNT,
            "decided": COUNT,
            "oldest": or_null(TEXT),
            "functions": array(ref("function")),
            **_aside(),
        },
        defs={"function": finding},
    )


def _aside() -> dict[str, Schema]:
    """What nobody looked at."""
    place = closed({"function": TEXT, "file": TEXT, "line": COUNT})
    return {
        "not_covered": array(place),
        "uncovered": array(TEXT),
        "other_files": array(TEXT),
    }


def verify_against_schema() -> Schema:
    """What `slotproof verify-source --against OLD --json` prints."""
    pair = {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2}
    value = {"anyOf": [TRUTH, whole(0, U64_MASK), array(pair)]}
    finding = closed(
        {
            "function": TEXT,
            "file": TEXT,
            "line": COUNT,
            "verdict": {"enum": [sameness.value for sameness in Sameness]},
            "change": TEXT,
            "reason": TEXT,
            "over": array(TEXT),
            "inputs": or_null({"type": "object", "additionalProperties": value}),
            "what": TEXT,
            "new_says": TEXT,
            "old_says": TEXT,
            "paths": COUNT,
            "queries": COUNT,
            "seconds": AMOUNT,
            "helper": TRUTH,
        },
        optional=("helper",),
    )
    return published(
        "verify-source --against --json",
        VERIFY_AGAINST_VERSION,
        "Lines count from 1 in the new text, 0 is none. Inputs are the arguments by "
        "name and what else of the device and its host is not 0, false or empty. A `helper` is "
        "called by other functions of the file alone.",
        {
            "command": {"const": "verify-source --against"},
            "file": TEXT,
            "against": TEXT,
            "base": or_null(TEXT),
            "solver": TEXT,
            "seconds": AMOUNT,
            "exit_code": {"enum": [0, 1, 3]},
            "made": MADE,
            "functions": array(ref("function")),
            **_aside(),
        },
        defs={"function": finding},
    )

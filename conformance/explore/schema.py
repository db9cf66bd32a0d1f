"""The published schemas of `explore`, `compare` and `trace coverage` with `--json`."""

from __future__ import annotations

from typing import Final

from conformance.explore.product import PARTS
from conformance.judge.finding import Kind
from conformance.traces.dialect import (
    COUNT,
    MADE,
    TEXT,
    TEXT_OR_NULL,
    TRUTH,
    Schema,
    array,
    closed,
    or_null,
    published,
    ref,
)
from conformance.traces.vocabulary import config_schema, vocabulary
from model.profiles import Mapping
from model.state import Op
from model.versions import KNOWN

EXPLORE_VERSION: Final = 1
COMPARE_VERSION: Final = 1
COVERAGE_VERSION: Final = 1

PROFILE: Final[Schema] = {"enum": list(KNOWN)}


def explore_schema() -> Schema:
    """What `slotproof explore --json` prints."""
    tour = closed(
        {
            "covers": {"enum": ["transitions", "pairs"]},
            "directory": TEXT,
            "traces": COUNT,
            "covered": COUNT,
            "steps": COUNT,
            "least": COUNT,
        }
    )
    broken = closed(
        {
            "kind": {"enum": [Kind.INVARIANT.value, Kind.CONTRACT.value]},
            "claim": TEXT,
            "steps": COUNT,
            "trace": TEXT_OR_NULL,
        }
    )
    return published(
        "explore --json",
        EXPLORE_VERSION,
        "Sizes are bytes. `complete` says that every state was left by every "
        "action; one in which an invariant does not hold is not left again. `merged` says that "
        "states which differ in the feature that the driver accepted are counted once.",
        {
            "command": {"const": "explore"},
            "made": MADE,
            "profile": PROFILE,
            "config": config_schema(),
            "memslots": COUNT,
            "verdict": {"enum": ["holds", "fails"]},
            "complete": TRUTH,
            "merged": TRUTH,
            "states": COUNT,
            "transitions": COUNT,
            "actions": COUNT,
            "edges": COUNT,
            "depth": COUNT,
            "diameter": COUNT,
            "invariant_checks": COUNT,
            "contract_checks": COUNT,
            "tours": array(tour),
            "broken": array(broken),
        },
        optional=("made",),
    )


def compare_schema() -> Schema:
    """What `slotproof compare --json` prints."""
    difference = closed(
        {
            "part": {"enum": [part.value for part in PARTS]},
            "op": {"enum": [None, *(op.value for op in Op)]},
            "message": TEXT,
            "config": ref("config"),
            "steps": array(ref("action")),
            "trace": TEXT_OR_NULL,
        }
    )
    of_all = closed(
        {
            "over": TEXT,
            "verdict": {"enum": ["equivalent", "different", "not-decided"]},
            "transitions": array(
                closed(
                    {
                        "mappings": array({"enum": [mapping.value for mapping in Mapping]}),
                        "transition": {"enum": ["realize", *(op.value for op in Op)]},
                        "verdict": {"enum": ["same", "apart", "not-decided"]},
                        "obligations": COUNT,
                        "reason": TEXT,
                        "remembered": TEXT_OR_NULL,
                    }
                )
            ),
        }
    )
    comparison = closed(
        {
            "left": PROFILE,
            "right": PROFILE,
            "verdict": {"enum": ["equivalent-in-scope", "different"]},
            "devices": COUNT,
            "watched": closed({part.value: COUNT for part in PARTS}),
            "pairs": COUNT,
            "steps": COUNT,
            "shortest": array(difference),
            "causes": array(difference),
            "all_sizes": of_all,
        },
        optional=("all_sizes",),
    )
    return published(
        "compare --json",
        COMPARE_VERSION,
        "What is allowed is what the left profile does, what is seen the right one. "
        "`devices` of `scope` are all that both profiles have; nothing is said of other sizes but "
        "in `all_sizes`.",
        {
            "command": {"const": "compare"},
            "made": MADE,
            "scope": closed({"blocks": COUNT, "slots": COUNT}),
            "comparisons": array(comparison),
        },
        optional=("made",),
        defs=vocabulary(),
    )


def coverage_schema() -> Schema:
    """What `slotproof trace coverage --json` prints."""
    part = closed({"reached": COUNT, "all": COUNT})
    exact = closed({"states": part, "transitions": part})
    return published(
        "trace coverage --json",
        COVERAGE_VERSION,
        "`beyond` counts cases that the small device has not; `exact` is there for "
        "traces of the small device itself.",
        {
            "command": {"const": "coverage"},
            "profile": PROFILE,
            "scope": closed({"blocks": COUNT, "slots": COUNT}),
            "traces": COUNT,
            "steps": COUNT,
            "situations": part,
            "cases": part,
            "beyond": COUNT,
            "exact": or_null(exact),
            "left": array(TEXT),
        },
    )

"""The published schemas of `decide --json`, `prove --json` and `prove --mutants --json`.

They are here because they take their words from the proofs too, which only commands may import.
"""

from __future__ import annotations

from conformance.commands.decide import DECIDE_VERSION
from conformance.commands.mutants import MUTANTS_VERSION
from conformance.commands.prove_json import PROVE_VERSION
from conformance.traces.dialect import (
    AMOUNT,
    COUNT,
    DIALECT,
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
from model.arithmetic import U16_BITS, U64_MASK, UINT_BITS
from model.profiles import PROFILES, Mapping
from smt_proofs.solving.solve import Verdict


def decide_schema() -> Schema:
    """What `slotproof decide --json` prints."""
    size = whole(1, U64_MASK)
    options = sorted({profile.option_name for profile in PROFILES.values()} - {""})
    document = closed(
        {
            "schema": {"const": DECIDE_VERSION},
            "command": {"const": "decide"},
            "profile": {"enum": list(PROFILES)},
            "region": size,
            "block": size,
            "page": size,
            "limit": whole(1, (1 << UINT_BITS) - 1),
            **{name: TRUTH for name in options},
            "count": whole(1, (1 << U16_BITS) - 1),
            "size": size,
            # Where `violated` names an invariant, these two may have wrapped to anything.
            "last_size": whole(0, U64_MASK),
            "last_start": whole(0, U64_MASK),
            "violated": array(TEXT),
        },
        optional=tuple(options),
    )
    return {
        "$schema": DIALECT,
        "title": f"slotproof decide --json, version {DECIDE_VERSION}",
        "description": "All sizes are bytes. The option for several memslots has the name that it "
        "has in the profile, and is left out where there is none.",
        **document,
        "oneOf": [
            {
                "properties": {
                    "profile": {"enum": [p.name for p in PROFILES.values() if p.option_name == o]}
                },
                "required": [o] if o else [],
                "not": {"anyOf": [{"required": [other]} for other in options if other != o]},
            }
            for o in sorted({profile.option_name for profile in PROFILES.values()})
        ],
    }


def prove_schema() -> Schema:
    """What `slotproof prove --json` prints."""
    verdict = {"enum": [verdict.value for verdict in Verdict]}
    inputs = {"type": "object", "additionalProperties": whole(0, U64_MASK)}
    control = closed({"mutant": TEXT, "verdict": verdict, "counterexample": or_null(ref("inputs"))})
    necessity = closed(
        {
            "hypothesis": TEXT,
            "text": TEXT,
            "why": TEXT,
            "inputs": ref("inputs"),
            "shows": TEXT,
            "confirmed": TRUTH,
        }
    )
    outcome = {
        "claim": TEXT,
        "source": TEXT,
        "verdict": ref("verdict"),
        "reason": TEXT,
        "rests_on": array(TEXT),
        "cases": COUNT,
        "goals": COUNT,
        "conditions": COUNT,
        "seconds": AMOUNT,
        "remembered": or_null(TEXT),
    }
    theorem = closed(
        {
            "name": TEXT,
            "invariant": or_null(TEXT),
            "over": TEXT,
            "arithmetic": TEXT,
            "profiles": array({"enum": list(PROFILES)}),
            "not_assumed": array(TEXT),
            "example": or_null(ref("inputs")),
            "counterexample": or_null(ref("inputs")),
            "controls": array(ref("control")),
            "necessity": array(ref("necessity")),
            **outcome,
        }
    )
    transition = closed(
        {
            "theorem": TEXT,
            "profile": {"enum": list(PROFILES)},
            "mapping": {"enum": [mapping.value for mapping in Mapping]},
            "transition": TEXT,
            "serves": or_null(TEXT),
            "reached": COUNT,
            "control": or_null(TEXT),
            "counterexample": or_null(TEXT),
            "trace": or_null(TEXT),
            "not_shown": or_null(TEXT),
            **outcome,
        }
    )
    lemma = closed(
        {
            "lemma": TEXT,
            "kind": {"enum": ["lemma", "induction"]},
            "claim": TEXT,
            "verdict": ref("verdict"),
            "reason": TEXT,
            "queries": COUNT,
            "controls": COUNT,
            "controlled": COUNT,
            "seconds": AMOUNT,
            "remembered": or_null(TEXT),
        }
    )
    return published(
        "prove --json",
        PROVE_VERSION,
        "Inputs are by name: sizes in bytes, numbers of memslots, truth values as 0 "
        "or 1. `goals`, `conditions` and `queries` are obligations that every solver named "
        "answered unsat. `remembered` is the day on which an earlier run decided an outcome, null "
        "where this one did; `oldest` is the first of those days.",
        {
            "command": {"const": "prove"},
            "solvers": array(TEXT),
            "seconds": AMOUNT,
            "exit_code": {"enum": [0, 1, 3]},
            "made": MADE,
            "remembered": COUNT,
            "decided": COUNT,
            "oldest": or_null(TEXT),
            "theorems": array(ref("theorem")),
            "transitions": array(ref("transition")),
            "lemmas": array(ref("lemma")),
        },
        defs={
            "theorem": theorem,
            "transition": transition,
            "lemma": lemma,
            "control": control,
            "necessity": necessity,
            "inputs": inputs,
            "verdict": verdict,
        },
    )


def mutants_schema() -> Schema:
    """What `slotproof prove --mutants --json` prints."""
    counts = {"mutants": COUNT, "killed": COUNT, "equivalent": COUNT}
    return published(
        "prove --mutants --json",
        MUTANTS_VERSION,
        "A mutant is killed where a theorem's claim, executed under it, is false of "
        "an input within the hypotheses; equivalent where it is proven to do what the right rule "
        "does; undecided where that is said and no proof was found; else unexplained.",
        {
            "command": {"const": "mutants"},
            "made": MADE,
            "exit_code": {"enum": [0, 1, 3]},
            **counts,
            "rules": array(closed({"rule": TEXT, **counts})),
            "undecided": array(TEXT),
            "unexplained": array(TEXT),
        },
        optional=("made",),
    )

"""The published schema of the files that list what is refuted of a profile."""

from __future__ import annotations

from typing import Final

from conformance.judge.claims import TRANSITIONS
from conformance.traces.dialect import TEXT, Schema, array, closed, published, ref
from model.contracts import CONTRACTS, START_CONTRACTS
from model.invariants import INVARIANTS
from model.profiles import PROFILES, Mapping

REFUTED_VERSION: Final = 1


def refuted_schema() -> Schema:
    """The refuted claims that are known of a profile, as `slotproof prove --expect` reads them."""
    invariants = [invariant.name for invariant in INVARIANTS if not invariant.of_layout]
    contracts = [contract.name for contract in (*CONTRACTS, *START_CONTRACTS)]
    row = closed(
        {
            "mapping": {"enum": [mapping.value for mapping in Mapping]},
            "claim": {"enum": [*invariants, *contracts]},
            "transition": {"enum": list(TRANSITIONS)},
            "holds_exactly_if": TEXT,
        }
    )
    return published(
        "refuted claims of one profile",
        REFUTED_VERSION,
        "Each row is a claim (an invariant or a contract) that a transition does "
        "not keep, with the weakest hypothesis under which it does.",
        {
            "document": {"const": "refuted"},
            "profile": ref("profile"),
            "refuted": array(row),
        },
        defs={"profile": {"enum": list(PROFILES)}},
    )

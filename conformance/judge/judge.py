"""What fails a trace: chosen for a check, and found again in a trace that was kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from conformance.judge.finding import Finding, Kind
from conformance.judge.virtio.rules import UNPROFILED
from model.contracts import CONTRACT_NAMED
from model.invariants import INVARIANT_NAMED

CLAIMS: Final = frozenset({*INVARIANT_NAMED, *CONTRACT_NAMED})
"""The names of invariants and contracts, of which faults may be known as well."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What fails a trace: a difference to the model, a broken invariant or contract (`exact`), and
    a breach of one of the `rules` of VIRTIO. Breaches of the others are counted.

    `tolerated` invariants and contracts are counted as well where they are broken. `known` are
    rules that are known to be broken.
    `accepts`: a device that refuses a configuration fails; else it is not asked for that one.
    """

    exact: bool = True
    rules: frozenset[str] = frozenset()
    tolerated: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    accepts: bool = True


EXACT: Final = Judge(rules=UNPROFILED)
"""The profile, and the text where no profile says anything."""


def judge_of(found: Finding | None) -> Judge:
    """The judge that found what a trace was kept for: a rule or claim alone, where one is named."""
    if found is None:
        return EXACT
    if found.kind is Kind.VIRTIO:
        return Judge(exact=False, rules=frozenset({found.what}))
    # What breaks several claims may break others on the way to this one.
    if found.what in CLAIMS:
        return replace(EXACT, tolerated=CLAIMS - {found.what})
    return EXACT

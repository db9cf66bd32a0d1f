"""What was proven before: outcomes kept by a fingerprint of all that they depend on.

Two profiles that differ in no switch which a rule reads have one fingerprint for it, so what is
proven of one is proven of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from model.profiles import PROFILES
from model.state import Op
from smt_proofs.book.fingerprints import fingerprint
from smt_proofs.book.work import (
    Foundations,
    Outcome,
    Stated,
    Task,
    Transition,
    foundations,
    unshown,
)
from smt_proofs.decision.outcome import Proof
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.foundations import LemmaProof
from smt_proofs.solving.cache import Cache, today
from smt_proofs.solving.means import Means
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions import claims
from smt_proofs.transitions.determined_proofs import determined_name
from smt_proofs.transitions.inputs import state_invariants
from smt_proofs.transitions.proofs import INVARIANTS_DEFINED, TransitionProof, claims_in

KINDS: Final[dict[str, type[Outcome]]] = {
    kind.__name__: kind for kind in (LemmaProof, Proof, TransitionProof)
}


def key_of(task: Task, means: Means) -> str:
    """The fingerprint of what the outcomes of a task depend on: by whom they are decided, and on
    which lemmas and inductions they rest."""
    asked = f"{' '.join(means.solvers)} {resting_on()}"
    if isinstance(task, Foundations):
        return fingerprint(extra=f"foundations {asked}")
    if isinstance(task, Stated):
        return fingerprint(THEOREMS[task.theorem], extra=f"theorem {asked}")
    profile, transition = PROFILES[task.profile], task.transition
    here = f"{task.mapping.value} {transition} {sorted(task.wanted)} {asked}"
    # Every transition assumes all invariants of the state before, whatever is wanted of it.
    assumed = [invariant.holds for invariant in state_invariants(task.mapping)]
    if transition == INVARIANTS_DEFINED:
        return fingerprint(*assumed, profile, extra=here, ops=())
    found = claims_in(profile, task.mapping, transition, task.wanted)
    if determined_name(transition) in task.wanted:
        found = claims_in(profile, task.mapping, transition, frozenset())
    ops = () if transition == claims.REALIZE else (Op(transition),)
    holds = [claim.holds for claim in found]
    return fingerprint(claims.carry_out, *holds, *assumed, profile, extra=here, ops=ops)


def resting_on() -> str:
    """The hash of all lemmas and inductions that there are, by name and by what they say."""
    found = foundations()
    names = " ".join(each.name for each in found)
    return fingerprint(*found, extra=names)


def recall(cache: Cache, key: str) -> list[Outcome] | None:
    """The outcomes kept under a key, None where there are none."""
    record = cache.record(key)
    if record is None:
        return None
    try:
        return [_outcome(each) for each in record["outcomes"]]
    except (KeyError, TypeError, msgspec.ValidationError):
        return None


def _outcome(record: dict[str, Any]) -> Outcome:
    return msgspec.convert(record["of"], KINDS[record["kind"]])


def keep(cache: Cache, key: str, outcomes: Sequence[Outcome]) -> None:
    """Remember outcomes, unless one of them is undecided or owes something that was not shown, as
    after a negative control that ran out of work."""
    if not any(o.verdict is Verdict.UNKNOWN or unshown(o) for o in outcomes):
        cache.keep_record(key, {"outcomes": [_record(outcome) for outcome in outcomes]})


def _record(outcome: Outcome) -> dict[str, Any]:
    dated = replace(outcome, remembered=outcome.remembered or today())
    return {"kind": type(outcome).__name__, "of": msgspec.to_builtins(dated)}


def of_profile(outcomes: Iterable[Outcome], task: Task) -> list[Outcome]:
    """Outcomes that hold of every profile with their key, as those of the task's own."""
    if not isinstance(task, Transition):
        return list(outcomes)
    return [
        replace(outcome, profile=task.profile) if isinstance(outcome, TransitionProof) else outcome
        for outcome in outcomes
    ]

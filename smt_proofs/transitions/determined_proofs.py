"""Decide that what is claimed of a transition leaves one outcome, and show that it could fail."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from model.contracts import CONTRACTS, START_CONTRACTS
from model.invariants import Invariant
from model.profiles import Mapping, Profile
from model.state import ConcreteResult, Op
from smt_proofs.solving.obligation import GOAL
from smt_proofs.solving.settle import Decide, Settled, settle, tally
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import Claim, claims_of
from smt_proofs.transitions.determined import (
    MEANT_ALONE,
    determined,
    possible_shapes,
    seek_determined,
)
from smt_proofs.transitions.induction import MAPPED, seek_mapped
from smt_proofs.transitions.inputs import state_invariants
from smt_proofs.transitions.needed_names import NEEDED
from smt_proofs.transitions.proofs import (
    INVARIANTS_DEFINED,
    TransitionProof,
    effects_in_words,
    in_words,
    limits_of,
)
from smt_proofs.transitions.refuted import refuted_of
from smt_proofs.transitions.second import Second, right_shape, second_outcome, tried_out
from smt_proofs.transitions.shapes import Shape
from smt_proofs.transitions.small import SmallSituation, fails, situations
from smt_proofs.transitions.spoils import outcomes

SERVES: Final = "one-outcome"
"""What these theorems serve: no claim of its own, but that all of them leave no choice."""
TRIED: Final = 500
"""Situations in which a wrong outcome is looked for that one claim alone forbids."""


def determined_name(transition: str) -> str:
    """The theorem that the claims about a transition leave one outcome, or the lemma for all."""
    return MAPPED if transition == INVARIANTS_DEFINED else determined(transition)


def leaving_one(profile: Profile, mapping: Mapping, transition: str) -> list[Claim]:
    """What is proven of a transition: its claims, and in the place of one that is refuted when it
    holds. Those that follow from the others are left out."""
    refuted = refuted_of(profile, mapping, transition)
    kept = [c for c in claims_of(mapping, transition) if c.serves not in refuted]
    return [c for c in (*kept, *limits_of(profile, mapping, transition)) if not c.follows]


def prove_determined(
    profile: Profile,
    mapping: Mapping,
    transition: str,
    decide: Decide,
    claims: Sequence[Claim] | None = None,
) -> TransitionProof:
    """Decide that `claims`, all that are proven of a transition if not given, leave one outcome.

    Refuted is what an executed second outcome shows. A control is a wrong outcome that one claim
    forbids and no other: without that claim there would be two outcomes.
    """
    start = time.perf_counter()
    name = determined_name(transition)
    about_step = transition != INVARIANTS_DEFINED
    if claims is None:
        claims = leaving_one(profile, mapping, transition) if about_step else []
    shapes = possible_shapes(profile, mapping, transition, claims) if about_step else []
    sought = (
        seek_determined(profile, mapping, transition, claims, shapes)
        if about_step
        else seek_mapped(profile, mapping)
    )
    owed = tuple(settle(sought, decide))
    sums = tally(owed)
    verdict, counterexample, reason = sums.verdict, "", sums.reason
    if verdict is not Verdict.PROVEN and about_step:
        gone = sorted(NEEDED - {c.name for c in (*CONTRACTS, *START_CONTRACTS)})
        reason = f"no longer claimed: {', '.join(gone)}; {reason}" if gone else reason
        pairs = _open_pairs(owed, shapes)
        second = second_outcome(profile, mapping, transition, claims, pairs)
        second = second or tried_out(profile, mapping, transition, claims)
        if second is not None:
            verdict, counterexample = Verdict.REFUTED, told(second)
    cases = {settled.path for settled in owed if settled.what == GOAL}
    reached = len(cases)
    if about_step:
        reached -= len(_unreached([shapes[n] for n in cases], profile, mapping, transition))
    return TransitionProof(
        theorem=name,
        profile=profile.name,
        mapping=mapping,
        transition=transition,
        serves=SERVES,
        claim=determined_words(transition),
        source="model/contracts",
        verdict=verdict,
        reason=reason,
        rests_on=sums.rests_on,
        cases=len(cases),
        reached=reached,
        goals=sums.goals,
        conditions=sums.conditions,
        control=_control(profile, mapping, transition, claims),
        counterexample=counterexample,
        seconds=time.perf_counter() - start,
        obligations=owed,
    )


def determined_words(transition: str) -> str:
    """What the theorem of `determined_name` says."""
    if transition == INVARIANTS_DEFINED:
        return (
            "two states with the same plugged blocks and usable region, both of which meet the "
            "invariants, have the same memslots mapped"
        )
    return (
        f"two outcomes of {transition} that meet all that is claimed of it are the same: answer, "
        "payload, notification, state, and all effects in order"
    )


def _open_pairs(owed: Sequence[Settled], shapes: Sequence[Shape]) -> list[tuple[Shape, Shape]]:
    """The pairs of shapes that were not shown to be no two outcomes."""
    found: dict[tuple[int, int], None] = {}
    for settled in owed:
        n = settled.path
        if settled.verdict is Verdict.PROVEN or settled.what in MEANT_ALONE:
            continue
        if settled.what == GOAL:
            found[n, n] = None
        else:
            found |= dict.fromkeys((n, other) for other in range(n + 1, len(shapes)))
    return [(shapes[a], shapes[b]) for a, b in found]


def _unreached(
    wanted: Sequence[Shape], profile: Profile, mapping: Mapping, transition: str
) -> list[Shape]:
    """The shapes that no executed situation has."""
    missing = list(wanted)
    for situation in situations(profile, mapping, transition):
        if not missing:
            break
        shape = right_shape(transition, situation)
        if shape in missing:
            missing.remove(shape)
    return missing


def _control(profile: Profile, mapping: Mapping, transition: str, claims: Sequence[Claim]) -> str:
    """A claim and a wrong outcome that it alone forbids, in words; empty if none was found."""
    if transition == INVARIANTS_DEFINED:
        claims = [
            Claim("", i.name, "", "", partial(_of_left, i)) for i in state_invariants(mapping)
        ]
        transition = Op.STATE.value
    for situation in islice(situations(profile, mapping, transition), TRIED):
        right, wrongs = outcomes(transition, situation)
        for spoil, wrong in wrongs:
            if wrong == right:
                continue
            alone = _alone(claims, situation, wrong)
            if alone and not any(fails(claim, situation, right) for claim in claims):
                return f"without {alone}: {spoil.name}"
    return ""


def _of_left(invariant: Invariant, d: Any, f: Any, s: Any, a: Any, r: Any) -> Any:
    return invariant.holds(d, f, r.state)


def _alone(claims: Sequence[Claim], at: SmallSituation, wrong: ConcreteResult) -> str:
    """The one claim that is false of an outcome, empty if it is none or several."""
    found = ""
    for claim in claims:
        if fails(claim, at, wrong):
            if found:
                return ""
            found = claim.serves
    return found


def told(second: Second) -> str:
    """Both outcomes of a situation in one line."""
    right, other = map(outcome_in_words, (second.right, second.other))
    if right == other:
        # They differ in what can be seen in the middle of the step.
        right, other = right + _seen(second.right), other + _seen(second.other)
    return f"{in_words(second.situation)}: {right}; or else {other}"


def _seen(result: ConcreteResult) -> str:
    """The sets as they are at each effect, as the end of a line."""
    sets = [(list(e.plugged.ranges()), list(e.mapped.ranges())) for e in result.effects]
    return f"; seen then: {', '.join(f'plugged={p} mapped={m}' for p, m in sets)}"


def outcome_in_words(result: ConcreteResult) -> str:
    """An outcome in one line."""
    s: Any = result.state
    plugged, mapped = (list(items.ranges()) for items in (s.plugged, s.mapped))
    flags = [n for n in ("busy", "accepted", "broken", "realized") if getattr(s, n)]
    payload = [result.block_state.value] if result.block_state else []
    head = [result.answer.value, *payload, *(["notified"] if result.notified else []), *flags]
    sizes = f"size={s.size} requested={s.requested} usable={s.usable}"
    return f"{' '.join(head)} plugged={plugged} mapped={mapped} {sizes}{effects_in_words(result)}"

"""Decide all theorems about one transition, and show that each could have failed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final

from model.profiles import Mapping, Profile
from model.state import ConcreteResult, Op
from smt_proofs.solving.obligation import GOAL
from smt_proofs.solving.settle import NOTHING_ASKED, Decide, Settled, settle, tally
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import Claim, claims_of, slug
from smt_proofs.transitions.induction import DEFINEDNESS, exactness, seek, seek_definedness
from smt_proofs.transitions.refuted import REFUTED
from smt_proofs.transitions.refuted_row import RefutedClaim
from smt_proofs.transitions.small import SmallSituation, broken, outcome, situations
from smt_proofs.transitions.spoils import FEW, controls
from smt_proofs.transitions.trails import invariants_wrap_outside, strayed, unreached, wraps_outside

INVARIANTS_DEFINED: Final = "invariants"
"""The pseudo transition of DEFINEDNESS, which all transitions of a way of mapping rest on."""


@dataclass(frozen=True, slots=True)
class TransitionProof:
    """The outcome for one claim about one transition, in one profile and way of mapping.

    `rests_on` names the invariants, lemmas and theorems that its obligations use. `cases` counts
    the paths through the rule, and `reached` those that executed situations take. `goals` and
    `conditions` are the obligations that are met. `control` names the wrong outcome that breaks the
    claim on an executed situation, empty where none was found. `counterexample` is a situation in
    words that execution confirms. `seconds` is wall clock, shared by a transition's theorems;
    `remembered` is the day on which an earlier run decided it, empty for this one.
    """

    theorem: str
    profile: str
    mapping: Mapping
    transition: str
    serves: str
    claim: str
    source: str
    verdict: Verdict
    reason: str
    rests_on: tuple[str, ...]
    cases: int
    reached: int
    goals: int
    conditions: int
    control: str
    counterexample: str
    seconds: float = field(compare=False)
    obligations: tuple[Settled, ...] = ()
    remembered: str = field(default="", compare=False)


def exactness_claim(transition: str) -> tuple[str, str]:
    """Name and words of the theorem that the others of a transition rest on."""
    if transition == INVARIANTS_DEFINED:
        return DEFINEDNESS, "evaluating the invariants neither wraps nor divides by zero"
    return exactness(transition), (
        f"no operation of {slug(transition)} wraps or divides by zero, and its cases are complete"
    )


def prove_transition(
    profile: Profile,
    mapping: Mapping,
    transition: str,
    decide: Decide,
    wanted: frozenset[str] = frozenset(),
) -> tuple[TransitionProof, ...]:
    """Decide the claims wanted of a transition, by theorem (all where none is named), that its rule
    is exact, or that the invariants are defined."""
    start = time.perf_counter()
    if transition == INVARIANTS_DEFINED:
        claims: list[Claim] = []
        found = seek_definedness(profile, mapping)
    else:
        claims = claims_in(profile, mapping, transition, wanted)
        found = seek(profile, mapping, transition, claims)
    owed: dict[str, list[Settled]] = defaultdict(list)
    for settled in settle(found, decide):
        owed[settled.theorem].append(settled)
    name, words = exactness_claim(transition)
    claims = [Claim(name, "", words, "", lambda *_: True), *claims]
    shown = _Shown.of(profile, mapping, transition, claims, owed)
    seconds = time.perf_counter() - start
    return tuple(
        _proof(profile, mapping, transition, claim, owed[claim.theorem], shown, seconds)
        for claim in claims
    )


def claims_in(
    profile: Profile, mapping: Mapping, transition: str, wanted: frozenset[str]
) -> list[Claim]:
    """What is claimed of a transition in a profile, as far as it is wanted."""
    claims = [*claims_of(mapping, transition), *limits_of(profile, mapping, transition)]
    silent = (SILENT.get(claim.theorem, _never)(profile, mapping) for claim in claims)
    return [
        claim
        for claim, says_nothing in zip(claims, silent, strict=True)
        if not says_nothing and (not wanted or claim.theorem in wanted)
    ]


def _never(profile: Profile, mapping: Mapping) -> bool:
    return False


SILENT: Final[dict[str, Callable[[Profile, Mapping], bool]]] = {
    "wake_up_obeys_reset_unplugs": lambda profile, mapping: profile.wake_up_keeps,
    "wake_up_obeys_reset_fits_usable": lambda profile, mapping: profile.wake_up_keeps,
    "wake_up_obeys_busy_reset_keeps_usable": lambda profile, mapping: profile.wake_up_keeps,
    "wake_up_obeys_reset_keeps_blocks": lambda profile, mapping: not profile.wake_up_keeps,
    "migration_in_obeys_migration_in_maps": lambda profile, mapping: (
        mapping is Mapping.STATIC or profile.post_load_maps
    ),
}
"""Theorems that say nothing of some devices, by name, and of which: they speak of what a switch of
the profile turns off. All others that no wrong outcome breaks are told as not shown."""


def limits_of(profile: Profile, mapping: Mapping, transition: str) -> list[Claim]:
    """For each claim that the transition does not keep: that it does exactly under a hypothesis."""
    named = {claim.serves: claim for claim in claims_of(mapping, transition)}
    found = []
    for row in REFUTED:
        if (row.profile, row.mapping, row.op.value) == (profile.name, mapping, transition):
            claim = named[row.claim]
            name = f"{claim.theorem}_exactly_if_{row.holds.__name__}"
            text = f"{claim.text.rstrip('.')}: holds exactly when {row.text}."
            holds = partial(_exactly_if, claim, row)
            found.append(
                Claim(name, claim.serves, text, claim.source, holds, follows=claim.follows)
            )
    return found


def _exactly_if(claim: Claim, row: RefutedClaim, d: Any, f: Any, s: Any, a: Any, r: Any) -> Any:
    return d.same_truth(claim.holds(d, f, s, a, r), row.holds(d, f, s, a))


@dataclass(frozen=True, slots=True)
class _Shown:
    """What executed situations show of a transition, by theorem where it concerns one.

    `strayed` is a situation in a case that was shown impossible, in words; empty if there is none.
    """

    controls: dict[str, str]
    broken: dict[str, str]
    cases: int
    reached: int
    strayed: str

    @classmethod
    def of(
        cls,
        profile: Profile,
        mapping: Mapping,
        transition: str,
        claims: Sequence[Claim],
        owed: dict[str, list[Settled]],
    ) -> _Shown:
        """Carry the transition out in small situations, as few as it takes."""
        if transition == INVARIANTS_DEFINED:
            some = islice(situations(profile, mapping, Op.STATE.value), FEW)
            shown = {DEFINEDNESS: "sets beyond all bounds"}
            return cls(shown if invariants_wrap_outside(mapping, some) else {}, {}, 0, 0, "")
        trails = {s.trail for found in owed.values() for s in found if s.what == GOAL}
        missing = unreached(trails, transition, situations(profile, mapping, transition))
        # Exactness says nothing of an outcome, so no wrong one breaks it.
        stated = [claim for claim in claims if claim.theorem != exactness(transition)]
        noticed = controls(transition, stated, situations(profile, mapping, transition))
        shown = {theorem: spoil.name for theorem, (spoil, _) in noticed.items()}
        if wraps_outside(transition, islice(situations(profile, mapping, transition), FEW)):
            shown[exactness(transition)] = "sizes of 2^64 - 1 bytes"
        failing: dict[str, str] = {}
        if any(not s.text for found in owed.values() for s in found):
            failing = {
                name: f"{in_words(at)}{effects_in_words(outcome(transition, at))}"
                for name, at in broken(profile, mapping, transition)
            }
        some = islice(situations(profile, mapping, transition), FEW)
        # Without a claim there are no goals, and nothing to be said of a case left out.
        astray = strayed(trails, transition, some) if len(claims) > 1 else None
        where = "" if astray is None else in_words(astray)
        return cls(shown, failing, len(trails), len(trails) - len(missing), where)


def in_words(at: SmallSituation) -> str:
    """A situation in one line, in bytes and indices."""
    f, s, a = at.fixed, at.state, at.action
    device = f"region={f.region} block={f.block} slots={f.slots.count}x{f.slots.size}"
    plugged, mapped = (list(items.ranges()) for items in (s.plugged, s.mapped))
    sizes = f"size={s.size} requested={s.requested} usable={s.usable}"
    flags = [name for name in ("busy", "accepted", "broken") if getattr(s, name)]
    happens = f"{a.op.value} addr={a.addr} blocks={a.blocks} value={a.value}"
    faults = [name for name in ("discard", "prealloc", "populate") if getattr(a.faults, name)]
    return " ".join(
        [
            f"{device} extent={f.extent} start_requested={f.start_requested}",
            f"plugged={plugged} mapped={mapped} {sizes}",
            *flags,
            f"-> {happens}",
            *(f"{name}-fails" for name in faults),
        ]
    )


def effects_in_words(result: ConcreteResult) -> str:
    """What a step did to its host, in order, as the end of a line; nothing where it did nothing."""
    told = [
        f"{effect.did.value} {effect.size}@{effect.offset}{'' if effect.done else ' (failed)'}"
        for effect in result.effects
    ]
    return f" => {', '.join(told)}" if told else ""


def _proof(
    profile: Profile,
    mapping: Mapping,
    transition: str,
    claim: Claim,
    owed: Sequence[Settled],
    shown: _Shown,
    seconds: float,
) -> TransitionProof:
    sums = tally(owed)
    verdict, reason = sums.verdict, sums.reason
    if reason == NOTHING_ASKED and claim.theorem == exactness_claim(transition)[0]:
        # A rule without arithmetic owes nothing that could wrap.
        verdict, reason = Verdict.PROVEN, ""
    counterexample = shown.broken.get(claim.theorem, "")
    if counterexample:
        verdict = Verdict.REFUTED
    elif shown.strayed and (verdict is Verdict.PROVEN or reason == NOTHING_ASKED):
        verdict = Verdict.VACUOUS
        reason = f"a case that was shown impossible is executed: {shown.strayed}"
    return TransitionProof(
        theorem=claim.theorem,
        profile=profile.name,
        mapping=mapping,
        transition=transition,
        serves=claim.serves,
        claim=claim.text,
        source=claim.source,
        verdict=verdict,
        reason=reason,
        rests_on=sums.rests_on,
        cases=shown.cases,
        reached=shown.reached,
        goals=sums.goals,
        conditions=sums.conditions,
        control=shown.controls.get(claim.theorem, ""),
        counterexample=counterexample,
        seconds=seconds,
        obligations=tuple(owed),
    )

"""Do the devices of two profiles do the same, whatever their sizes?

One and the same state before: both rules are evaluated on one path, and what they answer, tell and
leave must be equal. Where that holds of a transition, and it keeps the invariants, equal states
stay equal: no trace of such transitions tells the two devices apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, Final

from model.contracts.words import EVERY_FIELD, SETS, all_of, kept, named
from model.effects import ABOUT_SLOTS, Did
from model.profiles import Mapping, Profile
from model.state import RANGE_REQUESTS, Result
from smt_proofs.solving.obligation import Sought
from smt_proofs.transitions.claims import REALIZE, Claim, carry_out, slug
from smt_proofs.transitions.induction import seek
from smt_proofs.transitions.inputs import any_state, assume_invariants, state_invariants

SAME: Final = "both devices answer, tell and leave the same"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What two rules make of the same situation."""

    one: Result[Any, Any, Any]
    other: Result[Any, Any, Any]


def alike(d: Any, f: Any, s: Any, a: Any, outcomes: Outcomes, *, but_mapped: bool = False) -> Any:
    """Both rules answer, tell and leave the same; `but_mapped`: whatever memslots they map."""
    ours, theirs = outcomes.one, outcomes.other
    left_out = ABOUT_SLOTS if but_mapped else frozenset[Did]()
    if _told(ours, left_out) != _told(theirs, left_out):
        if a.op in RANGE_REQUESTS:
            # The first block named shows that no range is both plugged and unplugged.
            d.member(s.plugged, named(d, f, a)[0])
        return d.truth(False)
    states: tuple[Any, Any] = ours.state, theirs.state
    same = kept(d, *states, [name for name in EVERY_FIELD if name not in SETS])
    # Effects mostly show the sets of the states: each pair is compared once.
    pairs: dict[tuple[int, int], tuple[Any, Any]] = {}
    noticed: list[tuple[Any, Any]] = list(
        zip(_noticed(ours, left_out), _noticed(theirs, left_out), strict=True)
    )
    for one, other in (states, *noticed):
        for name in ["plugged"] if but_mapped else sorted(SETS):
            seen, instead = getattr(one, name), getattr(other, name)
            if seen is not instead:
                pairs[id(seen), id(instead)] = seen, instead
    for one, other in noticed:
        there = d.both(d.eq(one.offset, other.offset), d.eq(one.size, other.size))
        same = all_of(d, same, there, d.same_truth(one.done, other.done))
    for pair in pairs.values():
        same = d.both(same, d.same_members(*pair))
    return same


def _noticed(r: Result[Any, Any, Any], left_out: frozenset[Did]) -> list[Any]:
    return [effect for effect in r.effects if effect.did not in left_out]


def _told(r: Result[Any, Any, Any], left_out: frozenset[Did]) -> tuple[Any, ...]:
    did = [effect.did for effect in _noticed(r, left_out)]
    return r.answer, r.block_state, r.notified, did


def shared_mappings(left: Profile, right: Profile) -> list[tuple[Mapping, Mapping]]:
    """How the devices map that both profiles permit, for the same options."""
    found: dict[tuple[Mapping, Mapping], None] = {}
    for option, inaccessible in product((True, False), repeat=2):
        asked = {"option": option, "inaccessible": inaccessible}
        try:
            found[left.mapping_for(**asked), right.mapping_for(**asked)] = None
        except ValueError:
            continue
    return list(found)


def same_step(transition: str) -> str:
    """The theorem that a transition is the same on both devices."""
    return f"{slug(transition)}_is_the_same"


def _pair(
    d: Any, transition: str, fixed: tuple[Any, Any], states: tuple[Any, Any], a: Any
) -> Outcomes:
    """What both devices make of an action."""
    one, other = (carry_out(d, transition, f, s, a) for f, s in zip(fixed, states, strict=True))
    return Outcomes(one, other)


def _answers_alike(d: Any, outcomes: Outcomes) -> Any:
    both = (outcomes.one, outcomes.other)
    return d.truth(len({(r.answer, r.block_state, r.notified) for r in both}) == 1)


def seek_same(
    left: Profile, right: Profile, mappings: tuple[Mapping, Mapping], transition: str
) -> Iterator[Sought]:
    """The obligations that a transition does the same on both devices and keeps the invariants, and
    that devices which are gone answer alike whatever else is true of them.

    Where one has a static memslot and the other maps otherwise, that is but for what is mapped: a
    static memslot is no part of what the rules read or change.
    """
    name = same_step(transition)
    but_mapped = mappings[0] is not mappings[1]
    # The one whose invariants say more of the memslots.
    mapping = next((m for m in mappings if m is not Mapping.STATIC), Mapping.STATIC)

    def sides(f: Any) -> tuple[Any, Any]:
        return (
            replace(f, profile=left, mapping=mappings[0]),
            replace(f, profile=right, mapping=mappings[1]),
        )

    def both(d: Any, _: str, f: Any, s: Any, a: Any) -> Outcomes:
        return _pair(d, transition, sides(f), (s, s), a)

    def seen(d: Any, f: Any, s: Any, a: Any, outcomes: Outcomes) -> Any:
        # Nothing but the answer is seen of a device that is gone.
        gone = [d.negate(result.state.realized) for result in (outcomes.one, outcomes.other)]
        same = d.either(d.both(*gone), alike(d, f, s, a, outcomes, but_mapped=but_mapped))
        return d.both(_answers_alike(d, outcomes), same)

    keeps = [
        Claim(name, i.name, i.claim, "", partial(_kept, i.holds, mappings.index(mapping)))
        for i in state_invariants(mapping)
    ]
    yield from seek(left, mapping, transition, [Claim(name, "", SAME, "", seen), *keeps], both)
    if transition == REALIZE:
        return

    def gone(d: Any, _: str, f: Any, s: Any, a: Any) -> Outcomes:
        other = any_state(d, ".other")
        assume_invariants(d, f, other)
        for state in (s, other):
            d.assume("hypothesis the device is gone", partial(d.negate, state.realized))
        return _pair(d, transition, sides(f), (s, other), a)

    def silent(d: Any, f: Any, s: Any, a: Any, outcomes: Outcomes) -> Any:
        kept_gone = [d.negate(r.state.realized) for r in (outcomes.one, outcomes.other)]
        return all_of(d, _answers_alike(d, outcomes), *kept_gone)

    yield from seek(left, mapping, transition, [Claim(name, "", SAME, "", silent)], gone)


def _kept(holds: Any, side: int, d: Any, f: Any, s: Any, a: Any, outcomes: Outcomes) -> Any:
    return holds(d, f, (outcomes.one, outcomes.other)[side].state)

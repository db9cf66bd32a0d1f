"""Two profiles' devices, transition by transition: the same for all sizes, or not shown to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from model.profiles import PROFILES, Mapping, Profile
from model.state import Op
from smt_proofs.book.book import proven_foundations
from smt_proofs.book.fingerprints import fingerprint
from smt_proofs.solving.cache import Cache, today
from smt_proofs.solving.means import Decider, Means
from smt_proofs.solving.pool import LostWork, carried_out
from smt_proofs.solving.settle import settle, tally
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import REALIZE, carry_out, transitions
from smt_proofs.transitions.inputs import state_invariants
from smt_proofs.transitions.simulation import seek_same, shared_mappings

OTHER_REACH: Final = "the usable regions reach otherwise far, which no proof here relates"


@dataclass(frozen=True, slots=True)
class Pairing:
    """A transition of two profiles, by name, and how each maps."""

    left: str
    right: str
    mappings: tuple[Mapping, Mapping]
    transition: str

    def key(self, means: Means) -> str:
        """The fingerprint of what its outcome depends on."""
        ops = () if self.transition == REALIZE else (Op(self.transition),)
        held = [i.holds for mapping in self.mappings for i in state_invariants(mapping)]
        ways = " ".join(mapping.value for mapping in self.mappings)
        here = f"simulation {ways} {self.transition} {' '.join(means.solvers)}"
        sides = PROFILES[self.left], PROFILES[self.right]
        return fingerprint(carry_out, *held, *sides, extra=here, ops=ops)


@dataclass(frozen=True, slots=True)
class Same:
    """Whether a transition does the same on both devices.

    PROVEN, or UNKNOWN with the first obligation that no proof was found of. `obligations` counts
    those that every solver answered unsat; `remembered` is the day on which an earlier run decided
    that, empty for now.
    """

    pairing: Pairing
    verdict: Verdict
    obligations: int
    reason: str
    remembered: str = ""


def pairings(left: Profile, right: Profile) -> list[Pairing]:
    """All that must be shown of two profiles, for the ways of mapping of devices that both have."""
    return [
        Pairing(left.name, right.name, mappings, transition)
        for mappings in shared_mappings(left, right)
        for transition in transitions()
    ]


def decided(pairing: Pairing, means: Means) -> Same:
    """Decide one transition."""
    left, right = PROFILES[pairing.left], PROFILES[pairing.right]
    if left.usable is not right.usable:
        return Same(pairing, Verdict.UNKNOWN, 0, OTHER_REACH)
    found = seek_same(left, right, pairing.mappings, pairing.transition)
    sums = tally(settle(found, Decider(means)))
    return Same(pairing, sums.verdict, sums.goals + sums.conditions, sums.reason)


def simulated(
    left: Profile, right: Profile, means: Means, listener: Callable[[Same], None] = lambda _: None
) -> list[Same]:
    """Decide every transition, on all cores, unless it was decided before.

    Nothing is proven where a lemma is not, or a process was lost.
    """
    found = {}
    for same in _each(pairings(left, right), means):
        listener(same)
        found[same.pairing] = same
    sound = proven_foundations(means)
    return [
        found[pairing]
        if sound and pairing in found
        else Same(pairing, Verdict.UNKNOWN, 0, "a lemma is not proven, or work was lost")
        for pairing in pairings(left, right)
    ]


def _each(wanted: Sequence[Pairing], means: Means) -> Iterator[Same]:
    cache = Cache.of_user()
    keys = {pairing: pairing.key(means) for pairing in wanted}
    left = []
    for pairing, key in keys.items():
        known = _read(cache.record(key), pairing)
        if known is None:
            left.append(pairing)
        else:
            yield known
    try:
        for pairing, same in carried_out(decided, left, means):
            if same.verdict is Verdict.PROVEN:
                kept = {"obligations": same.obligations, "day": today()}
                cache.keep_record(keys[pairing], kept)
            yield same
    except LostWork:
        return


def _read(record: dict[str, Any] | None, pairing: Pairing) -> Same | None:
    """What was proven before; profiles that no rule tells apart share it."""
    if record is None:
        return None
    try:
        count = msgspec.convert(record["obligations"], int)
        day = msgspec.convert(record["day"], str)
    except (KeyError, msgspec.ValidationError):
        return None
    return Same(pairing, Verdict.PROVEN, count, "", day)

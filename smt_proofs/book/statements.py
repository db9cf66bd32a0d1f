"""What each theorem says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model.profiles import Mapping, Profile
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.transitions.claims import claims_of, mappings_of, transitions
from smt_proofs.transitions.determined_proofs import determined_name, determined_words
from smt_proofs.transitions.proofs import INVARIANTS_DEFINED, exactness_claim, limits_of


@dataclass(frozen=True, slots=True)
class Statement:
    """A theorem's name and words; `about` is its transition, empty for the decision of memslots;
    `serves` names the invariant or contract that it is about, if one."""

    name: str
    words: str
    about: str = ""
    serves: str = ""


def statements_of(profile: Profile) -> list[Statement]:
    """The statement of each theorem about a profile's rules, each once, decisions first."""
    stated = [
        Statement(theorem.name, theorem.claim, serves=theorem.invariant)
        for theorem in THEOREMS.values()
        if profile.name in theorem.profiles
    ]
    found = {one.name: one for one in stated}
    for mapping in mappings_of(profile):
        for transition in (INVARIANTS_DEFINED, *transitions()):
            for one in _of_transition(profile, mapping, transition):
                found.setdefault(one.name, one)
    return list(found.values())


def _of_transition(profile: Profile, mapping: Mapping, transition: str) -> Iterator[Statement]:
    name, words = exactness_claim(transition)
    yield Statement(name, words, transition)
    if transition != INVARIANTS_DEFINED:
        for claim in (*claims_of(mapping, transition), *limits_of(profile, mapping, transition)):
            yield Statement(claim.theorem, claim.text, transition, claim.serves)
    if not profile.peer:
        yield Statement(determined_name(transition), determined_words(transition), transition)

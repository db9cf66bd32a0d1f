"""What there is to prove, by name, and the tasks that prove it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from model.profiles import PROFILES, Mapping, Profile
from model.state import Op
from smt_proofs.book.work import Foundations, Stated, Task, Transition
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.transitions.claims import claims_of, mappings_of, transitions
from smt_proofs.transitions.determined_proofs import determined_name
from smt_proofs.transitions.proofs import (
    INVARIANTS_DEFINED,
    claims_in,
    exactness_claim,
    limits_of,
)

TILING: Final = "slots_tile_region_in_blocks"
"""What the decision leaves, which every transition assumes."""
LONG: Final = {
    Op.PLUG.value: 24,
    Op.UNPLUG.value: 12,
    Op.SYSTEM_RESET.value: 11,
    Op.UNPLUG_ALL.value: 10,
    Op.MIGRATION_IN.value: 8,
    Op.STATE.value: 7,
    Op.RESIZE.value: 5,
}
"""The transitions that take long, beside one that takes SHORT: what takes longest begins first."""
SHORT: Final = 2
HALF: Final = 0.5
"""What a transition takes where memslots come and go not at all."""


def profiles_named(profile: str | None) -> list[Profile]:
    """The profile of that name, or all."""
    return [found for found in PROFILES.values() if profile in (None, found.name)]


def names_of(profile: Profile, mapping: Mapping, transition: str) -> list[str]:
    """The theorems about one transition."""
    exact = exactness_claim(transition)[0]
    one = [] if profile.peer else [determined_name(transition)]
    if transition == INVARIANTS_DEFINED:
        return [exact, *one]
    claims = [*claims_of(mapping, transition), *limits_of(profile, mapping, transition)]
    return [exact, *(claim.theorem for claim in claims), *one]


def told_names(profile: Profile, mapping: Mapping, transition: str) -> list[str]:
    """Those of the theorems about one transition that a run has outcomes for: a claim that says
    nothing of a profile has none."""
    names = names_of(profile, mapping, transition)
    if transition == INVARIANTS_DEFINED:
        return names
    told = {claim.theorem for claim in claims_in(profile, mapping, transition, frozenset())}
    silent = {claim.theorem for claim in claims_of(mapping, transition)} - told
    return [name for name in names if name not in silent]


def transition_names(profile: Profile) -> list[str]:
    """The theorems about a profile's transitions, each once."""
    found = (
        name
        for mapping in mappings_of(profile)
        for transition in (INVARIANTS_DEFINED, *transitions())
        for name in names_of(profile, mapping, transition)
    )
    return list(dict.fromkeys(found))


def stated_names(profile: str | None = None) -> list[str]:
    """The theorems of the registry that a profile's rules come under."""
    return [t.name for t in THEOREMS.values() if profile is None or profile in t.profiles]


def theorem_names(profile: str | None = None) -> list[str]:
    """The theorems that a profile's rules come under, all of them where none is named."""
    stepwise = (name for found in profiles_named(profile) for name in transition_names(found))
    return list(dict.fromkeys([*stated_names(profile), *stepwise]))


def shares(profile: str) -> list[list[str]]:
    """The theorems of a profile in parts that can be proven apart, each theorem in one: those of a
    transition together, as they are decided together."""
    found = PROFILES[profile]
    stepwise = [
        list(
            dict.fromkeys(
                name
                for mapping in mappings_of(found)
                for name in names_of(found, mapping, transition)
            )
        )
        for transition in (INVARIANTS_DEFINED, *transitions())
    ]
    return [*stepwise, *([name] for name in stated_names(profile))]


def shard_of(profile: str, number: int, count: int) -> list[str]:
    """The theorems of one of `count` shards, of which the first has `number` 1.

    Each theorem of the profile is in one shard; lemmas and what else theorems rest on are proven
    in every shard that needs them.
    """
    return [name for share in shares(profile)[number - 1 :: count] for name in share]


def tasks_for(names: Sequence[str], profile: str | None) -> list[Task]:
    """What is to be done to prove the named theorems, with all that they rest on; the longest
    first."""
    wanted = frozenset(names)
    tasks: list[Task] = []
    for found in profiles_named(profile):
        for mapping in mappings_of(found):
            here = [t for t in transitions() if wanted & {*names_of(found, mapping, t)}]
            if here or wanted & {*names_of(found, mapping, INVARIANTS_DEFINED)}:
                whole = (INVARIANTS_DEFINED, *here)
                there = {name for each in whole for name in names_of(found, mapping, each)}
                # All of them is the usual, and then no list to keep.
                some = frozenset() if there <= wanted else wanted & there
                tasks += (Transition(found.name, mapping, each, some) for each in whole)
    stated = [name for name in THEOREMS if name in wanted or (tasks and name == TILING)]
    return sorted([*tasks, *map(Stated, stated), Foundations()], key=_length, reverse=True)


def _length(task: Task) -> float:
    """About how long a task takes beside the others."""
    if isinstance(task, Transition):
        static = task.mapping is Mapping.STATIC
        return LONG.get(task.transition, SHORT) * (HALF if static else 1)
    return len(THEOREMS[task.theorem].hypotheses) if isinstance(task, Stated) else SHORT


def expected_outcomes(names: Sequence[str], profile: str | None) -> int:
    """How many outcomes there will be if none is lost."""
    count = len(LEMMAS) + len(INDUCTIONS)
    for task in tasks_for(names, profile):
        if isinstance(task, Transition):
            told = told_names(PROFILES[task.profile], task.mapping, task.transition)
            # What the others rest on comes with them.
            always = {exactness_claim(task.transition)[0], determined_name(INVARIANTS_DEFINED)}
            wanted = task.wanted | always
            count += sum(not task.wanted or name in wanted for name in told)
        count += isinstance(task, Stated)
    return count

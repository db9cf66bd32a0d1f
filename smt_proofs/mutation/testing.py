"""Mutation testing of the rules: is every wrong rule noticed by some theorem?

A mutant is killed where a theorem's claim, executed under the wrong rule, is false of an input that
meets the theorem's hypotheses: then the theorem does not hold of the wrong rule. What is left
either does what the right rule does, or shows what no theorem speaks of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from types import CodeType, FunctionType
from typing import Any, Final

import msgspec

from model import arithmetic, geometry
from model.events import EVENT_RULES, realize
from model.machine_ints import INTS
from model.profiles import QEMU, SEED_V2, Mapping, Profile
from model.requests import REQUEST_RULES
from model.rules import step
from model.state import ConcreteResult, Op
from smt_proofs.book.work import FAMILIES
from smt_proofs.decision.executed import flat, goal_fails, meets
from smt_proofs.decision.small_inputs import boundary_inputs
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.mutation.rule_mutants import RULE_MODULES, RuleMutant, rule_mutants
from smt_proofs.solving.cache import Cache
from smt_proofs.solving.engine import texts
from smt_proofs.solving.pool import carried_out
from smt_proofs.transitions.claims import REALIZE, Claim, claims_of, slug, transitions
from smt_proofs.transitions.inputs import state_invariants
from smt_proofs.transitions.refuted import refuted_of
from smt_proofs.transitions.small import (
    SmallSituation,
    describe,
    fails,
    outcome,
    situations,
)

SETTINGS: Final = (
    (QEMU, Mapping.PLUGGED),
    (SEED_V2, Mapping.USABLE),
    (QEMU, Mapping.STATIC),
    (SEED_V2, Mapping.PLUGGED),
)
"""Profiles and ways of mapping in which transitions are executed, the last one only where a rule
asks for the profile."""
CHUNK: Final = 4096
"""Situations whose right outcomes are kept at a time."""
SHARED: Final = frozenset({arithmetic.__name__, geometry.__name__})
"""Modules whose functions claims and hypotheses call as well."""


@dataclass(frozen=True, slots=True)
class Kill:
    """The theorem that does not hold of a mutant, and executed inputs that show it.

    A theorem about a transition was executed in a `setting`, profile and way of mapping, in the
    `situation` described; one about the decision or a helper on `inputs` by name.
    """

    theorem: str
    setting: str = ""
    situation: str = ""
    inputs: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A mutant by name and how it was killed, None if it was not."""

    mutant: str
    kill: Kill | None


def reached(start: FunctionType) -> frozenset[FunctionType]:
    """The rules' functions that a function may call."""
    known = {module.__name__ for module in RULE_MODULES}
    found: set[FunctionType] = set()
    waiting = [start]
    while waiting:
        function = waiting.pop()
        if function in found or function.__module__ not in known:
            continue
        found.add(function)
        waiting += [
            value
            for name in _names(function.__code__)
            if isinstance(value := function.__globals__.get(name), FunctionType)
        ]
    return frozenset(found)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


@cache
def rules_of(transition: str) -> frozenset[FunctionType]:
    """The rules' functions that a transition may call."""
    if transition == REALIZE:
        return reached(_function(realize))
    rule = (REQUEST_RULES | EVENT_RULES)[Op(transition)]
    return reached(_function(rule)) | {_function(step)}


def reads_profile(transition: str) -> bool:
    """Some rule of a transition has a switch of the profile."""
    return any("profile" in _names(rule.__code__) for rule in rules_of(transition))


def _function(rule: Callable[..., Any]) -> FunctionType:
    assert isinstance(rule, FunctionType)
    return rule


def by_book(mutant: RuleMutant) -> Kill | None:
    """How the first theorem about decision or helpers that notices a mutant does so."""
    if mutant.function.__module__ not in SHARED:
        return None
    with mutant.applied():
        # By name, whatever order the modules were imported in.
        for theorem in (THEOREMS[name] for name in sorted(THEOREMS)):
            for inputs in _boundary(theorem.name):
                # The hypotheses must be met as the wrong rule has them.
                if meets(theorem, inputs) and goal_fails(theorem, inputs):
                    return Kill(theorem.name, inputs=tuple(flat(inputs).items()))
    return None


@cache
def _boundary(name: str) -> tuple[Any, ...]:
    return tuple(boundary_inputs(THEOREMS[name]))


def by_transition(
    mutants: Iterable[RuleMutant], profile: Profile, mapping: Mapping, transition: str
) -> dict[str, Kill]:
    """How the theorems about a transition notice those mutants that they notice."""
    alive = [m for m in mutants if m.function in rules_of(transition)]
    if not alive:
        return {}
    # What is not true of the right rule kills no wrong one.
    refuted = refuted_of(profile, mapping, transition)
    claims = [c for c in claims_of(mapping, transition) if c.serves not in refuted]
    killed: dict[str, Kill] = {}
    source = situations(profile, mapping, transition)
    while alive and (chunk := list(islice(source, CHUNK))):
        right = [outcome(transition, situation) for situation in chunk]
        for mutant in alive:
            found = _kept_by_right(mutant, transition, claims, chunk, right)
            if found is not None:
                theorem, situation = found
                setting = f"{profile.name}, {mapping.value}"
                killed[mutant.name] = Kill(theorem, setting, describe(situation))
        alive = [m for m in alive if m.name not in killed]
    return killed


def _kept_by_right(
    mutant: RuleMutant,
    transition: str,
    claims: Sequence[Claim],
    chunk: Sequence[SmallSituation],
    right: Sequence[ConcreteResult],
) -> tuple[str, SmallSituation] | None:
    """The first theorem that fails under the wrong rule, and where: one that holds there under the
    right rule, which breaks none but those told as refuted."""
    left = list(claims)
    while True:
        with mutant.applied():
            found = _noticed(mutant, transition, left, chunk, right)
        if found is None:
            return None
        name, situation = found
        result = outcome(transition, situation)
        if not any(fails(c, situation, result) for c in left if c.theorem == name):
            return found
        left = [claim for claim in left if claim.theorem != name]


def _noticed(
    mutant: RuleMutant,
    transition: str,
    claims: Sequence[Claim],
    chunk: Sequence[SmallSituation],
    right: Sequence[ConcreteResult],
) -> tuple[str, SmallSituation] | None:
    """The first theorem that fails under the wrong rule in force, and where."""
    shared = mutant.function.__module__ in SHARED
    for situation, wanted in zip(chunk, right, strict=True):
        try:
            result = outcome(transition, situation)
        except ZeroDivisionError:
            return f"{slug(transition)}_never_wraps", situation
        if result == wanted or (shared and not _assumed(transition, situation)):
            continue
        for claim in claims:
            if fails(claim, situation, result):
                return claim.theorem, situation
    return None


def _assumed(transition: str, situation: SmallSituation) -> bool:
    """The state before meets the invariants, as the wrong rule has them."""
    f, s = situation.fixed, situation.state
    try:
        return transition == REALIZE or all(
            invariant.holds(INTS, f, s) for invariant in state_invariants(f.mapping)
        )
    except ZeroDivisionError:
        return False


def judge(names: Sequence[str]) -> list[Judged]:
    """Execute the theorems under each of the named mutants until one fails.

    Raises:
        KeyError: no mutant has one of the names.
    """
    known = {mutant.name: mutant for mutant in rule_mutants()}
    alive = [known[name] for name in dict.fromkeys(names)]
    for family in FAMILIES:
        assert family.__name__  # Importing the families registers the theorems.
    kills = {m.name: kill for m in alive if (kill := by_book(m)) is not None}
    for profile, mapping in SETTINGS:
        for transition in transitions():
            if profile is SEED_V2 and mapping is Mapping.PLUGGED and not reads_profile(transition):
                continue
            alive = [m for m in alive if m.name not in kills]
            kills |= by_transition(alive, profile, mapping, transition)
    return [Judged(name, kills.get(name)) for name in names]


Counted = Callable[[int, int], None]
"""Hears how many are done, of how many."""


def judge_all(
    names: Sequence[str] | None = None,
    listener: Counted = lambda done, total: None,
) -> list[Judged]:
    """All mutants, or those named, in the order of `rule_mutants`: judged on all cores, unless they
    were before. `listener` hears how many are, of how many."""
    chosen = [m.name for m in rule_mutants() if names is None or m.name in names]
    cache, key = Cache.of_user(), texts(" ".join(["mutants", *chosen]))
    record = cache.record(key)
    if record is not None:
        with suppress(KeyError, msgspec.ValidationError):
            return msgspec.convert(record["judged"], list[Judged])
    workers = min(os.cpu_count() or 1, max(len(chosen), 1))
    parts = carried_out(judge, [chosen[number::workers] for number in range(workers)])
    found: dict[str, Judged] = {}
    listener(0, len(chosen))
    for _, part in parts:
        found |= {each.mutant: each for each in part}
        listener(len(found), len(chosen))
    judged = [found[name] for name in chosen]
    cache.keep_record(key, {"judged": msgspec.to_builtins(judged)})
    return judged

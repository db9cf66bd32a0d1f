"""Is a mutant no wrong rule at all? The right and the wrong rule on the same symbolic terms.

What they answer, tell and leave must be equal on every path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from model import arithmetic
from model.contracts.words import all_of
from model.geometry import decide_memslots
from model.profiles import PROFILES, Mapping, Profile
from model.state import Op
from smt_proofs.book.fingerprints import fingerprint
from smt_proofs.decision.hints import cover_hints
from smt_proofs.decision.hypotheses import DECISION_HYPOTHESES
from smt_proofs.decision.inputs import any_input
from smt_proofs.decision.prover import seek as seek_stated
from smt_proofs.decision.theorem import Arithmetic, Theorem
from smt_proofs.mutation.jointly import apart, jointly, plain
from smt_proofs.mutation.recalling import Cores, RecallingSearch
from smt_proofs.mutation.rule_mutants import RuleMutant
from smt_proofs.mutation.testing import reached, rules_of
from smt_proofs.solving.obligation import Sought
from smt_proofs.solving.settle import Decide, settle, tally
from smt_proofs.solving.solve import Verdict
from smt_proofs.transitions.claims import REALIZE, Claim, carry_out, mappings_of, transitions
from smt_proofs.transitions.induction import seek
from smt_proofs.transitions.inputs import state_invariants

ALIKE_CLAIM: Final = "the wrong rule does what the right one does"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """What became of the proof that a mutant does what the right rule does.

    `obligations` counts those that every solver asked answered unsat. PROVEN needs that of all of
    them, and UNKNOWN is the other verdict there is: a query that is satisfiable with its products
    opaque refutes nothing.
    """

    mutant: str
    verdict: Verdict
    obligations: int
    reason: str


def transitions_of(mutant: RuleMutant) -> list[str]:
    """The transitions that may call the mutant's rule."""
    return [t for t in transitions() if mutant.function in rules_of(t)]


def seek_transition(
    mutant: RuleMutant,
    profile: Profile,
    mapping: Mapping,
    transition: str,
    cores: Cores | None = None,
) -> Iterator[Sought]:
    """The obligations that one transition comes out the same; `cores` are those found so far."""
    search = partial(RecallingSearch, {} if cores is None else cores)
    claim = Claim(mutant.name, "", ALIKE_CLAIM, "", apart)
    return seek(profile, mapping, transition, [claim], partial(jointly, mutant), plain, search)


def _key(mutant: RuleMutant, profile: Profile, mapping: Mapping, transition: str) -> str:
    """Profiles that the right and the wrong rule cannot tell apart have one key."""
    ops = () if transition == REALIZE else (Op(transition),)
    held = [invariant.holds for invariant in state_invariants(mapping)]
    with mutant.applied():
        wrong = fingerprint(carry_out, profile, extra=transition, ops=ops)
    here = f"{mapping.value} {transition} {wrong}"
    return fingerprint(carry_out, *held, profile, extra=here, ops=ops)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two words."""

    a: Any
    b: Any


def stated(mutant: RuleMutant) -> Theorem[Any] | None:
    """The theorem that a helper returns the same of all words, or that the decision comes out the
    same, for a mutant of either."""
    function = mutant.function
    if function.__module__ == arithmetic.__name__:
        return _theorem(
            mutant,
            lambda d: Pair(d.word("a"), d.word("b")),
            lambda d, c: function(d, c.a, c.b),
            lambda d, right, wrong: d.eq(right, wrong),
        )
    if _decides(mutant):
        return replace(
            _theorem(
                mutant,
                any_input,
                _decided,
                lambda d, right, wrong: all_of(d, *map(d.eq, right, wrong)),
            ),
            hypotheses=DECISION_HYPOTHESES,
            hints=partial(_hints, mutant),
        )
    return None


def _decided(d: Any, c: Any) -> tuple[Any, ...]:
    """Count and size, for a block size that was configured and for one that is the default."""
    by_default = replace(c, block=d.lit(0), default_block=c.block)
    made = [decide_memslots(d, inputs) for inputs in (c, by_default)]
    return tuple(word for slots in made for word in (slots.count, slots.size))


def _hints(mutant: RuleMutant, d: Any, c: Any) -> Any:
    """Those of the wrong rule, which decides where the right one need not."""
    with mutant.applied():
        return cover_hints(d, c)


def _theorem(
    mutant: RuleMutant,
    inputs: Callable[[Any], Any],
    rule: Callable[[Any, Any], Any],
    same: Callable[[Any, Any, Any], Any],
) -> Theorem[Any]:
    def goal(d: Any, c: Any) -> Any:
        right = rule(d, c)
        with mutant.applied():
            wrong = rule(d, c)
        return same(d, right, wrong)

    return Theorem(
        name=mutant.name,
        invariant="",
        claim=ALIKE_CLAIM,
        source="",
        arithmetic=Arithmetic.INTEGERS,
        inputs=inputs,
        hypotheses=(),
        goal=goal,
        mutants=(),
    )


def compared(mutant: RuleMutant) -> tuple[str, ...]:
    """What must come out the same: transitions, the decision, or the helper itself."""
    if mutant.function.__module__ == arithmetic.__name__:
        return (mutant.function.__name__,)
    decision = (decide_memslots.__name__,) if _decides(mutant) else ()
    return (*decision, *transitions_of(mutant))


def _decides(mutant: RuleMutant) -> bool:
    return mutant.function in reached(decide_memslots)  # type: ignore[arg-type]


def seek_alike(mutant: RuleMutant) -> Iterator[tuple[str, Iterator[Sought]]]:
    """All that must be shown of a mutant, by what is compared.

    Equal helpers are equal wherever they are called; any other rule is compared in every transition
    that may call it, in every profile of QEMU and way of mapping: theorems are about those.
    """
    theorem = stated(mutant)
    if theorem is not None:
        helper = mutant.module == "arithmetic"
        yield mutant.function.__name__ if helper else decide_memslots.__name__, seek_stated(theorem)
        if helper:
            return
    shown: set[str] = set()
    cores: Cores = {}
    for profile in (found for found in PROFILES.values() if not found.peer):
        for mapping in mappings_of(profile):
            for transition in transitions_of(mutant):
                key = _key(mutant, profile, mapping, transition)
                if key not in shown:
                    shown.add(key)
                    yield transition, seek_transition(mutant, profile, mapping, transition, cores)


def compare(mutant: RuleMutant, decide: Decide) -> Equivalence:
    """Prove that a mutant does what the right rule does, as far as that can be done."""
    obligations, reason = 0, ""
    for name, found in seek_alike(mutant):
        try:
            sums = tally(settle(found, decide))
        except TypeError as error:
            # What the wrong rule does has no meaning among blocks and counts.
            reason = reason or f"{name}: {error}"
            continue
        obligations += sums.goals + sums.conditions
        if sums.verdict is not Verdict.PROVEN:
            reason = reason or f"{name}: {sums.reason}"
    if not obligations:
        reason = reason or "nothing compares it"
    verdict = Verdict.UNKNOWN if reason else Verdict.PROVEN
    return Equivalence(mutant.name, verdict, obligations, reason)

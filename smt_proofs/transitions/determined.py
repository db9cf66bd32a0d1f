"""Do the claims about a transition leave a choice? Two outcomes that both meet them must be one.

No rule is evaluated: the two outcomes are any two, of every shape there is. First, what is claimed
of a shape says when an outcome has it, and no two shapes may have it at once. Then two outcomes of
one shape must agree in all there is to see of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import z3

from model.contracts.words import EVERY_FIELD, SETS, all_of, kept
from model.profiles import Mapping, Profile
from model.state import Answer as Done
from model.state import Op
from smt_proofs.lemmas.products import small_factors_make_small_products
from smt_proofs.solving.obligation import GOAL, IMPOSSIBLE, NEGATED, Assertion, Obligation, Sought
from smt_proofs.solving.search import Search
from smt_proofs.solving.solve import Answer, Term
from smt_proofs.symbolic.evaluation import Duty
from smt_proofs.symbolic.paths import Script
from smt_proofs.transitions.claims import REALIZE, Claim, slug
from smt_proofs.transitions.induction import MAPPED, seek_mapped_said
from smt_proofs.transitions.inputs import (
    any_action,
    any_device,
    any_state,
    assume_invariants,
    state_invariants,
)
from smt_proofs.transitions.named_sets import NamedSets
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.shapes import OtherKinds, Outcomes, Shape, said, shapes

ONE: Final = ".one"
TWO: Final = ".two"
MEANT_ALONE: Final = frozenset(
    {
        IMPOSSIBLE,
        "sum stays below 2^64",
        "difference is not negative",
        "product stays below 2^64",
        "bytes stay below 2^64",
        "divisor is not zero",
    }
)
"""Obligations about one outcome."""
OTHER_SHAPE: Final = "no outcome of another shape"


def determined(transition: str) -> str:
    """The theorem that what is claimed of a transition leaves one outcome."""
    return f"{slug(transition)}_is_determined"


@dataclass(frozen=True, slots=True)
class _Meant:
    """A shape, and what is claimed of one outcome of it and of another, with what evaluating the
    claims owes: of each duty, how many claims come before the one that owes it. The first claims
    are the `invariants`, so many."""

    shape: Shape
    outcomes: tuple[Any, Any]
    invariants: int
    one: tuple[Assertion, ...]
    two: tuple[Assertion, ...]
    owed: tuple[tuple[Duty, int], ...]


def _situation(profile: Profile, mapping: Mapping, transition: str) -> tuple[Any, Any, Any, Any]:
    d = NamedSets(Script([]))
    op = Op.STATE if transition == REALIZE else Op(transition)
    f, s, a = any_device(d, profile, mapping), any_state(d), any_action(d, op)
    if transition != REALIZE:
        assume_invariants(d, f, s)
    return d, f, s, a


def possible_shapes(
    profile: Profile, mapping: Mapping, transition: str, claims: Sequence[Claim]
) -> list[Shape]:
    """The shapes of outcomes that no claim plainly forbids."""
    return shapes(*_situation(profile, mapping, transition), transition, claims)


def seek_determined(
    profile: Profile,
    mapping: Mapping,
    transition: str,
    claims: Sequence[Claim],
    possible: Sequence[Shape],
) -> Iterator[Sought]:
    """The obligations of that theorem; the `path` of each numbers its shape among `possible`."""
    name = determined(transition)
    d, f, s, a = _situation(profile, mapping, transition)
    met = [_met(d, f, any_state(d, end)) for end in (ONE, TWO)]
    outcomes = Outcomes(d, ONE), Outcomes(d, TWO)
    meant = [_meant(d, f, s, a, shape, claims, met, outcomes) for shape in possible]
    search = Search()
    search.know(Assertion(d.label(claim), claim) for claim in d.given)
    # Evaluating claims brings up the same facts again and again.
    facts = {fact.get_id(): fact for fact in d.facts}
    search.know(Assertion(d.label(fact), fact) for fact in facts.values())
    search.know([_same_mapped(d, met), *_quotients(d)])
    said_of = _about_mapped(mapping, claims)
    anyway: set[tuple[int, ...]] = set()
    for number, each in enumerate(meant):

        def look(what: str, assertions: Iterable[Assertion], at: int = number) -> Sought:
            answer, core = search.refute(assertions)
            return Sought(answer, Obligation(name, what, core), at)

        impossible = look(IMPOSSIBLE, each.one)
        if impossible.answer is Answer.UNSAT or isinstance(each.shape.kinds, OtherKinds):
            yield impossible
            continue
        for duty, count in each.owed:
            key = tuple(term.get_id() for term in (duty.condition, *duty.path))
            if key not in anyway:
                branches = [Assertion("branch", term) for term in duty.path]
                owing = [*branches, _negated(duty.condition)]
                # What is met in every state is met once for all shapes.
                shown = look(duty.what, [*each.one[: each.invariants], *owing])
                if shown.answer is Answer.UNSAT:
                    anyway.add(key)
                else:
                    shown = look(duty.what, [*each.one[:count], *owing])
                yield shown
        later = [z3.And(*(a.term for a in other.two)) for other in meant[number + 1 :]]
        if later:
            another = Assertion("another outcome", z3.Or(*later))
            yield look(f"{OTHER_SHAPE} than {each.shape.text}", [*each.one, another])
        both = [*each.one, *each.two]
        if said_of and each.shape.answer is Done.DONE:
            first = [*seek_mapped_said(name, profile, mapping, Op(transition), said_of)]
            yield from (replace(sought, path=number) for sought in first)
            if all(sought.answer is Answer.UNSAT for sought in first):
                one, two = each.outcomes
                both.append(Assertion("shown before", kept(d, one.state, two.state, ("mapped",))))
        for same in _agreements(d, *each.outcomes):
            yield look(GOAL, [*both, _negated(same)])


def _about_mapped(mapping: Mapping, claims: Sequence[Claim]) -> list[Claim]:
    """What says which memslots are mapped of a step that does not keep all invariants; empty where
    it keeps them."""
    kept_ones = [claim for claim in claims if claim.of_state]
    if len(kept_ones) == len(state_invariants(mapping)):
        return []
    return [*kept_ones, *(claim for claim in claims if claim.serves == "migration-in-maps")]


def _negated(condition: Term) -> Assertion:
    return Assertion(NEGATED, z3.Not(condition))


def _met(d: SetTerms, f: Any, s: Any) -> dict[str, Term]:
    """Each invariant of a state, by name."""
    with d.choosing(), d.without_duties():
        return {i.name: i.holds(d, f, s) for i in state_invariants(f.mapping)}


def _meant(
    d: SetTerms,
    f: Any,
    s: Any,
    a: Any,
    shape: Shape,
    claims: Sequence[Claim],
    met: Sequence[dict[str, Term]],
    outcomes: tuple[Outcomes, Outcomes],
) -> _Meant:
    one, two = (each.of(shape) for each in outcomes)
    kept = [claim.serves for claim in claims if claim.of_state]
    steps = [claim for claim in claims if not claim.of_state]
    first, second = ([_assumed(name, each[name]) for name in kept] for each in met)
    owed: list[tuple[Duty, int]] = []
    before = len(d.duties)
    for claim, term in said(d, f, s, a, one, steps):
        owed += ((duty, len(first)) for duty in d.duties[before:])
        before = len(d.duties)
        first.append(_assumed(claim.serves, term))
    with d.without_duties():
        second += (_assumed(claim.serves, term) for claim, term in said(d, f, s, a, two, steps))
    return _Meant(shape, (one, two), len(kept), tuple(first), tuple(second), tuple(owed))


def _assumed(name: str, term: Term) -> Assertion:
    return Assertion(f"hypothesis {name}", term)


def _same_mapped(d: SetTerms, met: Sequence[dict[str, Term]]) -> Assertion:
    """Where both states meet the invariants, the same blocks and usable region have the same
    memslots mapped."""
    states = any_state(d, ONE), any_state(d, TWO)
    both = [term for each in met for term in each.values()]
    same = z3.And(*both, kept(d, *states, ("plugged", "usable")))
    return Assertion(f"theorem {MAPPED}", z3.Implies(same, kept(d, *states, ("mapped",))))


def _quotients(d: SetTerms) -> Iterator[Assertion]:
    """No quotient is above what is divided."""
    lemma = small_factors_make_small_products
    for _, size, quotient, _ in d.quotients:
        yield Assertion(f"lemma {lemma.name}", lemma.at(quotient, size))


def _agreements(d: SetTerms, one: Any, two: Any) -> Iterator[Term]:
    """What two outcomes of one shape have in common if they are the same."""
    with d.choosing(), d.without_duties():
        yield kept(d, one.state, two.state, EVERY_FIELD)
        for e, other in zip(one.effects, two.effects, strict=True):
            yield all_of(
                d,
                d.eq(e.offset, other.offset),
                d.eq(e.size, other.size),
                d.same_truth(e.done, other.done),
                *(d.same_members(getattr(e, n), getattr(other, n)) for n in sorted(SETS)),
            )

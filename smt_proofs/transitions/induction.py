"""Decide what is claimed of a transition, for all devices, states and actions.

The rule is evaluated once a path; every claim is then evaluated on that path's outcome, and each
of its parts, negated, must contradict what is known there: the definitions, the invariants of the
state before, the branches taken, and the lemmas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Final

import z3

from model.profiles import Mapping, Profile
from model.state import Answer as Done
from model.state import Op, Result
from smt_proofs.solving.obligation import GOAL, IMPOSSIBLE, NEGATED, Assertion, Obligation, Sought
from smt_proofs.solving.search import Search
from smt_proofs.solving.solve import Answer, Term
from smt_proofs.symbolic.evaluation import Duty
from smt_proofs.symbolic.paths import Script, explore
from smt_proofs.transitions.claims import REALIZE, Claim, carry_out, claims_of, slug
from smt_proofs.transitions.inputs import (
    any_action,
    any_device,
    any_state,
    assume_invariants,
    state_invariants,
)
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.statements import Hint

DEFINEDNESS: Final = "invariants_never_wrap"
"""The theorem that evaluating the invariants neither wraps nor divides by zero."""
MAPPED: Final = "invariants_determine_mapped"
"""The theorem that plugged blocks and usable region leave one choice of mapped memslots."""


def exactness(transition: str) -> str:
    """The theorem that no operation of a rule wraps or divides by zero, and that the cases that
    were left out cannot happen. The other theorems of the transition rest on it."""
    return f"{slug(transition)}_never_wraps"


@dataclass(frozen=True, slots=True)
class _Mark:
    """How much a domain knew at some point."""

    facts: int
    duties: int
    closed: int


class _Path:
    """One path of a rule, with its queries."""

    def __init__(self, d: SetTerms, number: int, search: Callable[[], Search] = Search) -> None:
        self.d = d
        self.search = search()
        self.number = number

    def mark(self) -> _Mark:
        return _Mark(len(self.d.facts), len(self.d.duties), len(self.d.closed))

    def learn(self, since: _Mark, hints: Iterable[Hint]) -> None:
        """Tell the search what was added to the domain since."""
        d = self.d
        self.search.know(Assertion(d.label(fact), fact) for fact in d.facts[since.facts :])
        self.search.know(Assertion(label, term) for label, term in hints)

    def duties(self, theorem: str, owed: Iterable[Duty]) -> Iterator[Sought]:
        for duty in owed:
            branches = [Assertion("branch", term) for term in duty.path]
            yield self.ask(theorem, duty.what, [*branches, self.negated(duty.condition)])

    def claim(self, theorem: str, evaluate: Callable[[], Term]) -> Iterator[Sought]:
        """A claim, part by part, and what its evaluation rests on."""
        d = self.d
        with d.scope(), self.search.scope():
            before = self.mark()
            loops = len(d.loops)
            with d.choosing():
                parts = d.goals(evaluate())
                for iterate in d.loops[loops:]:
                    iterate()
            self.learn(before, d.instances())
            yield from self.duties(theorem, d.duties[before.duties :])
            # A claim that is plainly true on a path is counted like any other.
            for part in parts or [z3.BoolVal(True)]:
                yield self.ask(theorem, GOAL, [self.negated(part)])

    def iterations(self, theorem: str) -> Iterator[Sought]:
        """What the bodies of the rule's loops rest on, in any iteration."""
        for iterate in list(self.d.loops):
            owed = self.claim(theorem, iterate)
            yield from (sought for sought in owed if sought.obligation.what != GOAL)

    def ask(self, theorem: str, what: str, assertions: list[Assertion]) -> Sought:
        answer, core = self.search.refute(assertions)
        obligation = Obligation(theorem, what, core)
        return Sought(answer, obligation, self.number, tuple(self.d.trail))

    @staticmethod
    def negated(condition: Term) -> Assertion:
        return Assertion(NEGATED, z3.Not(condition))


def seek(
    profile: Profile,
    mapping: Mapping,
    transition: str,
    claims: Iterable[Claim] | None = None,
    evaluate: Callable[..., Any] = carry_out,
    plain: Callable[[SetTerms, Any], bool] = lambda d, result: False,
    search: Callable[[], Search] = Search,
) -> Iterator[Sought]:
    """All obligations of a transition's claims, and of its exactness.

    `evaluate` takes (domain, transition, fixed, before, action) and makes the outcome that the
    claims are about: that of the rule, where nothing else is said. `plain` tells of an outcome
    that owes nothing and of which all claims are plainly true: they count as one. `search` makes
    what is asked on a path.
    """
    chosen = claims_of(mapping, transition) if claims is None else list(claims)
    op = Op.STATE if transition == REALIZE else Op(transition)
    exact = exactness(transition)

    def run(script: Script) -> tuple[Any, ...]:
        d = SetTerms(script)
        f, s, a = any_device(d, profile, mapping), any_state(d), any_action(d, op)
        if transition != REALIZE:
            assume_invariants(d, f, s)
        return d, f, s, a, evaluate(d, transition, f, s, a)

    for number, (d, f, s, a, result) in enumerate(explore(run)):
        if plain(d, result):
            true = Obligation(chosen[0].theorem, GOAL, (_Path.negated(z3.BoolVal(True)),))
            yield Sought(Answer.UNSAT, true, number, tuple(d.trail))
            continue
        path = _Path(d, number, search)
        nothing = _Mark(0, 0, 0)
        path.search.know(Assertion(d.label(claim), claim) for claim in d.given)
        path.learn(nothing, d.instances())
        yield from path.duties(exact, d.closed)
        yield from path.duties(exact, d.duties)
        yield from path.iterations(exact)
        path.search.know(Assertion("branch", term) for term in d.path)
        impossible = path.ask(exact, IMPOSSIBLE, [])
        if impossible.answer is Answer.UNSAT:
            yield impossible
            continue
        for claim in chosen:
            yield from path.claim(claim.theorem, partial(claim.holds, d, f, s, a, result))


def seek_definedness(profile: Profile, mapping: Mapping) -> Iterator[Sought]:
    """That evaluating an invariant neither wraps nor divides by zero, given those before it."""

    def run(script: Script) -> SetTerms:
        d = SetTerms(script)
        f, s = any_device(d, profile, mapping), any_state(d)
        path = _Path(d, 0)
        before = _Mark(0, 0, 0)
        for invariant in state_invariants(mapping):
            path.learn(before, d.instances())
            before = path.mark()
            found.extend(
                o
                for o in path.claim(DEFINEDNESS, partial(invariant.holds, d, f, s))
                if o.obligation.what != GOAL
            )
            d.assume(f"hypothesis {invariant.name}", partial(invariant.holds, d, f, s))
            path.search.know([Assertion(d.label(d.given[-1]), d.given[-1])])
        return d

    found: list[Sought] = []
    for _ in explore(run):
        pass
    return iter(found)


def seek_mapped(profile: Profile, mapping: Mapping) -> Iterator[Sought]:
    """That two states with the same plugged blocks and usable region, both of which meet the
    invariants, have the same memslots mapped."""
    d = SetTerms(Script([]))
    f, s, other = any_device(d, profile, mapping), any_state(d), any_state(d, ".two")
    for state in (s, other):
        assume_invariants(d, f, state)
    d.assume("the same blocks are plugged", lambda: d.same_members(s.plugged, other.plugged))
    d.assume("the usable region is the same", lambda: d.eq(s.usable, other.usable))
    path = _Path(d, 0)
    path.search.know(Assertion(d.label(claim), claim) for claim in d.given)
    path.learn(_Mark(0, 0, 0), d.instances())
    return path.claim(MAPPED, lambda: d.same_members(s.mapped, other.mapped))


def seek_mapped_said(
    theorem: str, profile: Profile, mapping: Mapping, op: Op, claims: Sequence[Claim]
) -> Iterator[Sought]:
    """That these claims, all about the state that a step leaves, leave one choice of mapped
    memslots by themselves: for a step that does not keep the invariants which do."""
    d = SetTerms(Script([]))
    f, s, a = any_device(d, profile, mapping), any_state(d), any_action(d, op)
    states = any_state(d, ".one"), any_state(d, ".two")
    for state, claim in product(states, claims):
        left = Result(state, Done.DONE)
        d.assume(f"hypothesis {claim.serves}", partial(claim.holds, d, f, s, a, left))
    path = _Path(d, 0)
    path.search.know(Assertion(d.label(claim), claim) for claim in d.given)
    path.learn(_Mark(0, 0, 0), d.instances())
    one, two = states
    return path.claim(theorem, lambda: d.same_members(one.mapped, two.mapped))

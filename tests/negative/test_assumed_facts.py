"""What the proofs are told of the numbers of members of sets is true of every small set."""

from __future__ import annotations

import random
from types import FunctionType
from typing import Any, NamedTuple

import pytest
import z3

from smt_proofs.decision.mutants import Mutant
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.radix import Count
from smt_proofs.transitions.sets import Kind, Members, SetTerms

END = 7
"""All indices of a small set are below."""
START, STOP = z3.Ints("start stop")
TRIED = 40


class Said(NamedTuple):
    """A domain that was asked about sets, and each set with its name."""

    d: SetTerms
    sets: dict[str, Members]


def said() -> Said:
    """All that is said of numbers of members, of a range filled and cleared."""
    d = SetTerms(Script([]))
    start, stop = Count(START), Count(STOP)
    with d.choosing():
        items, other = d.members("items", Kind.BLOCK), d.members("other", Kind.BLOCK)
        filled, cleared = d.filled(items, start, stop), d.cleared(items, start, stop)
        d.all_below(items, stop)
        d.all_below(filled, stop)
        d.same_members(items, other)
        d.same_members(filled, items)
        d.same_members(cleared, d.no_blocks())
    return Said(d, {"items": items, "other": other, "filled": filled, "cleared": cleared})


def told(about: Said) -> list[tuple[str, Any]]:
    """The facts and instances that stand for something proven of numbers of members."""
    d = about.d
    hints = [*((d.label(fact), fact) for fact in d.facts), *d.instances()]
    names = {f"lemma {name}" for name in INDUCTIONS}
    return [(label, term) for label, term in hints if label in names]


def world(about: Said, dice: random.Random) -> list[Any]:
    """One choice of sets and range, said of the domain's names: memberships, counts, and the truth
    of every statement about all indices."""
    indices = range(END)
    items = {i for i in indices if dice.random() < 0.5}
    other = items if dice.random() < 0.5 else {i for i in indices if dice.random() < 0.5}
    start, stop = dice.randrange(-1, END + 1), dice.randrange(-1, END + 1)
    if dice.random() < 0.5:
        items = (
            items - {*range(start, stop)}
            if dice.random() < 0.5
            else items | {*range(max(start, 0), stop)}
        )
    span = {i for i in range(start, stop) if i >= 0}
    chosen = {"items": items, "other": other, "filled": items | span, "cleared": items - span}
    known = [z3.IntVal(start) == START, z3.IntVal(stop) == STOP]
    for name, members in chosen.items():
        known.append(about.sets[name].size == len(members))
        if name in ("items", "other"):
            test = about.sets[name].holds
            known += [test(z3.IntVal(i)) == (i in members) for i in indices]
            asked = about.d.subjects[Kind.BLOCK].values()
            known += [z3.Implies(test(i), z3.And(i >= 0, i < END)) for i in asked]
    for universal in about.d._universals:
        if z3.is_const(universal.guard) and not z3.is_true(universal.guard):
            everywhere = [universal.body(z3.IntVal(i)) for i in indices]
            known.append(universal.guard == z3.And(everywhere))
    return known


def untrue() -> set[str]:
    """What is told and is not so in the first small world where something is not."""
    about = said()
    dice = random.Random(20261128)
    facts, found = told(about), set()
    for _ in range(TRIED):
        if found:
            break
        solver = z3.Solver()
        solver.add(world(about, dice))
        assert solver.check() == z3.sat
        for label, fact in facts:
            if solver.check(z3.Not(fact)) != z3.unsat:
                found.add(label)
    return found


def test_what_is_told_of_numbers_of_members_is_so() -> None:
    used = {label.removeprefix("lemma ") for label, _ in told(said())}
    assert used == {
        "filling_adds_a_range",
        "clearing_takes_a_range",
        "members_below_a_bound_are_no_more",
        "equal_sets_count_alike",
        "a_member_counts",
    }
    assert untrue() == set()


WRONG = [
    (SetTerms.filled, "self.none_in(items, start, end), low >= 0", "low >= 0"),
    (SetTerms.filled, "low >= 0, low <= high", "low >= 0"),
    (SetTerms.filled, "items.size + (high - low)", "items.size + (high - low) + 1"),
    (SetTerms.cleared, "self.all_in(items, start, end), low >= 0", "low >= 0"),
    (SetTerms.cleared, "low >= 0, low <= high", "low >= 0"),
    (SetTerms.cleared, "items.size - (high - low)", "items.size - high"),
    (SetTerms.all_below, "items.size <= bound", "items.size < bound"),
    (SetTerms.all_below, "z3.And(answer, bound >= 0)", "bound >= 0"),
    (SetTerms.same_members, "z3.Implies(answer, a.size == b.size)", "a.size == b.size"),
    (SetTerms.members, "z3.Implies(test(i), size >= 1)", "size >= 1"),
    (SetTerms.members, "size >= 1)", "size >= 2)"),
]
"""A premise dropped, or a figure changed, of what the sets are told."""


@pytest.mark.parametrize(("function", "right", "wrong"), WRONG)
def test_a_premise_dropped_is_noticed(function: FunctionType, right: str, wrong: str) -> None:
    with Mutant("", function, right, wrong).applied():
        assert untrue() != set()

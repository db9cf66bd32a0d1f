"""The proofs of transitions cannot be tricked: what is false or undefined is not called proven."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
import z3

from model import mapping as mapping_rules
from model.contracts import contracts_of
from model.machine_ints import INTS
from model.profiles import PROFILES, QEMU, SEED_V2, Mapping
from model.state import Op
from smt_proofs.book.book import withdrawn
from smt_proofs.decision.mutants import Mutant
from smt_proofs.solving.means import Decider, Means
from smt_proofs.solving.obligation import GOAL, Assertion, Obligation, Sought
from smt_proofs.solving.search import Search
from smt_proofs.solving.settle import settle
from smt_proofs.solving.solve import Answer, Verdict
from smt_proofs.symbolic.paths import Script
from smt_proofs.transitions import induction
from smt_proofs.transitions import inputs as transitions
from smt_proofs.transitions import proofs as transition_proofs
from smt_proofs.transitions.claims import Claim, claims_of, mappings_of
from smt_proofs.transitions.induction import seek
from smt_proofs.transitions.proofs import SILENT, claims_in, limits_of, prove_transition
from smt_proofs.transitions.refuted import REFUTED
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.small import situations
from smt_proofs.transitions.spoils import controls
from smt_proofs.transitions.statements import Kind

EASY = "unknown"
"""A transition of few cases: a request of an unknown type breaks the device."""


def claim(holds: Callable[[Any, Any, Any, Any, Any], Any]) -> Claim:
    return Claim("claim", "", "", "", holds)


def failing(found: Iterable[Sought], what: str = "") -> list[Sought]:
    """The obligations that are not met, of one kind if it is named."""
    return [x for x in found if x.answer is not Answer.UNSAT and what in ("", x.obligation.what)]


def proven(holds: Callable[[Any, Any, Any, Any, Any], Any], transition: str = EASY) -> bool:
    found = list(seek(QEMU, Mapping.PLUGGED, transition, [claim(holds)]))
    assert any(x.obligation.theorem == "claim" for x in found)
    return not failing(found)


def every_plugged(d: Any, s: Any, holds: Callable[[Any], Any]) -> Any:
    return d.every_member(s.plugged, holds)


FALSE = {
    "a universal": lambda d, f, s, a, r: every_plugged(d, s, lambda i: d.lt(i, d.lit(5))),
    "a negated universal": lambda d, f, s, a, r: d.negate(
        every_plugged(d, s, lambda i: d.lt(i, d.lit(5)))
    ),
    "one of two universals": lambda d, f, s, a, r: d.either(
        every_plugged(d, s, lambda i: d.lt(i, d.lit(5))),
        every_plugged(d, s, lambda i: d.le(d.lit(5), i)),
    ),
    "a universal twice": lambda d, f, s, a, r: d.both(
        d.none_in(s.plugged, d.lit(0), d.lit(5)), d.none_in(s.plugged, d.lit(0), d.lit(5))
    ),
    "a nested universal": lambda d, f, s, a, r: every_plugged(
        d, s, lambda i: d.none_in(s.plugged, d.lit(0), i)
    ),
    "a nested negation": lambda d, f, s, a, r: every_plugged(
        d, s, lambda i: d.negate(d.all_in(s.plugged, d.lit(0), i))
    ),
    "equal sets": lambda d, f, s, a, r: d.same_members(s.plugged, d.no_blocks()),
    "unequal sets": lambda d, f, s, a, r: d.negate(d.same_members(s.plugged, d.no_blocks())),
    "equivalence of two universals": lambda d, f, s, a, r: d.same_truth(
        d.all_in(s.plugged, d.lit(0), d.lit(2)), d.all_in(s.plugged, d.lit(0), d.lit(1))
    ),
}
TRUE = {
    "a nested universal": lambda d, f, s, a, r: every_plugged(
        d, s, lambda i: d.negate(d.none_in(s.plugged, i, d.add(i, d.lit(1))))
    ),
    "a universal implies a smaller one": lambda d, f, s, a, r: d.either(
        d.negate(d.none_in(s.plugged, d.lit(0), d.lit(5))),
        d.none_in(s.plugged, d.lit(1), d.lit(3)),
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_false_statements_about_all_members_are_not_proven(name: str) -> None:
    assert not proven(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_true_ones_are(name: str) -> None:
    """Else the test above would show nothing."""
    assert proven(TRUE[name])


DUTIES = {
    "a difference below 0 as a bound": lambda d, f, s, a, r: d.both(
        d.all_below(d.no_blocks(), d.sub(a.blocks, d.lit(5))), d.truth(True)
    ),
    "a difference below 0 where a range starts": lambda d, f, s, a, r: d.same_truth(
        d.none_in(
            d.filled(d.no_blocks(), d.sub(a.blocks, d.lit(5)), d.lit(0)),
            d.sub(a.blocks, d.lit(5)),
            d.lit(0),
        ),
        d.le(d.lit(5), a.blocks),
    ),
    "groups of no blocks": lambda d, f, s, a, r: d.either(
        d.truth(True), d.groups_within(s.plugged, d.sub(a.blocks, a.blocks), s.mapped)
    ),
    "a loop body that nobody asks for": lambda d, f, s, a, r: d.either(
        d.truth(True),
        d.member(
            d.dropped(d.no_slots(), d.lit(0), a.blocks, lambda i: d.le(d.sub(i, d.lit(1)), i)),
            d.lit(7),
        ),
    ),
}
"""Claims whose evaluation wraps or divides by zero for some inputs."""


@pytest.mark.parametrize("name", DUTIES)
def test_no_statement_helps_to_show_that_its_own_words_do_not_wrap(name: str) -> None:
    found = seek(QEMU, Mapping.PLUGGED, EASY, [claim(DUTIES[name])])
    assert {x.obligation.what for x in failing(found)} - {GOAL}


def test_facts_about_sets_contradict_nothing_where_an_index_is_negative() -> None:
    d = SetTerms(Script([]))
    blocks = d.number("blocks", 16)
    low = d.sub(blocks, d.lit(5))
    d.all_below(d.no_blocks(), low)
    filled = d.filled(d.members("plugged", Kind.BLOCK), low, d.lit(0))
    d.none_in(filled, low, d.lit(0))
    d.cleared(filled, low, d.lit(0))
    solver = z3.Solver()
    solver.add(*(term for _, term in d.instances()), *d.facts, blocks.term == 2)
    assert solver.check() == z3.sat


def test_a_loop_body_of_a_rule_owes_what_it_rests_on_in_every_iteration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The body wraps in iterations that no claim looks at: nothing else than exactness notices."""
    wrong = Mutant(
        "wraps",
        mapping_rules.mapped_after_unplug,
        "d.either(d.negate(cut), range_unplugged(d, f, plugged, start, length))",
        "d.either(d.lt(d.sub(start, f.slots.size), d.lit(0)), d.either(d.negate(cut), "
        "range_unplugged(d, f, plugged, start, length)))",
    )
    with wrong.applied():
        found = failing(seek(QEMU, Mapping.PLUGGED, "unplug", []))
    assert {x.obligation.theorem for x in found} == {"unplug_never_wraps"}
    assert {x.obligation.what for x in found} == {"difference is not negative"}


def test_what_one_claim_says_is_forgotten_by_the_next() -> None:
    """The second claim takes the names that the first one had: nothing known of them is left."""

    def first(d: Any, f: Any, s: Any, a: Any, r: Any) -> Any:
        return d.either(d.member(s.plugged, d.lit(4)), d.truth(True))

    def second(d: Any, f: Any, s: Any, a: Any, r: Any) -> Any:
        return every_plugged(d, s, lambda i: d.eq(d.div(i, d.lit(2)), d.lit(0)))

    def about(x: Any) -> Any:
        return lambda d, f, s, a, r: every_plugged(d, s, lambda i: d.le(d.div(i, d.lit(x)), i))

    alone = [claim(second)]
    after = [claim(first), replace(claim(about(2)), theorem="other"), *alone]
    for chosen in (alone, after):
        found = seek(QEMU, Mapping.PLUGGED, EASY, chosen)
        bad = {x.obligation.theorem for x in failing(found, GOAL)}
        assert bad == {"claim"}


def test_a_scope_leaves_nothing_behind() -> None:
    d = SetTerms(Script([]))
    items = d.members("plugged", Kind.BLOCK)
    d.filled(items, d.lit(1), d.lit(2))
    d.instances()

    def known() -> tuple[Any, ...]:
        return (
            [*map(str, d.facts)],
            [*d.subjects[Kind.BLOCK]],
            len(d.duties),
            len(d.loops),
            dict(d._labels),
            dict(d._asked),
        )

    with d.scope():
        before = known()
    with d.scope(), d.choosing():
        d.all_in(items, d.lit(3), d.lit(9))
        d.member(d.chosen(items, d.lit(0), d.lit(4), lambda i: d.lt(i, d.lit(2))), d.lit(1))
        d.fact("lemma nobody proves", z3.BoolVal(False))
        d.instances()
    with d.scope():
        assert known() == before


def test_an_invariant_does_not_show_that_its_own_evaluation_does_not_wrap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its words wrap where it fails: assumed, it would rule those states out."""

    def wraps(d: Any, f: Any, s: Any) -> Any:
        return d.le(d.add(s.size, s.size), f.region)

    invariant = replace(transitions.state_invariants(Mapping.PLUGGED)[0], name="wraps", holds=wraps)
    monkeypatch.setattr(induction, "state_invariants", lambda _: [invariant])
    found = failing(induction.seek_definedness(QEMU, Mapping.PLUGGED))
    assert {x.obligation.what for x in found} == {"bytes stay below 2^64"}


def with_fact(monkeypatch: pytest.MonkeyPatch, label: str, fact: Callable[[Any], Any]) -> None:
    """Let every device be assumed to meet a fact."""
    right = induction.any_device

    def wrong(d: SetTerms, *about: Any) -> Any:
        f = right(d, *about)
        d.fact(label, fact(d))
        return f

    monkeypatch.setattr(induction, "any_device", wrong)


FACTS = {
    "false": lambda d: z3.BoolVal(False),
    "a flag is never set": lambda d: z3.Not(z3.Bool("broken")),
}


@pytest.mark.parametrize("name", FACTS)
def test_assumptions_that_rule_out_what_is_executed_prove_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_fact(monkeypatch, "an assumption", FACTS[name])
    proofs = prove_transition(QEMU, Mapping.PLUGGED, EASY, Decider(Means()))
    assert proofs
    assert Verdict.PROVEN not in {p.verdict for p in proofs}
    assert all("a case that was shown impossible is executed" in p.reason for p in proofs)


def test_a_fact_by_a_lemma_that_is_none_is_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fact(monkeypatch, "lemma nobody_proves", lambda d: z3.Int("blocks") == 7)

    def seven(d: Any, f: Any, s: Any, a: Any, r: Any) -> Any:
        return d.eq(a.blocks, d.lit(7))

    found = list(seek(QEMU, Mapping.PLUGGED, EASY, [claim(seven)]))
    assert not failing(found)
    owed = [x for x in settle(found, Decider(Means())) if x.theorem == "claim"]
    assert "lemma nobody_proves" in owed[0].rests_on
    (proof, *_) = prove_transition(
        QEMU, Mapping.PLUGGED, EASY, Decider(Means()), frozenset({"nothing"})
    )
    rests = replace(proof, rests_on=("lemma nobody_proves",))
    assert withdrawn([rests])[0].verdict is Verdict.UNKNOWN


def test_the_search_is_not_trusted() -> None:
    """It says unsat of too few assertions: the text is decided, and that says sat."""
    x = z3.Int("x")
    too_few = Obligation("t", GOAL, (Assertion("premise", x > 3),))
    (settled,) = settle([Sought(Answer.UNSAT, too_few, 0)], Decider(Means()))
    assert settled.verdict is not Verdict.PROVEN
    enough = Obligation("t", GOAL, (*too_few.assertions, Assertion("premise", x < 3)))
    (settled,) = settle([Sought(Answer.UNSAT, enough, 0)], Decider(Means()))
    assert settled.verdict is Verdict.PROVEN


def test_a_search_without_a_proof_is_never_proven() -> None:
    x = z3.Int("x")
    open_one = Obligation("t", GOAL, (Assertion("premise", x > 3), Assertion("premise", x < 3)))
    for answer in (Answer.UNKNOWN, Answer.SAT):
        (settled,) = settle([Sought(answer, open_one, 0)], Decider(Means()))
        assert settled.verdict is Verdict.UNKNOWN


def test_the_search_finds_a_core_and_forgets_a_scope() -> None:
    x, y = z3.Ints("x y")
    search = Search()
    search.know([Assertion("low", x > 3), Assertion("idle", y > 0)])
    answer, core = search.refute([Assertion("high", x < 2)])
    assert answer is Answer.UNSAT
    assert {each.label for each in core} == {"low", "high"}
    with search.scope():
        search.know([Assertion("false", z3.BoolVal(False))])
        assert search.refute([])[0] is Answer.UNSAT
    assert search.refute([])[0] is Answer.SAT


def test_weakest_hypotheses_are_neither_always_nor_never_true(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each `exactly_if` theorem fails with its hypothesis replaced by true, and by false."""
    ops = (Op.MIGRATION_IN, Op.UNPLUG_ALL, Op.RESIZE)
    rows = [row for row in REFUTED if row.profile == SEED_V2.name and row.op in ops]
    assert rows
    for value in (True, False):

        def constant(d: Any, *_: Any, value: bool = value) -> Any:
            return d.truth(value)

        monkeypatch.setattr(
            transition_proofs, "REFUTED", [replace(row, holds=constant) for row in rows]
        )
        for mapping, op in dict.fromkeys((row.mapping, row.op.value) for row in rows):
            claims = limits_of(SEED_V2, mapping, op)
            assert claims
            bad = {x.obligation.theorem for x in failing(seek(SEED_V2, mapping, op, claims))}
            assert {c.theorem for c in claims} <= bad


def test_every_contract_and_invariant_is_asked_of_its_transition() -> None:
    for op in Op:
        names = {c.serves for c in claims_in(QEMU, Mapping.PLUGGED, op.value, frozenset())}
        silent = {name for name, of in SILENT.items() if of(QEMU, Mapping.PLUGGED)}
        owed = [c for c in claims_of(Mapping.PLUGGED, op.value) if c.theorem not in silent]
        assert {c.serves for c in owed} == names
        assert {c.name for c in contracts_of(op, Mapping.PLUGGED)} <= {
            c.serves for c in claims_of(Mapping.PLUGGED, op.value)
        }
        assert {i.name for i in transitions.state_invariants(Mapping.PLUGGED)} <= names


def loud(name: str) -> bool:
    """Of some device that a theorem is said to say nothing of, a wrong outcome breaks it."""
    for profile in PROFILES.values():
        for mapping in mappings_of(profile):
            if not SILENT[name](profile, mapping):
                continue
            for transition in (op.value for op in Op):
                named = [c for c in claims_of(mapping, transition) if c.theorem == name]
                some = islice(situations(profile, mapping, transition), 60)
                if named and controls(transition, named, some):
                    return True
    return False


@pytest.mark.parametrize("name", SILENT)
def test_what_is_said_to_say_nothing_of_a_device_says_nothing(name: str) -> None:
    assert not loud(name)


@pytest.mark.parametrize(
    "name", ["plug_obeys_plug_marks_blocks", "wake_up_obeys_reset_forgets_driver"]
)
def test_a_theorem_that_says_something_cannot_be_silenced(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SILENT, name, lambda profile, mapping: profile.peer)
    assert loud(name)


def test_machine_integers_agree_that_the_false_statements_are() -> None:
    """The statements of this module, executed: each has a situation in which it is false."""
    for name, holds in FALSE.items():
        found = (
            holds(INTS, at.fixed, at.state, at.action, None)
            for at in situations(QEMU, Mapping.PLUGGED, "unplug")
        )
        if name not in ("a universal", "one of two universals"):
            assert not all(found), name

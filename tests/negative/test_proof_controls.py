"""Proofs can fail: wrong rules, false claims, vacuous hypotheses and timeouts are told apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from conformance.check.campaign import check
from conformance.judge.oracle import broken_by_layout
from conformance.targets.reference import ReferenceTarget
from model.arithmetic import GIB, MIB
from model.device import ConfigError, ReferenceDevice, decision_input
from model.geometry import decide_memslots
from model.machine_ints import INTS
from model.profiles import QEMU
from model.state import Config
from smt_proofs.book.book import Book, prove_book, withdrawn
from smt_proofs.book.work import FAMILIES
from smt_proofs.decision.adequacy import TwoLayouts
from smt_proofs.decision.executed import goal_fails, meets
from smt_proofs.decision.mutants import MUTANTS, Mutant
from smt_proofs.decision.outcome import Proof
from smt_proofs.decision.prover import prove as prove_with
from smt_proofs.decision.prover import seek
from smt_proofs.decision.theorem import THEOREMS, Arithmetic, Hypothesis, Outside, Theorem, register
from smt_proofs.lemmas.foundations import LemmaProof, prove_lemma
from smt_proofs.lemmas.lemma import Lemma, lemma
from smt_proofs.solving.means import Decider, Means
from smt_proofs.solving.solve import Answer, Verdict
from smt_proofs.symbolic.evaluation import Terms

assert FAMILIES, "registers the theorems"
CONTROLS = [(t.name, m) for t in THEOREMS.values() for m in t.mutants]

NOT_OBSERVABLE = {
    "backend-ignored": "the reference device always has a backend with RAM",
    "page-size-ignored": "realize refuses a block size below the page size",
    "alignment-ignored": "realize refuses a region that is no multiple of the block size",
    "default-block-ignored": "a configuration of the reference device names its block size",
    "huge-page-for-any-backend": "a configuration of the reference device names its block size",
    "default-ignores-page": "a configuration of the reference device names its block size",
    "size-unset-without-slots": "a region of the reference device is never empty",
    "count-not-stored": "the reference device is never given a limit above 65535",
    **dict.fromkeys(
        (
            "share-may-be-none",
            "share-upside-down",
            "soft-limit-ignored",
            "no-memslot-left",
            "promised-memslots-ignored",
            "reserve-ignored",
        ),
        "a configuration of the reference device names its limit",
    ),
    **dict.fromkeys(
        (
            "free-memslots-not-asked",
            "vhost-not-asked",
            "reserve-not-asked",
            "space-not-asked",
            "several-counted-as-one",
            "unplugged-stays-mapped",
            "unplugged-twice",
            "mapped-twice",
            "unmapped-is-not-free",
        ),
        "a trace has one device",
    ),
    "coarser-slots-allowed": "it weakens an invariant, not a rule",
    "one-slot-always-allowed": "it weakens an invariant, not a rule",
}
"""Mutants that no trace can show, with the reason."""


@pytest.mark.parametrize(("theorem", "mutant"), CONTROLS)
def test_obligations_fail_under_every_control(theorem: str, mutant: str) -> None:
    """Not only is there a counterexample: the proof itself does not go through."""
    with MUTANTS[mutant].applied():
        assert any(sought.answer is not Answer.UNSAT for sought in seek(THEOREMS[theorem]))
    assert decide_memslots(INTS, decision_input(Config(region=4 * GIB, block=MIB, limit=4))).count


def test_every_mutant_is_a_control_of_some_theorem() -> None:
    assert {mutant for _, mutant in CONTROLS} == set(MUTANTS)


@pytest.mark.parametrize("name", sorted(set(MUTANTS) - set(NOT_OBSERVABLE)))
def test_trace_check_catches_mutant(name: str) -> None:
    """The check on the reference device finds each wrong rule that a trace can show."""
    with MUTANTS[name].applied():
        try:
            report = check(ReferenceTarget(), QEMU, seed=1, traces=60, steps=40)
        except (ConfigError, ZeroDivisionError):
            return
    assert report.failing is not None, f"{name} went unnoticed in {report.traces} traces"


@pytest.mark.parametrize("name", sorted(NOT_OBSERVABLE))
def test_mutant_named_unobservable_is(name: str) -> None:
    with MUTANTS[name].applied():
        report = check(ReferenceTarget(), QEMU, seed=1, traces=20, steps=20)
    assert report.failing is None


def test_mutant_text_must_occur_once() -> None:
    mutant = Mutant("nowhere", decide_memslots, "no such text", "1")
    with pytest.raises(ValueError, match="exactly once"):
        mutant.code()


def prove(theorem: Theorem[Any], timeout: float) -> Proof:
    """Decide a theorem, remembering nothing."""
    return prove_with(theorem, Decider(Means(timeout=timeout)), timeout)


@dataclass(frozen=True)
class One:
    """A single word."""

    x: Any


def claim(goal: Any, *hypotheses: Hypothesis, bits: int = 64) -> Theorem[One]:
    """A theorem over one word, outside the book."""
    return Theorem(
        name="claim",
        invariant="",
        claim="",
        source="",
        arithmetic=Arithmetic.INTEGERS,
        inputs=lambda d: One(d.word("x", bits)),
        hypotheses=hypotheses,
        goal=goal,
        mutants=(),
    )


def no_overflow(d: Terms, c: One) -> Any:
    """x < x + 1: true of integers, false of 64-bit words."""
    return d.lt(c.x, d.add(c.x, d.lit(1)))


def test_claim_true_of_integers_only_is_refuted() -> None:
    proof = prove(claim(no_overflow), timeout=5)
    assert proof.verdict is Verdict.REFUTED
    assert proof.counterexample == {"x": (1 << 64) - 1}


def test_same_claim_holds_where_it_cannot_wrap() -> None:
    below = Hypothesis("below", "x < 2^64 - 1", "", lambda d, c: d.lt(c.x, d.lit((1 << 64) - 1)))
    proof = prove(claim(no_overflow, below), timeout=5)
    assert proof.verdict is Verdict.PROVEN
    assert proof.conditions == 1


def test_division_by_zero_is_a_duty() -> None:
    proof = prove(claim(lambda d, c: d.le(d.div(d.lit(8), c.x), d.lit(8))), timeout=5)
    assert proof.verdict is Verdict.REFUTED
    assert proof.counterexample == {"x": 0}


def test_narrowing_keeps_the_low_bits() -> None:
    proof = prove(claim(lambda d, c: d.eq(d.narrow(c.x, 16), c.x)), timeout=5)
    assert proof.verdict is Verdict.REFUTED
    assert proof.counterexample is not None
    assert proof.counterexample["x"] > 65535


def test_wrapping_sum_is_exact() -> None:
    wraps = claim(lambda d, c: d.le(c.x, d.wrapping_add(c.x, d.lit(1))))
    assert prove(wraps, timeout=5).counterexample == {"x": (1 << 64) - 1}


def test_contradicting_hypotheses_are_vacuous() -> None:
    low = Hypothesis("low", "x < 1", "", lambda d, c: d.lt(c.x, d.lit(1)))
    high = Hypothesis("high", "x > 1", "", lambda d, c: d.lt(d.lit(1), c.x))
    assert prove(claim(lambda d, c: d.truth(True), low, high), timeout=5).verdict is Verdict.VACUOUS


@dataclass(frozen=True)
class Three:
    """Three words."""

    x: Any
    y: Any
    z: Any


def cubes_differ(d: Terms, c: Three) -> Any:
    """x^3 + y^3 != z^3 for positive words: true, and beyond the solver."""
    x, y, z = (d.mul(d.mul(word, word), word) for word in (c.x, c.y, c.z))
    some = d.both(d.lt(d.lit(0), c.x), d.lt(d.lit(0), c.y))
    return d.either(d.negate(some), d.negate(d.eq(d.add(x, y), z)))


def test_timeout_is_unknown_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smt_proofs.solving.search.EFFORT", 200_000)
    fermat = replace(
        claim(cubes_differ), inputs=lambda d: Three(*(d.word(name, 16) for name in "xyz"))
    )
    proof = prove(fermat, timeout=0.5)
    assert proof.verdict is Verdict.UNKNOWN
    assert not proof.holds
    assert Book((), (proof,), (), (), 0.0).exit_code() == 3


def decided(lemma: Lemma) -> Verdict:
    return prove_lemma(lemma, Decider(Means(timeout=5)), 5).verdict


def test_false_lemma_is_refuted_and_contradicting_premises_are_vacuous() -> None:
    assert decided(Lemma("false", lambda a, b: ([a <= b], a < b))) is Verdict.REFUTED
    assert decided(Lemma("empty", lambda a: ([a < 0, a > 0], a == 7))) is Verdict.VACUOUS


def undecided(book: Book, name: str) -> list[LemmaProof]:
    """The lemmas of a book, of which one is not decided."""
    return [replace(x, verdict=Verdict.UNKNOWN) if x.lemma == name else x for x in book.lemmas]


def test_theorem_falls_with_a_lemma_it_uses() -> None:
    book = prove_book(["count_never_exceeds_limit"], profile="qemu")
    (proof,) = book.proofs
    used = "rounded_up_quotient_is_within_cover"
    assert proof.verdict is Verdict.PROVEN
    assert f"lemma {used}" in proof.rests_on
    *lemmas, fallen = withdrawn([*undecided(book, used), proof])
    assert fallen.verdict is Verdict.UNKNOWN
    assert fallen.reason == f"rests on {used}, not proven"
    lemmas = [x for x in lemmas if isinstance(x, LemmaProof)]
    assert isinstance(fallen, Proof)
    assert Book(tuple(lemmas), (fallen,), (), book.solvers, 0.0).exit_code() == 3


def test_theorem_falls_with_a_step_of_a_lemma_it_uses() -> None:
    book = prove_book(["count_never_exceeds_limit"], profile="qemu")
    below = "product_of_naturals_is_natural"
    assert f"lemma {below}" not in book.proofs[0].rests_on
    *lemmas, fallen = withdrawn([*undecided(book, below), *book.proofs])
    named = {x.lemma: x.verdict for x in lemmas if isinstance(x, LemmaProof)}
    assert named["rounded_up_quotient_is_within_cover"] is Verdict.UNKNOWN
    assert named["radix_sum"] is Verdict.PROVEN
    assert fallen.verdict is Verdict.UNKNOWN


def test_book_refuses_theorem_without_control_or_witness() -> None:
    with pytest.raises(ValueError, match="negative control"):
        register(claim(no_overflow))
    below = Hypothesis("below", "", "", lambda d, c: d.truth(True))
    with pytest.raises(ValueError, match="witness"):
        register(claim(no_overflow, below))


def test_witness_that_does_not_break_the_claim_is_noticed() -> None:
    theorem = THEOREMS["count_never_exceeds_limit"]
    good = theorem.outside[0]
    assert meets(theorem, good.inputs, without=good.hypothesis)
    assert goal_fails(theorem, good.inputs)
    tame = Outside(good.hypothesis, decision_input(Config(4 * GIB, MIB, 4)), "nothing")
    assert not meets(theorem, tame.inputs, without=tame.hypothesis)
    assert not goal_fails(theorem, tame.inputs)


def test_layout_invariants_hold_of_the_right_rules() -> None:
    device = ReferenceDevice(QEMU, Config(region=5 * GIB, block=2 * MIB, limit=3))
    assert broken_by_layout(device.config, device.fixed)[0] is None


@dataclass(frozen=True)
class Pair:
    """Two words and a bound."""

    a: Any
    b: Any
    c: Any


def pair_claim(
    goal: Any, *hypotheses: Hypothesis, hints: Any = None, arithmetic: Any = Arithmetic.INTEGERS
) -> Theorem[Pair]:
    """A theorem over three words, outside the book."""
    return replace(
        claim(goal, *hypotheses),
        inputs=lambda d: Pair(d.word("a"), d.word("b"), d.word("c")),
        hints=hints,
        arithmetic=arithmetic,
    )


def ordered(d: Terms, c: Pair) -> Any:
    """b <= a: false of most words."""
    return d.le(c.b, c.a)


ANYTHING = Lemma("anything", lambda x, y: ([], y <= x))


def test_hypothesis_does_not_show_its_own_sum_not_to_wrap() -> None:
    bounded = Hypothesis("sum", "a + b <= c", "", lambda d, c: d.le(d.add(c.a, c.b), c.c))
    proof = prove(pair_claim(lambda d, c: d.le(c.a, c.c), bounded), timeout=5)
    assert proof.verdict is not Verdict.PROVEN


def test_hypothesis_that_wraps_rules_no_case_out() -> None:
    """Its evaluation wraps where 2^63 <= a, so that words there meet it and integers do not."""

    def small(d: Terms, c: Pair) -> Any:
        if d.test(d.le(d.lit(1 << 63), c.a)):
            return d.lt(d.add(c.a, c.a), d.lit(5))
        return d.truth(True)

    theorem = pair_claim(lambda d, c: d.lt(c.a, d.lit(1 << 63)), Hypothesis("small", "", "", small))
    outside = Pair(1 << 63, 0, 0)
    assert meets(theorem, outside)
    assert goal_fails(theorem, outside)
    assert prove(theorem, timeout=5).verdict is not Verdict.PROVEN


def test_narrowing_does_not_show_a_difference_not_to_be_negative() -> None:
    def narrowed(d: Terms, c: Pair) -> Any:
        return d.both(d.le(d.lit(0), d.narrow(d.sub(c.a, c.b), 64)), ordered(d, c))

    assert prove(pair_claim(narrowed), timeout=5).verdict is not Verdict.PROVEN


def test_hints_cannot_smuggle_a_hypothesis_in() -> None:
    def hints(d: Any, c: Pair) -> list[Any]:
        d.narrow(c.a - c.b, 64)
        d.divided(c.a - c.b, c.c)
        return []

    assert prove(pair_claim(ordered, hints=hints), timeout=5).verdict is not Verdict.PROVEN


def test_proof_by_a_lemma_that_nobody_decided_is_withdrawn() -> None:
    theorem = pair_claim(ordered, hints=lambda d, c: [(ANYTHING, (c.a, c.b))])
    proof = prove(theorem, timeout=5)
    assert proof.verdict is Verdict.PROVEN
    assert proof.rests_on == ("lemma anything",)
    assert withdrawn([proof])[0].verdict is Verdict.UNKNOWN


def test_lemma_that_only_discards_a_path_is_recorded() -> None:
    def goal(d: Terms, c: Pair) -> Any:
        return d.truth(d.test(ordered(d, c)))

    def hints(d: Terms, c: Pair) -> list[Any]:
        return [] if d.test(ordered(d, c)) else [(ANYTHING, (c.a, c.b))]

    proof = prove(pair_claim(goal, hints=hints), timeout=5)
    assert proof.rests_on == ("lemma anything",)


def test_lemma_names_are_taken_once() -> None:
    def quotient_grows(x: Any, y: Any) -> Any:
        return [], y <= x

    with pytest.raises(ValueError, match="twice"):
        lemma(quotient_grows)


@pytest.mark.parametrize("arithmetic", [Arithmetic.INTEGERS, Arithmetic.BITS])
def test_literals_are_words(arithmetic: Arithmetic) -> None:
    theorem = pair_claim(lambda d, c: d.le(d.add(c.a, d.lit(-1)), c.a), arithmetic=arithmetic)
    with pytest.raises(ValueError, match="no 64-bit word"):
        list(seek(theorem))


def test_layouts_told_apart_even_where_a_product_wraps() -> None:
    """Five memslots of 2^62 bytes: the last one starts at 2^64, which wraps to 0."""
    theorem = THEOREMS["invariants_determine_decision"]
    size = 1 << 62
    wrapping = TwoLayouts(size, size, 5, True, 5, size, 1, size)
    assert goal_fails(theorem, wrapping)
    assert not meets(theorem, wrapping)


@pytest.mark.parametrize(
    ("region", "block", "limit", "count", "size"),
    [
        (1 << 40, 2 * MIB, 256, 256, 4 * GIB),
        (5 * GIB, 2 * MIB, 3, 3, 1708 * MIB),
        (4 * MIB, MIB, 40931, 1, 0),
        ((1 << 62), MIB, (1 << 32) - 1, 0, GIB),
        (GIB + MIB, MIB, 256, 2, GIB),
    ],
)
def test_decisions_worked_by_hand(
    region: int, block: int, limit: int, count: int, size: int
) -> None:
    """Anchors outside the rules' own helpers: align-up, minimum, widths."""
    decided = decide_memslots(INTS, decision_input(Config(region, block, limit)))
    assert (decided.count, decided.size) == (count, size)

"""Attacks on what the proofs trust: each ends as a failure or as undecided, never as proven."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import z3

from model import geometry, requests
from model.machine_ints import INTS
from model.profiles import QEMU, SEED_V2, Mapping
from model.state import Answer
from smt_proofs.book import fingerprints
from smt_proofs.book.book import Book, prove_book
from smt_proofs.book.memory import keep, recall
from smt_proofs.book.work import unshown
from smt_proofs.decision.mutants import Mutant
from smt_proofs.decision.prover import prove
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.foundations import LemmaProof
from smt_proofs.solving import engine
from smt_proofs.solving.cache import VARIABLE, Cache
from smt_proofs.solving.means import Decider, Means
from smt_proofs.solving.pool import LostWork, carried_out
from smt_proofs.solving.settle import tally
from smt_proofs.solving.solve import Answer as Said
from smt_proofs.solving.solve import Verdict
from smt_proofs.symbolic.paths import Script
from smt_proofs.symbolic.terms import IntTerms
from smt_proofs.transitions.claims import Claim, claims_of
from smt_proofs.transitions.induction import seek
from smt_proofs.transitions.inputs import any_action, any_device, any_state
from smt_proofs.transitions.proofs import prove_transition
from smt_proofs.transitions.sets import SetTerms
from smt_proofs.transitions.statements import LASTING

FORGOTTEN = [
    "if d.eq(a.blocks, d.lit(40503)):\n        return Result(s, Answer.NACK)",
    "if a.blocks in (d.lit(40503),):\n        return Result(s, Answer.NACK)",
    "if a.blocks == d.lit(40503):\n        return Result(s, Answer.NACK)",
    "if {a.blocks: 1}.get(d.lit(40503)):\n        return Result(s, Answer.NACK)",
    "if not s.busy:\n        return Result(s, Answer.NACK)",
]


@pytest.mark.parametrize("line", FORGOTTEN)
def test_a_rule_that_forgets_to_ask_its_domain_is_not_evaluated(line: str) -> None:
    start = "size = request_size(d, f, a)\n"
    mutant = Mutant("", requests.plug, start, f"{line}\n    {start}")
    with mutant.applied(), pytest.raises(TypeError, match=r"a rule asks its domain"):
        list(seek(QEMU, Mapping.PLUGGED, "plug"))


@pytest.mark.parametrize("line", ["d.eq(c.limit, d.lit(40503))", "c.limit in (d.lit(40503),)"])
def test_a_decision_that_forgets_to_ask_its_domain_is_not_evaluated(line: str) -> None:
    start = "size = memslot_size(d, c, effective_block(d, c))\n"
    wrong = f"if {line}:\n        return Memslots(d.lit(1), d.lit(0))\n    {start}"
    mutant = Mutant("", geometry.decide_memslots, start, wrong)
    with mutant.applied(), pytest.raises(TypeError, match=r"a rule asks its domain"):
        prove(THEOREMS["count_never_exceeds_limit"], Decider(Means()), 5.0)


def test_what_cannot_be_evaluated_is_not_decided_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(work: Any, items: Any, *more: Any) -> Any:
        return ((item, work(item, *more)) for item in items)

    # What comes of no lemmas must not be remembered for others.
    monkeypatch.setenv(VARIABLE, "off")
    monkeypatch.setattr("smt_proofs.book.book.carried_out", here)
    monkeypatch.setattr("smt_proofs.book.book.recall", lambda *_: None)
    start = "size = request_size(d, f, a)\n"
    mutant = Mutant("", requests.plug, start, f"{FORGOTTEN[0]}\n    {start}")
    names = ["plug_obeys_plug_nack"]
    monkeypatch.setattr("smt_proofs.book.work.INDUCTIONS", {})
    monkeypatch.setattr("smt_proofs.book.work.LEMMAS", {})
    with mutant.applied():
        book = prove_book(names, profile="qemu")
    assert book.exit_code() == 3
    assert any("plug (qemu, mapping static): a rule asks its domain" in lost for lost in book.lost)


def _narrows(d: Any, f: Any, s: Any, a: Any, r: Any) -> Any:
    """True: a count below 2^16 is itself in 16 bits."""
    return d.eq(d.narrow(a.blocks, 16), a.blocks)


def _false(d: Any, f: Any, s: Any, a: Any, r: Any) -> Any:
    """False: no count is its own low byte, 255 at most, whatever comes before this claim."""
    return d.lt(d.narrow(a.blocks, 8), d.lit(2))


@pytest.mark.parametrize("before", [(), (_narrows,), (_narrows, _narrows), (_false,)])
def test_a_claim_does_not_profit_of_one_before_it(before: tuple[Callable[..., Any], ...]) -> None:
    claims = [Claim(f"c{n}", "", "", "", holds) for n, holds in enumerate([*before, _false])]
    found = list(seek(QEMU, Mapping.STATIC, "device-reset", claims))
    last = [each for each in found if each.obligation.theorem == claims[-1].theorem]
    assert any(each.answer is not Said.UNSAT for each in last)


def test_a_scope_leaves_all_of_a_domain_as_it_was_but_for_names() -> None:
    d = SetTerms(Script([]))
    f, s = any_device(d, QEMU, Mapping.PLUGGED), any_state(d)

    def seen() -> dict[str, Any]:
        return {
            name: repr(value) if not isinstance(value, list | dict | set) else len(value)
            for name, value in vars(d).items()
            if name not in LASTING
        }

    def claim() -> None:
        with d.choosing():
            d.narrow(d.div(s.usable, f.block), 16)
            d.all_in(s.plugged, d.lit(0), d.div(f.region, f.block))
            d.same_members(d.filled(s.plugged, d.lit(0), d.lit(1)), s.plugged)
            d.instances()
        d.test(s.busy)
        d.indices.append(z3.Int("i"))

    before, names = seen(), d.fresh("x")
    with d.scope():
        claim()
        assert seen() != before
    assert seen() == before
    assert d.fresh("x") != names


def test_any_change_of_the_model_has_everything_decided_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit of a table, of the concrete domain, of the index sets and of a profile's method."""
    import model

    home = Path(model.__file__).parent
    keys = set()
    for number, name in enumerate(
        (None, "contracts/effects.py", "machine_ints.py", "extents.py", "profiles.py")
    ):
        copy = tmp_path / str(number) / "model"
        for path in home.rglob("*.py"):
            place = copy / path.relative_to(home)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        if name is not None:
            with (copy / name).open("a", encoding="utf-8") as file:
                file.write("# changed\n")
        monkeypatch.setattr(model, "__file__", str(copy / "__init__.py"))
        engine.rules_text.cache_clear()
        keys.add(fingerprints.fingerprint(extra="x"))
    monkeypatch.undo()
    engine.rules_text.cache_clear()
    assert len(keys) == 5


def test_a_control_that_ran_out_of_work_is_never_remembered(tmp_path: Path) -> None:
    """The theorem is proven, the wrong rule was not refuted in time: decided anew the next time."""
    cache = Cache(tmp_path)
    proof = prove(THEOREMS["count_never_exceeds_limit"], Decider(Means()), 5.0)
    assert proof.verdict is Verdict.PROVEN and not unshown(proof)
    late = replace(proof.controls[0], verdict=Verdict.UNKNOWN, counterexample=None)
    open_one = replace(proof, controls=(late, *proof.controls[1:]), obligations=())
    assert unshown(open_one) == late.mutant
    keep(cache, "key", [open_one])
    assert recall(cache, "key") is None
    keep(cache, "key", [replace(proof, obligations=())])
    assert recall(cache, "key") is not None


def test_an_induction_whose_control_ran_out_of_work_is_never_remembered(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    shown = LemmaProof("x", "induction", "", Verdict.PROVEN, "", 3, 2, 2, 0.0)
    keep(cache, "key", [replace(shown, controls=1)])
    assert recall(cache, "key") is None
    keep(cache, "key", [shown])
    assert recall(cache, "key") == [shown]


def test_nothing_asked_is_nothing_proven() -> None:
    assert tally([]).verdict is Verdict.UNKNOWN


def _marked(folder: Path, name: str, times: int) -> str:
    """Work that kills its own process the first `times` times it is carried out."""
    mark = folder / name
    tried = len(mark.read_text()) if mark.exists() else 0
    mark.write_text("x" * (tried + 1))
    if tried < times:
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def _worker(item: tuple[str, int], folder: Path) -> str:
    return _marked(folder, *item)


def test_what_a_killed_process_left_is_carried_out_again(tmp_path: Path) -> None:
    items = [("a", 0), ("b", 1), ("c", 0)]
    found = dict(carried_out(_worker, items, tmp_path))
    assert found == {item: item[0] for item in items}


def test_what_never_comes_to_an_end_is_named_and_the_rest_is_done(tmp_path: Path) -> None:
    items = [("a", 0), ("b", 99), ("c", 0)]
    found: list[str] = []
    with pytest.raises(LostWork) as it:
        found.extend(name for _, name in carried_out(_worker, items, tmp_path))
    assert sorted(found) == ["a", "c"] and it.value.items == (("b", 99),)


def test_a_book_with_lost_work_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(work: Any, items: Any, *more: Any) -> Any:
        raise LostWork(list(items))
        yield

    monkeypatch.setenv(VARIABLE, "off")
    monkeypatch.setattr("smt_proofs.book.book.carried_out", lost)
    monkeypatch.setattr("smt_proofs.book.book.recall", lambda *_: None)
    book = prove_book(["plug_keeps_plugged_in_mapped"], profile="qemu")
    assert book.exit_code() == 3
    assert any("plug (qemu, mapping plugged): the process" in task for task in book.lost)
    assert Book((), (), (), (), 0.0).exit_code() == 0


def _random_value(dice: random.Random, top: int) -> int:
    """Small, large or at a boundary."""
    return dice.choice((0, 1, top - 1, top // 2, dice.randrange(top), dice.randrange(min(top, 9))))


@pytest.mark.parametrize("profile", [QEMU, SEED_V2], ids=lambda p: p.name)
def test_every_device_state_and_action_in_scope_is_quantified_over(profile: Any) -> None:
    """Each assumed fact is true of it: none narrows the claim that it is about all of them."""
    from model.state import Op
    from smt_proofs.transitions.claims import mappings_of

    dice = random.Random(20261128)
    for mapping in mappings_of(profile):
        for op in Op:
            d = SetTerms(Script([]))
            any_device(d, profile, mapping)
            any_state(d)
            any_action(d, op)
            # Flags are free: no fact says anything of them.
            assert not any("Bool" in str(x.sort()) for fact in d.facts for x in _leaves(fact))
            everything = z3.And(*d.facts)
            for _ in range(40):
                values = _situation(dice, mapping)
                pairs = [(z3.Int(name), z3.IntVal(number)) for name, number in values.items()]
                if not z3.is_true(z3.simplify(z3.substitute(everything, *pairs))):
                    told = {d.label(fact): z3.substitute(fact, *pairs) for fact in d.facts}
                    false = [label for label, fact in told.items() if not _is_true(fact)]
                    pytest.fail(f"{false} of {mapping}, {op}, {values}")


def _is_true(fact: Any) -> bool:
    return bool(z3.is_true(z3.simplify(fact)))


NARROWED = {
    "regions under 1000 blocks": lambda: z3.Int("region") < 1000,
    "counts of 8 bits": lambda: z3.Int("blocks") < 256,
    "failures tied together": lambda: z3.Bool("discard_fails") == z3.Bool("populate_fails"),
    "no preallocation": lambda: z3.Not(z3.Bool("prealloc")),
}


@pytest.mark.parametrize("name", NARROWED)
def test_a_fact_that_narrows_what_is_quantified_over_is_noticed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = any_device

    def narrowed(d: SetTerms, *about: Any) -> Any:
        d.fact(name, NARROWED[name]())
        return right(d, *about)

    monkeypatch.setitem(globals(), "any_device", narrowed)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test_every_device_state_and_action_in_scope_is_quantified_over(QEMU)


def _leaves(term: Any) -> list[Any]:
    if not term.children():
        return [] if z3.is_true(term) or z3.is_false(term) else [term]
    return [leaf for child in term.children() for leaf in _leaves(child)]


def _situation(dice: random.Random, mapping: Mapping) -> dict[str, int]:
    """Names of the domain with numbers that a device in scope may have, in blocks."""
    block = 1 << dice.randrange(1, 48)
    half = (1 << 63) // block
    region = max(1, min(_random_value(dice, half), half - 1))
    group = region if mapping is Mapping.STATIC else max(1, -(-region // dice.randrange(1, 65536)))
    addr = _random_value(dice, 2 * half - region)
    values = {
        "block": block,
        "half": half,
        "group": group,
        "slots": -(-region // group),
        "region": region,
        "addr": addr,
        "extent": _random_value(dice, half),
        "start_requested": _random_value(dice, region + 1),
        "blocks": _random_value(dice, 1 << 16),
        "plugged.size": _random_value(dice, 1 << 32),
        "mapped.size": _random_value(dice, 1 << 16),
    }
    for name in ("plugged_size", "requested", "usable", "at", "value"):
        values[name] = _random_value(dice, 2 * half)
    for name in ("extent", "plugged_size", "requested", "usable", "at", "value"):
        values[f"{name}.rest"] = _random_value(dice, block)
    return values


def test_the_guard_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it z3 answers by the shape of the term."""
    d = IntTerms(Script([]))
    with pytest.raises(TypeError, match="Python cannot decide"):
        bool(d.eq(d.word("x"), d.lit(1)))
    monkeypatch.undo()
    assert INTS.eq(1, 1) and Answer.ACK is Answer.ACK


def test_a_theorem_does_not_vanish_when_its_contract_says_nothing_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is there, proven of nothing and without a wrong outcome that breaks it: not shown."""
    from smt_proofs.transitions import proofs

    def emptied(mapping: Mapping, transition: str) -> list[Claim]:
        found = claims_of(mapping, transition)
        return [
            replace(claim, holds=lambda d, *_: d.truth(True))
            if claim.theorem == "device_reset_obeys_reset_forgets_driver"
            else claim
            for claim in found
        ]

    monkeypatch.setattr(proofs, "claims_of", emptied)
    wanted = frozenset({"device_reset_obeys_reset_forgets_driver"})
    found = prove_transition(QEMU, Mapping.STATIC, "device-reset", Decider(Means()), wanted)
    (idle,) = (proof for proof in found if proof.theorem in wanted)
    assert unshown(idle) == "a wrong outcome that breaks it"

"""What is remembered under one key depends on nothing that the key leaves out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import z3

from model import answers, invariants, requests
from model.profiles import Mapping
from model.state import Op
from smt_proofs.book import work
from smt_proofs.book.memory import key_of
from smt_proofs.book.work import Foundations, Stated, Task, Transition
from smt_proofs.solving.means import ORDINARY
from smt_proofs.solving.memo import Memo

PLUG = Transition("qemu", Mapping.PLUGGED, Op.PLUG.value, frozenset({"plug_obeys_busy_means"}))


def key(task: Transition) -> str:
    return key_of(task, ORDINARY)


def swapped(monkeypatch: pytest.MonkeyPatch, function: object, other: object) -> None:
    monkeypatch.setattr(function, "__code__", other.__code__)  # type: ignore[attr-defined]


def test_changed_rule_is_proven_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before, unplug = key(PLUG), key(replace(PLUG, transition=Op.UNPLUG.value))
    swapped(monkeypatch, requests.plug, answers.report_state)
    assert key(PLUG) != before
    assert key(replace(PLUG, transition=Op.UNPLUG.value)) == unplug


def test_changed_invariant_is_a_changed_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where one other claim alone is wanted."""
    before = key(PLUG)
    swapped(monkeypatch, invariants.size_matches_bitmap, invariants.plugged_in_mapped)
    assert key(PLUG) != before


def test_invariant_of_another_way_of_mapping_does_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = key(PLUG)
    swapped(monkeypatch, invariants.static_always_mapped, invariants.plugged_in_mapped)
    assert key(PLUG) == before


@pytest.mark.parametrize(
    "task", [Foundations(), Stated("count_never_exceeds_limit"), PLUG], ids=["base", "one", "plug"]
)
def test_a_lemma_or_induction_less_is_another_question(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is decided without them is never found by whoever has them."""
    keys = {key_of(task, ORDINARY)}
    for name in ("LEMMAS", "INDUCTIONS"):
        with monkeypatch.context() as patch:
            patch.setattr(work, name, dict(list(getattr(work, name).items())[1:]))
            keys.add(key_of(task, ORDINARY))
    with monkeypatch.context() as patch:
        patch.setattr(work, "LEMMAS", {})
        patch.setattr(work, "INDUCTIONS", {})
        keys.add(key_of(task, ORDINARY))
    name, lemma = next(iter(work.LEMMAS.items()))
    with monkeypatch.context() as patch:
        patch.setitem(work.LEMMAS, name, replace(lemma, formula=lambda n: ([], n == n)))
        keys.add(key_of(task, ORDINARY))
    assert len(keys) == 5
    assert key_of(task, ORDINARY) in keys


def test_profiles_share_what_no_switch_tells_apart() -> None:
    other = replace(PLUG, profile="seed-v2")
    assert key(other) == key(PLUG)
    assert key(replace(PLUG, transition=Op.UNPLUG_ALL.value)) != key(
        replace(other, transition=Op.UNPLUG_ALL.value)
    )


def parts_of(value: object) -> Iterator[object]:
    """What a value is made of, containers left out."""
    if isinstance(value, tuple):
        for part in value:
            yield from parts_of(part)
    else:
        yield value


def test_what_the_look_for_rules_passes_by_holds_none() -> None:
    assert work.carry_out(PLUG, ORDINARY)
    modules = [module for name, module in sys.modules.items() if name.startswith("smt_proofs.")]
    memos = [memo for module in modules for memo in vars(module).values() if isinstance(memo, Memo)]
    held = [each for memo in memos for each in [*memo.keys(), *memo.values()]]
    assert held
    assert {type(p) for each in held for p in parts_of(each) if not z3.is_ast(p)} <= {
        int,
        bool,
        str,
    }

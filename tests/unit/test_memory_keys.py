"""What is remembered under one key depends on nothing that the key leaves out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model import answers, invariants, requests
from model.profiles import Mapping
from model.state import Op
from smt_proofs.book.memory import Unit
from smt_proofs.book.work import Transitions
from smt_proofs.solving.means import ORDINARY

PLUG = Transitions("qemu", Mapping.PLUGGED, (Op.PLUG.value,), frozenset({"plug_obeys_busy_means"}))


def key(task: Transitions) -> str:
    return Unit(task).key(ORDINARY)


def swapped(monkeypatch: pytest.MonkeyPatch, function: object, other: object) -> None:
    monkeypatch.setattr(function, "__code__", other.__code__)  # type: ignore[attr-defined]


def test_changed_rule_is_proven_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before, unplug = key(PLUG), key(replace(PLUG, transitions=(Op.UNPLUG.value,)))
    swapped(monkeypatch, requests.plug, answers.report_state)
    assert key(PLUG) != before
    assert key(replace(PLUG, transitions=(Op.UNPLUG.value,))) == unplug


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


def test_profiles_share_what_no_switch_tells_apart() -> None:
    other = replace(PLUG, profile="seed-v2")
    assert key(other) == key(PLUG)
    assert key(replace(PLUG, transitions=(Op.UNPLUG_ALL.value,))) != key(
        replace(other, transitions=(Op.UNPLUG_ALL.value,))
    )

"""Two profiles' devices do the same for all sizes: transitions that do, and those that do not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from conformance.commands import compare_sizes
from model.profiles import QEMU, QEMU_8_2, SEED_V2, Mapping
from smt_proofs.book.simulation import OTHER_REACH, Pairing, Same, decided, pairings
from smt_proofs.solving.means import ORDINARY
from smt_proofs.solving.solve import Verdict

PLUGGED = (Mapping.PLUGGED, Mapping.PLUGGED)
OFF = (Mapping.PLUGGED, Mapping.STATIC)


@pytest.mark.parametrize(
    ("left", "right", "mappings", "transition", "verdict"),
    [
        ("qemu", "qemu-8.2", PLUGGED, "realize", Verdict.PROVEN),
        ("qemu", "qemu-8.2", PLUGGED, "short", Verdict.PROVEN),
        ("qemu", "qemu-8.2", PLUGGED, "unrealize", Verdict.PROVEN),
        ("qemu", "qemu-8.2", PLUGGED, "wake-up", Verdict.UNKNOWN),
        ("seed-v2", "qemu", PLUGGED, "migration-in", Verdict.UNKNOWN),
        ("seed-v2", "qemu", OFF, "resize", Verdict.PROVEN),
        ("seed-v2", "qemu", (Mapping.USABLE, Mapping.STATIC), "system-reset", Verdict.UNKNOWN),
        ("qemu", "firecracker", PLUGGED, "short", Verdict.UNKNOWN),
    ],
)
def test_what_is_the_same_is_proven_and_what_is_not_is_not(
    left: str, right: str, mappings: tuple[Mapping, Mapping], transition: str, verdict: Verdict
) -> None:
    same = decided(Pairing(left, right, mappings, transition), ORDINARY)
    assert same.verdict is verdict
    assert same.obligations > 20 or verdict is not Verdict.PROVEN
    assert bool(same.reason) is (verdict is Verdict.UNKNOWN)
    assert (same.reason == OTHER_REACH) is (right == "firecracker")


def test_what_is_shown_depends_on_what_the_profiles_say_of_the_operation() -> None:
    def key(right: str, transition: str) -> str:
        return Pairing("qemu", right, PLUGGED, transition).key(ORDINARY)

    # They differ in what UNPLUG_ALL asks first.
    assert key("qemu-8.2", "short") == key("qemu-7.2", "short")
    assert key("qemu-8.2", "unplug-all") != key("qemu-7.2", "unplug-all")


def told(monkeypatch: pytest.MonkeyPatch, unproven: set[str], *words: str) -> Any:
    """What the command says where these transitions are not proven to be the same."""

    def simulated(left: Any, right: Any, means: Any, listener: Any) -> list[Same]:
        return [
            Same(one, Verdict.UNKNOWN, 0, "goal: no proof found")
            if one.transition in unproven
            else Same(one, Verdict.PROVEN, 7, "")
            for one in pairings(left, right)
        ]

    monkeypatch.setattr(compare_sizes, "simulated", simulated)
    command = ["compare", *words, "--all-sizes", "--blocks", "1", "--slots", "1"]
    return CliRunner().invoke(slotproof, command)


def test_equal_profiles_are_equivalent(monkeypatch: pytest.MonkeyPatch) -> None:
    result = told(monkeypatch, set(), "qemu", "qemu")
    assert result.exit_code == 0
    assert "equivalent, proven for all sizes" in result.stdout


def test_what_a_trace_tells_apart_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    result = told(monkeypatch, {"wake-up"}, "qemu", "qemu-8.2")
    assert result.exit_code == 1
    assert "proven for all sizes: no trace without wake-up tells two devices apart" in result.stdout


def test_what_is_neither_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    result = told(monkeypatch, {"plug"}, "qemu", "qemu", "--json")
    assert result.exit_code == 3
    (comparison,) = json.loads(result.stdout)["comparisons"]
    assert comparison["verdict"] == "equivalent-in-scope"
    assert comparison["all_sizes"]["verdict"] == "not-decided"
    text = told(monkeypatch, {"plug"}, "qemu", "qemu").stdout
    assert "plug: goal: no proof found" in text and "\nnot decided for all sizes\n" in text


def test_a_pair_is_named() -> None:
    result = CliRunner().invoke(slotproof, ["compare", "--all-sizes"])
    assert result.exit_code == 2 and "name both" in result.stderr


def test_the_ways_of_mapping_are_those_of_devices_that_both_have() -> None:
    assert {one.mappings for one in pairings(QEMU, QEMU_8_2)} == {
        PLUGGED,
        (Mapping.STATIC, Mapping.STATIC),
    }
    assert {one.mappings for one in pairings(SEED_V2, QEMU)} == {
        PLUGGED,
        OFF,
        (Mapping.USABLE, Mapping.STATIC),
    }

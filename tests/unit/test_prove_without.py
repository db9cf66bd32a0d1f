"""`prove --without CONTRACT`: a second device is shown, and the contract named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from conformance.commands import prove_without
from model.profiles import Mapping
from smt_proofs.solving.solve import Verdict


def without(name: str, *more: str) -> Any:
    return CliRunner().invoke(slotproof, ["prove", "--without", name, *more])


@pytest.mark.parametrize(
    ("name", "theorem"),
    [
        ("plug-does", "plug_is_determined"),
        ("unplug-does", "unplug_is_determined"),
        ("resize-does", "resize_is_determined"),
        ("migration-in-does", "migration_in_is_determined"),
        ("nothing-done", "state_is_determined"),
        ("resize-sets-requested", "resize_is_determined"),
        ("starts-idle", "realize_is_determined"),
        ("effects-show-state", "plug_is_determined"),
    ],
)
def test_a_needed_contract_that_is_dropped_lets_a_second_device_in(name: str, theorem: str) -> None:
    result = without(name)
    assert result.exit_code == 1
    first, situation, right, other = result.stdout.splitlines()
    assert first == f"{theorem} does not hold without {name} (qemu, mapping plugged)"
    assert situation.startswith("  situation, executed: region=")
    assert right.partition(":")[2].strip() != other.partition(":")[2].strip()


def test_what_follows_for_one_profile_may_be_needed_for_another() -> None:
    result = without("migration-in-maps")
    assert result.exit_code == 1 and "(seed-v2, mapping usable)" in result.stdout


def test_a_consequence_is_proven_without(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def book(names: list[str], *, profile: str) -> Any:
        asked.extend(names)
        proofs = [
            SimpleNamespace(theorem=name, mapping=Mapping.PLUGGED, verdict=verdict)
            for name, verdict in zip(names, [Verdict.UNKNOWN, *[Verdict.PROVEN] * 9], strict=False)
        ]
        return SimpleNamespace(transitions=proofs, exit_code=lambda: 3)

    monkeypatch.setattr(prove_without, "prove_book", book)
    result = without("discards-no-plugged")
    assert result.exit_code == 3
    assert asked
    assert "discards-no-plugged" in result.stdout and "UNKNOWN" in result.stdout


def test_none_found_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_without, "without", lambda name, settings: iter(()))
    result = without("plug-does")
    assert result.exit_code == 3 and "not decided" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plug-nak"], "unknown contract 'plug-nak': did you mean plug-nack?"),
        (["plug-does", "--json"], "only --profile goes with it"),
        (["plug-does", "plug_is_determined"], "only --profile goes with it"),
        (["plug-does", "--list"], "only --profile goes with it"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], said: str) -> None:
    result = without(*arguments)
    assert result.exit_code == 2 and said in result.stderr

"""What a profile does not keep: the rows found, and their counterexamples as traces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.check import refutations
from conformance.check.outcome import Outcome
from conformance.check.refutations import Searched, search, write_counterexamples
from conformance.check.runner import run_trace
from conformance.cli import slotproof
from conformance.commands.refuted import known_rows
from conformance.generate.alphabet import ONE_BLOCK, TWO_SLOTS, actions, small_devices
from conformance.judge.finding import Kind
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import Target
from conformance.traces.trace import Trace, read_trace
from model.arithmetic import GIB
from model.device import fix
from model.profiles import (
    CLOUD_HYPERVISOR,
    FIRECRACKER,
    QEMU,
    QEMU_7_2,
    QEMU_8_2,
    SEED_V2,
    Mapping,
    Profile,
)
from model.state import Config, Op
from smt_proofs.transitions.refuted import REFUTED

pytestmark = pytest.mark.slow

STEPS = {
    ("plugged", "empty-unplug-all-acknowledged", "unplug-all"): "migration-start unplug-all",
    ("plugged", "plugged-in-mapped", "migration-in"): "plug migration-in",
    ("plugged", "plugged-seen-mapped", "migration-in"): "plug migration-in",
    ("plugged", "reset-fits-usable", "system-reset"): "resize migration-start system-reset",
    ("plugged", "reset-fits-usable", "wake-up"): "resize migration-start wake-up",
    ("usable", "busy-keeps-mapped", "resize"): "migration-start resize",
    ("usable", "empty-unplug-all-acknowledged", "unplug-all"): "migration-start unplug-all",
    ("usable", "legacy-usable-mapped", "migration-in"): "resize migration-in",
    ("usable", "plugged-in-mapped", "migration-in"): "resize plug migration-in",
    ("usable", "plugged-seen-mapped", "migration-in"): "resize plug migration-in",
    ("usable", "reset-fits-usable", "system-reset"): "resize migration-start system-reset",
    ("usable", "reset-fits-usable", "wake-up"): "resize migration-start wake-up",
}
"""What seed-v2 does not keep, and the shortest way to show it."""


@pytest.fixture(scope="module")
def seed_v2() -> Searched:
    return search(SEED_V2)


def test_what_seed_v2_does_not_keep(seed_v2: Searched) -> None:
    found = {
        (each.row.mapping, each.row.claim, each.row.transition): " ".join(
            step.action.op.value for step in each.trace.steps
        )
        for each in seed_v2.refuted
    }
    assert found == STEPS
    assert {each.row.profile for each in seed_v2.refuted} == {"seed-v2"}
    assert (seed_v2.devices, seed_v2.states, seed_v2.steps) == (32, 3424, 325312)


def test_the_proofs_know_of_the_same_rows(seed_v2: Searched) -> None:
    assert known_rows("seed-v2").keys() == {each.row for each in seed_v2.refuted}
    assert len([row for row in REFUTED if row.profile == SEED_V2.name]) == len(STEPS)


def smallest(profile: Profile) -> list[Config]:
    """The devices of one block."""
    return [config for config in small_devices(profile) if config.region == ONE_BLOCK.region]


def test_what_qemu_before_memslots_does_not_keep() -> None:
    """The smallest devices show all of it."""
    found = search(QEMU_7_2, smallest(QEMU_7_2))
    assert known_rows("qemu-7.2").keys() == {each.row for each in found.refuted}
    assert len(found.refuted) == 3


@pytest.mark.parametrize("profile", [FIRECRACKER, CLOUD_HYPERVISOR], ids=lambda p: p.name)
def test_what_a_peer_does_not_keep(profile: Profile) -> None:
    """The smallest devices show all of it; each trace fails for its own claim alone."""
    found = search(profile, smallest(profile))
    assert {each.row for each in found.refuted} == known_rows(profile.name).keys()
    for each in found.refuted:
        assert each.trace.finding is not None
        assert each.trace.finding.what == each.row.claim


def test_qemu_keeps_every_claim() -> None:
    found = search(QEMU)
    assert found.refuted == ()
    assert (found.devices, found.states, found.steps) == (24, 2944, 279192)


def test_qemu_8_2_keeps_every_claim_on_the_smallest_devices() -> None:
    found = search(QEMU_8_2, smallest(QEMU_8_2))
    assert found.refuted == ()
    assert found.states > 100


def test_counterexamples_are_confirmed_by_trace_replay(seed_v2: Searched, tmp_path: Path) -> None:
    files = write_counterexamples(seed_v2.refuted, tmp_path / "deep" / "failures")
    assert len(files) == len(list((tmp_path / "deep" / "failures").iterdir())) == len(STEPS)
    for each in seed_v2.refuted:
        path = files[each.row]
        assert each.row.claim in path.name
        assert each.row.transition in path.name
        again = read_trace(path)
        assert again == each.trace
        assert again.finding is not None
        assert again.finding.what == each.row.claim
        assert again.finding.step == len(again.steps)
        replayed = CliRunner().invoke(slotproof, ["trace", "replay", str(path)])
        assert replayed.exit_code == 1
        told = f"recorded as failing: {again.finding.kind.value}: {each.row.claim} does not hold\n"
        assert replayed.stdout.startswith(told)
        live = CliRunner().invoke(
            slotproof, ["trace", "replay", str(path), "--target", "reference"]
        )
        assert live.exit_code == 1
        assert live.stdout.startswith("still fails\n")


def test_the_steps_before_the_last_keep_all_invariants(seed_v2: Searched) -> None:
    for each in seed_v2.refuted:
        shorter = replace(each.trace, steps=each.trace.steps[:-1], finding=None)
        found = run_trace(ReferenceTarget(), shorter).finding
        assert found is None or found.kind is not Kind.INVARIANT


def test_wanted_rows_are_found_alone_and_alike(seed_v2: Searched) -> None:
    some = seed_v2.refuted[3], seed_v2.refuted[7]
    heard: list[int] = []
    found = search(SEED_V2, wanted=[each.row for each in some], told=heard.append)
    assert found.refuted == some
    assert heard[0] == 0 and heard[-1] == 2 and heard == sorted(heard)
    assert found.steps < seed_v2.steps / 10


SMALLEST = [config for config in small_devices(SEED_V2) if config.region == ONE_BLOCK.region]


def rows(**switches: bool) -> set[tuple[str, str, str]]:
    """What the smallest devices show of seed-v2 with some switches turned."""
    found = search(replace(SEED_V2, **switches), SMALLEST)
    return {(each.row.mapping, each.row.claim, each.row.transition) for each in found.refuted}


def test_each_row_comes_from_a_rule_of_v2() -> None:
    """Turn a switch to what QEMU does, and its rows are gone.

    Without the early BUSY, where mapping follows the usable region, an empty device that is told to
    unplug all while a migration runs shrinks the usable region, and so unmaps memslots.
    """
    busy = {r for r in STEPS if r[1] in ("empty-unplug-all-acknowledged", "reset-fits-usable")}
    migration = {r for r in STEPS if r[2] == "migration-in" and r[0] == "plugged"}
    assert rows() == set(STEPS)
    late = {
        ("usable", "busy-keeps-mapped", transition)
        for transition in ("unplug-all", "system-reset", "wake-up")
    }
    assert rows(busy_before_empty=False) == set(STEPS) - busy | late
    assert rows(post_load_maps=True) == set(STEPS) - migration


def test_a_rule_made_wrong_is_found() -> None:
    """A negative control: QEMU's rules without the activation after an incoming migration."""
    found = search(replace(QEMU, post_load_maps=False), [replace(TWO_SLOTS, requested=GIB)])
    assert [each.row.claim for each in found.refuted] == [
        "plugged-in-mapped",
        "plugged-seen-mapped",
    ]


def test_a_counterexample_that_does_not_fail_again_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(target: Target, trace: Trace) -> Outcome:
        return replace(run_trace(target, trace), finding=None)

    monkeypatch.setattr(refutations, "run_trace", run)
    with pytest.raises(RuntimeError, match="was not found again"):
        search(SEED_V2, SMALLEST)


def test_the_alphabet_has_every_operation_range_and_failure() -> None:
    found = actions(TWO_SLOTS)
    assert len(set(found)) == len(found)
    assert {action.op for action in found} == set(Op)
    ranges = {(a.addr - TWO_SLOTS.addr, a.blocks) for a in found if a.op is Op.STATE}
    assert {(0, 1), (0, 2), (GIB, 1)} < ranges
    plugs = [a for a in found if a.op is Op.PLUG and (a.addr, a.blocks) == (TWO_SLOTS.addr, 1)]
    assert len({a.faults for a in plugs}) == 4


@pytest.mark.parametrize("profile", [SEED_V2, QEMU, QEMU_8_2], ids=lambda p: p.name)
def test_the_small_devices_show_every_way_of_mapping(profile: Profile) -> None:
    configs = list(small_devices(profile))
    assert len(set(configs)) == len(configs)
    mappings = {fix(profile, config).mapping for config in configs}
    usual = {Mapping.PLUGGED, Mapping.USABLE}
    assert mappings == (usual if profile is SEED_V2 else {Mapping.PLUGGED, Mapping.STATIC})
    assert {fix(profile, config).slots.count for config in configs} == {1, 2}

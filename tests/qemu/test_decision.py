"""QEMU's memslot decision against the model's: the machines compared, and that differences show."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.targets.driver.bus import DriverError
from conformance.targets.driver.requests import (
    RequestType,
    ResponseType,
    decode_response,
    encode_request,
)
from conformance.targets.qemu import decision, expectation
from conformance.targets.qemu.decision import DecisionOutcome, compare_decision, compare_decisions
from conformance.targets.qemu.decision_grid import DecisionCase, Device, decision_grid
from conformance.targets.qemu.expectation import Slots, expectations
from conformance.targets.qemu.machine import machine_args
from conformance.targets.qemu.process import QemuError, QemuProcess
from conformance.targets.qemu.qtest import QtestSocket, qtest_driver
from conformance.targets.qemu.slots import all_mapped_slots, slot_sizes
from model import geometry
from model.arithmetic import GIB, MIB, TIB
from model.profiles import SEED_V2
from smt_proofs.decision.mutants import MUTANTS

NAMED_LIMITS = {1, 2, 3, 7, 255, 256}
SHORT = DecisionCase(2 * GIB + 512 * MIB, 2 * MIB, 2 * GIB + 512 * MIB)
"""Three memslots, the last one half as long."""
OFF = DecisionCase(4 * GIB, 2 * MIB, 8 * GIB, option=False)

RULES = (
    geometry.decide_memslots,
    geometry.single_memslot,
    geometry.memslot_share,
    geometry.memslot_size,
    geometry.minimum_memslot,
    geometry.effective_block,
)
UNSEEN = {
    "backend-ignored": "QEMU refuses a virtio-mem without a memory backend",
    "page-size-ignored": "QEMU refuses a block size below the page size",
    "alignment-ignored": "QEMU refuses a region that is no multiple of the block size",
    "size-unset-without-slots": "a memory backend is never empty",
    "count-not-stored": "QEMU never hands out a limit above 65535",
}
"""Mutants of the decision that no running device can show, and why."""


def ignore(outcome: DecisionOutcome) -> None:
    """A listener for who waits for the end."""


# The grid


def test_full_grid_reaches_the_boundaries() -> None:
    grid = decision_grid(full=True)
    own = [expectations(case)[-1] for case in grid]
    assert len(set(grid)) == len(grid) >= 60
    assert {found.limit for found in own} >= NAMED_LIMITS
    assert {case.block for case in grid} >= {0, MIB, 2 * MIB, 4 * MIB, 128 * MIB, GIB, 2 * GIB}
    assert min(case.region for case in grid) < 512 * MIB
    assert max(case.region for case in grid) >= 16 * TIB
    assert any(found.last < found.size for found in own)
    assert any(found.count == 1 < found.limit for found in own)
    assert any(found.count == 256 for found in own)
    assert {case.option for case in grid} == {True, False}
    assert sum(len(case.earlier) == 1 for case in grid) >= 5
    assert {case.dimms for case in grid} >= {253, 254, 255, 256}


def test_subset_is_small_and_of_the_full_grid() -> None:
    subset = decision_grid(full=False)
    assert set(subset) <= set(decision_grid(full=True))
    assert {expectations(case)[-1].limit for case in subset} >= NAMED_LIMITS
    assert len(subset) <= 15 and max(case.region for case in subset) <= TIB


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100, 255])
def test_grid_has_the_share_that_is_reached_and_the_one_just_missed(limit: int) -> None:
    shares = {
        256 * case.region / case.device_space
        for case in decision_grid(full=True)
        if expectations(case)[-1].limit in (limit, limit - 1) and not case.earlier
    }
    assert limit in shares
    assert any(limit - 1e-4 < share < limit for share in shares)


@pytest.mark.parametrize("name", [name for name, m in MUTANTS.items() if m.function in RULES])
def test_subset_can_show_each_wrong_rule_that_any_machine_can(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the host has no huge pages the default block is the least one, and one rule less shows.
    monkeypatch.setattr("conformance.targets.qemu.expectation._huge_page_size", lambda: 2 * MIB)

    def model() -> list[list[tuple[int, Slots]]]:
        grid = decision_grid(full=name in UNSEEN)
        return [[(one.block, one.slots) for one in expectations(case)] for case in grid]

    right = model()
    with MUTANTS[name].applied():
        assert (model() == right) == (name in UNSEEN)


def test_earlier_devices_are_counted_in_bytes_and_memslots() -> None:
    earlier = (Device(256 * GIB, 2 * MIB), Device(128 * GIB, 2 * MIB, option=False))
    case = DecisionCase(640 * GIB, 2 * MIB, TIB, earlier=earlier)
    # 64 of 256, then one static of the 192 left, then all of the 191 left.
    assert [(one.limit, one.count) for one in expectations(case)] == [(64, 64), (32, 1), (191, 191)]


@pytest.mark.parametrize(
    ("files", "size"),
    [((), MIB), (("enabled",), 2 * MIB), (("enabled", "hpage_pmd_size"), 4 * MIB)],
    ids=["no huge pages", "of unknown size", "of known size"],
)
def test_default_block_size_follows_the_hosts_huge_pages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: tuple[str, ...], size: int
) -> None:
    directory = tmp_path / "transparent_hugepage"
    monkeypatch.setattr(expectation, "_HUGE_PAGES", directory)
    for name in files:
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(f"{size}\n")
    assert expectations(DecisionCase(GIB, 0, GIB))[0].block == size


def test_device_that_does_not_fit_is_refused_by_both(qemu_binary: Path) -> None:
    case = DecisionCase(4 * GIB, 2 * MIB, 4 * GIB - 4096)
    with pytest.raises(ValueError, match="does not fit"):
        compare_decision(qemu_binary, case)
    args = machine_args(region=case.region, requested=0, device_space=case.device_space)
    with pytest.raises(QemuError, match="not enough space"), QemuProcess(qemu_binary, args):
        pass


# The comparison


def test_subset_has_no_difference(qemu_binary: Path) -> None:
    cases = decision_grid(full=False)
    heard: list[DecisionOutcome] = []
    outcomes = compare_decisions(qemu_binary, cases, heard.append)
    assert [f"{one.case}: {one.difference}" for one in outcomes if one.difference] == []
    assert [one.case for one in outcomes] == list(cases)
    assert sorted(map(id, heard)) == sorted(map(id, outcomes))
    for one in outcomes:
        assert one.seen_slots == one.expected.slots
        assert one.seen_sizes == {number: size for number, (_, size) in one.seen_slots.items()}


@pytest.mark.parametrize("name", ["count-rounded-down", "one-block-too-coarse", "no-minimum"])
def test_wrong_rule_shows_in_the_subset(qemu_binary: Path, name: str) -> None:
    cases = decision_grid(full=False)
    right = [expectations(case) for case in cases]
    with MUTANTS[name].applied():
        wrong = [case for case, was in zip(cases, right, strict=True) if expectations(case) != was]
        outcomes = compare_decisions(qemu_binary, wrong[:2], ignore)
    assert len(outcomes) == 2 and all(one.difference for one in outcomes)


def wrong_place(of: Callable[[int, int, int], int]) -> Callable[..., int]:
    """A `slot_start` for the comparison alone, from the count, the size and the index."""
    return lambda _, slots, index: of(slots.count, slots.size, index)


@pytest.mark.parametrize(
    ("what", "wrong", "message"),
    [
        (
            "slot_length",
            lambda _, slots, region, index: slots.size,
            "the model has 3 memslots, QEMU 3; memslot 2 is 1 GiB in the model, 512 MiB in QEMU",
        ),
        (
            "slot_start",
            wrong_place(lambda count, size, index: (index + 1) % count * size),
            "mapped with a block of each memslot plugged: the model has 3 memslots, QEMU 3; "
            "memslot 0 is 1 GiB at 1 GiB in the model, 1 GiB at 0 B in QEMU",
        ),
        (
            "slot_start",
            wrong_place(lambda _, size, index: 1),
            "PLUG at the start of memslot 0: the model has ACK, QEMU ERROR",
        ),
        (
            "effective_block",
            lambda _, question: 4 * MIB,
            "block size: the model has 4 MiB, QEMU 2 MiB",
        ),
    ],
    ids=["size", "offset", "address", "block"],
)
def test_difference_is_told(
    qemu_binary: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    wrong: Callable[..., int],
    message: str,
) -> None:
    monkeypatch.setattr(expectation, what, wrong)
    assert compare_decision(qemu_binary, SHORT).difference == message


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        (
            encode_request(RequestType.STATE),
            "UNPLUG_ALL: the model has ACK, QEMU ERROR",
        ),
        (
            # Answered with ACK, but nothing is unplugged.
            encode_request(RequestType.STATE, 4 * GIB, 1),
            "mapped after UNPLUG_ALL: the model has 0 memslots, QEMU 3; "
            "memslot 0 is none in the model, 1 GiB at 0 B in QEMU",
        ),
        (
            b"",
            "UNPLUG_ALL: the model has ACK, QEMU no answer",
        ),
    ],
    ids=["refused", "ineffective", "unanswered"],
)
def test_memslots_that_stay_mapped_are_told(
    qemu_binary: Path, monkeypatch: pytest.MonkeyPatch, instead: bytes, message: str
) -> None:
    def encode(kind: RequestType, address: int = 0, blocks: int = 0) -> bytes:
        unplug_all = kind is RequestType.UNPLUG_ALL
        return instead if unplug_all else encode_request(kind, address, blocks)

    monkeypatch.setattr(decision, "encode_request", encode)
    assert compare_decision(qemu_binary, SHORT).difference == message


def test_difference_of_an_earlier_device_is_told(
    qemu_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(case: DecisionCase) -> tuple[expectation.Expectation, ...]:
        first, second = expectations(case)
        return replace(first, slots={}), second

    monkeypatch.setattr(decision, "expectations", wrong)
    case = replace(SHORT, device_space=4 * GIB, earlier=(Device(GIB, 2 * MIB),))
    difference = compare_decision(qemu_binary, case).difference
    assert difference is not None and difference.startswith("vm1, plugged earlier: the model has 0")


def test_static_memory_is_no_memslot(qemu_binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = compare_decision(qemu_binary, OFF)
    assert outcome.difference is None and not outcome.seen_sizes and not outcome.seen_slots
    assert (outcome.expected.count, outcome.expected.last) == (1, OFF.region)
    # The patch under review keeps a container with one memslot instead.
    monkeypatch.setattr(expectation, "QEMU", SEED_V2)
    assert compare_decision(qemu_binary, OFF).difference == (
        "the model has 1 memslots, QEMU 0; memslot 0 is 4 GiB in the model, none in QEMU"
    )


@pytest.mark.parametrize("option", [True, False])
def test_static_memory_and_memslots_are_told_apart_in_the_memory_map(
    qemu_binary: Path, monkeypatch: pytest.MonkeyPatch, option: bool
) -> None:
    case = replace(OFF, option=option)

    def wrong(case: DecisionCase) -> tuple[expectation.Expectation, ...]:
        return expectations(replace(case, option=not option))

    monkeypatch.setattr(decision, "expectations", wrong)
    monkeypatch.setattr(decision, "_sizes_differ", lambda expected, seen: None)
    model, qemu = ("static memory", "memslots") if option else ("memslots", "static memory")
    assert compare_decision(qemu_binary, case).difference == (
        f"mapped at start: the model has {model}, QEMU {qemu}"
    )


def test_failure_names_the_case_and_ends_the_comparison() -> None:
    cases = [replace(SHORT, device_space=SHORT.region + i * GIB) for i in range(50)]
    heard: list[DecisionOutcome] = []
    with pytest.raises(QemuError, match=r"region 2560 MiB, block 2 MiB in .* did not start"):
        compare_decisions(Path("true"), cases, heard.append)
    assert heard == []


def test_error_in_the_listener_ends_the_comparison(qemu_binary: Path) -> None:
    heard: list[DecisionOutcome] = []

    def interrupted(outcome: DecisionOutcome) -> None:
        heard.append(outcome)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_decisions(qemu_binary, [SHORT] * 20, interrupted)
    assert len(heard) == 1


def test_bytes_that_are_no_response() -> None:
    assert decode_response(bytes([1] + [0] * 9)) == (ResponseType.NACK, 0)
    for response in (bytes(9), bytes([4] + [0] * 9)):
        with pytest.raises(DriverError, match="no virtio-mem response"):
            decode_response(response)


# QEMU's own rules that the model's preconditions lean on


def test_realize_takes_a_requested_size_above_the_region(qemu_binary: Path) -> None:
    """VIRTIO 5.15.4.2: usable_region_size MUST be requested_size or greater."""
    args = machine_args(region=4 * GIB, requested=8 * GIB)
    with QemuProcess(qemu_binary, args) as process:
        driver = qtest_driver(QtestSocket(process))
        assert driver.setup()
        config = driver.config()
    assert config.region_size == config.usable_region_size == 4 * GIB
    assert config.requested_size == 8 * GIB


def test_without_the_option_there_is_one_static_region(qemu_binary: Path) -> None:
    args = machine_args(region=TIB, requested=GIB, device_options="dynamic-memslots=off")
    with QemuProcess(qemu_binary, args) as process:
        assert not slot_sizes(process.qmp) and not all_mapped_slots(process.qmp)
        tree = process.qmp("human-monitor-command", {"command-line": "info mtree"})
    assert "(prio 0, ram): mem0" in tree and "memslot" not in tree

"""The behavioural contracts: each has a name, a claim, a source, and a step that breaks it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import model.contracts
from conformance.check.campaign import check
from conformance.check.explain import explain, failure_of
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.judge.finding import Kind
from conformance.targets.reference import ReferenceTarget
from conformance.traces.trace import Trace, TraceStep, read_trace, write_trace
from model.arithmetic import GIB, MIB
from model.contracts import CONTRACT_NAMED, CONTRACTS, START_CONTRACTS, contracts_of
from model.device import ReferenceDevice
from model.effects import Did
from model.extents import Extents
from model.machine_ints import INTS
from model.profiles import CLOUD_HYPERVISOR, FIRECRACKER, QEMU, SEED_V2, Mapping
from model.state import Answer, BlockState, Config, Faults, Op, action

CONFIG = Config(region=4 * GIB, block=MIB, limit=256, requested=2 * GIB)
PLUG = action(Op.PLUG, addr=CONFIG.addr + GIB, blocks=2)


def test_names_are_taken_once_and_every_contract_speaks_of_something() -> None:
    assert len(CONTRACT_NAMED) == len(CONTRACTS)
    for contract in CONTRACTS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", contract.name)
        assert contract.ops and contract.mappings


@pytest.mark.parametrize("contract", [*CONTRACTS, *START_CONTRACTS], ids=lambda c: c.name)
def test_every_contract_says_in_one_line_what_it_claims_and_where_that_was_read(
    contract: Any,
) -> None:
    assert re.fullmatch(r"[A-Z].+\.", contract.claim)
    assert contract.source and not contract.source.endswith(".")


def test_every_operation_has_contracts_about_answer_state_and_effects() -> None:
    for op in Op:
        names = {contract.name for contract in contracts_of(op, Mapping.PLUGGED)}
        assert {"rest-left-alone", "notified-exactly"} <= names
        assert names & {
            "nothing-done",
            "plug-does",
            "unplug-does",
            "resize-does",
            "migration-in-does",
        }


def test_contracts_do_not_ask_the_rules() -> None:
    """A claim that called the transition it judges could not fail."""
    rules = r"model\.(mapping|requests|events|rules|device)"
    for module in Path(model.contracts.__file__).parent.glob("*.py"):
        assert not re.search(rules, module.read_text(encoding="utf-8")), module.name


def broken(config: Config, done: Any, change: Any, before: tuple[Any, ...] = ()) -> set[str]:
    """The contracts that a step breaks once its result is changed."""
    device = ReferenceDevice(QEMU, config)
    for each in before:
        device.apply(each)
    state = device.state
    result = device.take(done)
    names = set()
    for contract in contracts_of(done.op, device.fixed.mapping):
        assert contract.holds(INTS, device.fixed, state, done, result), contract.name
        if not contract.holds(INTS, device.fixed, state, done, change(result)):
            names.add(contract.name)
    return names


def in_state(**changes: Any) -> Any:
    return lambda result: replace(result, state=replace(result.state, **changes))


def without(did: Did) -> Any:
    return lambda result: replace(
        result, effects=tuple(e for e in result.effects if e.did is not did)
    )


def failed(did: Did) -> Any:
    return lambda result: replace(
        result,
        effects=tuple(replace(e, done=not e.done) if e.did is did else e for e in result.effects),
    )


def wiping(result: Any) -> Any:
    """The host memory of a range just plugged is given back."""
    last = replace(result.effects[-1], did=Did.HOST_DISCARD)
    return replace(result, effects=(*result.effects, last))


UNPLUG = replace(PLUG, op=Op.UNPLUG)
REFUSED = replace(PLUG, faults=Faults(discard=False, prealloc=False, populate=True))


@pytest.mark.parametrize(
    ("done", "before", "change", "expected"),
    [
        (PLUG, (), in_state(size=MIB), {"plug-marks-blocks"}),
        (PLUG, (), in_state(busy=True), {"rest-left-alone"}),
        (
            PLUG,
            (),
            lambda r: replace(r, answer=Answer.ERROR),
            {
                "plug-error",
                "plug-acknowledged",
                "refusal-changes-nothing",
                "plug-does",
                "refused-plug-gives-back",
            },
        ),
        (PLUG, (), without(Did.POPULATE), {"plug-does"}),
        (
            PLUG,
            (),
            lambda r: replace(
                r, effects=tuple(replace(e, mapped=Extents.EMPTY) for e in r.effects)
            ),
            {"populate-in-mapped", "map-adds-touched"},
        ),
        (
            UNPLUG,
            (PLUG,),
            lambda r: replace(r, effects=r.effects[::-1]),
            {"unplug-does"},
        ),
        (
            action(Op.UNPLUG_ALL),
            (PLUG,),
            in_state(plugged=Extents.of_ranges([(0, 1)])),
            {"unplug-all-empties", "discards-no-plugged", "effects-show-state"},
        ),
        (
            action(Op.STATE, addr=CONFIG.addr, blocks=1),
            (),
            lambda r: replace(r, block_state=BlockState.MIXED),
            {"state-payload"},
        ),
        (
            action(Op.RESIZE, value=3 * GIB),
            (),
            in_state(usable=4 * GIB),
            {"resize-grows-usable"},
        ),
        (
            action(Op.RESIZE, value=GIB),
            (),
            in_state(usable=GIB),
            {"resize-grows-usable", "usable-never-shrinks"},
        ),
        (
            action(Op.RESIZE, value=GIB),
            (),
            lambda r: replace(r, notified=False),
            {"notified-exactly"},
        ),
        (action(Op.SHORT), (), in_state(broken=False), {"violation-breaks"}),
        (
            action(Op.DEVICE_RESET),
            (PLUG,),
            in_state(plugged=Extents.EMPTY),
            {"reset-keeps-blocks", "rest-left-alone", "unplugged-is-discarded"},
        ),
        (action(Op.MIGRATION_IN), (PLUG,), without(Did.REPLAY), {"migration-in-does"}),
        (PLUG, (), wiping, {"plug-does", "discards-no-plugged", "effects-show-state"}),
        (REFUSED, (), without(Did.HOST_DISCARD), {"plug-does", "refused-plug-gives-back"}),
        (REFUSED, (), failed(Did.HOST_DISCARD), {"effects-take-place"}),
        (UNPLUG, (PLUG,), without(Did.HOST_DISCARD), {"unplug-does", "unplugged-is-discarded"}),
        (
            action(Op.MIGRATION_IN),
            (PLUG,),
            without(Did.HOST_DISCARD_UNPLUGGED),
            {"migration-in-does"},
        ),
        (
            action(Op.SYSTEM_RESET, faults=Faults(discard=True, prealloc=False, populate=False)),
            (PLUG,),
            in_state(mapped=Extents.EMPTY),
            {"hindered-reset-keeps"},
        ),
    ],
)
def test_a_wrong_result_breaks_just_the_contracts_that_speak_of_it(
    done: Any, before: tuple[Any, ...], change: Any, expected: set[str]
) -> None:
    assert broken(CONFIG, done, change, before) == expected


def test_usable_region_ends_within_a_block_beyond_the_extent() -> None:
    """An extent of half a block: the last block counts whole."""
    config = replace(CONFIG, extent=MIB // 2)
    for size in (2 * GIB, 2 * GIB + 2 * MIB):
        change = in_state(usable=size)
        assert broken(config, action(Op.UNPLUG_ALL), change) == {"unplug-all-fits-usable"}
    assert not broken(config, action(Op.UNPLUG_ALL), in_state(usable=2 * GIB + MIB))


def found(seed: int) -> Trace:
    report = check(ReferenceTarget(), SEED_V2, seed=seed, traces=50, steps=60)
    assert report.failing is not None
    return report.failing


def test_the_patch_maps_memslots_while_it_migrates_and_refuses_an_empty_unplug_all() -> None:
    findings = {trace.finding.what for trace in map(found, range(60)) if trace.finding}
    assert {"busy-keeps-mapped", "empty-unplug-all-acknowledged"} <= findings


def test_a_broken_contract_is_kept_replayed_and_explained(tmp_path: Path) -> None:
    steps = (TraceStep(action(Op.MIGRATION_START)), TraceStep(action(Op.UNPLUG_ALL)))
    trace = Trace(SEED_V2, CONFIG, steps)
    run = as_run(trace, run_trace(ReferenceTarget(), trace))
    assert run.finding is not None and run.finding.kind is Kind.CONTRACT
    path = tmp_path / "t.jsonl"
    write_trace(run, path)
    assert read_trace(path) == run
    lines = explain(failure_of(run), "REPLAY")
    assert lines[0] == "contract: empty-unplug-all-acknowledged does not hold"
    assert lines[1] == "  rule     empty-unplug-all-acknowledged"
    assert lines[2] == (
        "  claim    UNPLUG_ALL with nothing plugged answers ACK, even while a migration runs. "
        "(source: VIRTIO, Memory Device, UNPLUG ALL request (device normative); "
        "virtio_mem_unplug_all)"
    )
    assert any(line.startswith("  seen     answer busy") for line in lines)


def test_contracts_are_counted() -> None:
    trace = Trace(QEMU, CONFIG, (TraceStep(PLUG),))
    outcome = run_trace(ReferenceTarget(), trace)
    expected = len(START_CONTRACTS) + len(contracts_of(Op.PLUG, Mapping.PLUGGED))
    assert outcome.contract_checks == expected


def kinds(device: ReferenceDevice, done: Any) -> list[str]:
    return [e.did.value + ("" if e.done else "!") for e in device.take(done).effects]


def test_effects_come_in_the_order_of_the_source() -> None:
    """On success, on a refusal, and on the way back; the last may fail and is only tried."""
    device = ReferenceDevice(QEMU, replace(CONFIG, prealloc=True))
    no = Faults(discard=False, prealloc=False, populate=False)
    assert kinds(device, replace(PLUG, faults=replace(no, prealloc=True))) == [
        "host-prealloc!",
        "host-discard",
    ]
    assert kinds(device, replace(PLUG, faults=replace(no, populate=True, discard=True))) == [
        "host-prealloc",
        "map",
        "populate!",
        "unmap",
        "host-discard!",
    ]
    assert kinds(device, replace(PLUG, blocks=0)) == []
    assert kinds(device, PLUG) == ["host-prealloc", "map", "populate"]
    assert kinds(device, replace(UNPLUG, faults=replace(no, discard=True))) == ["host-discard!"]
    assert kinds(device, action(Op.UNPLUG_ALL, faults=replace(no, discard=True))) == [
        "host-discard!"
    ]
    assert kinds(device, action(Op.MIGRATION_IN)) == [
        "host-prealloc-plugged",
        "map",
        "replay",
        "host-discard-unplugged",
    ]
    assert kinds(device, action(Op.WAKE_UP)) == []
    assert kinds(device, UNPLUG) == ["host-discard", "discard", "unmap"]
    assert kinds(device, PLUG) and kinds(device, action(Op.SYSTEM_RESET)) == [
        "host-discard",
        "discard",
        "unmap",
    ]
    assert kinds(device, action(Op.UNPLUG_ALL)) == []


def test_memslots_that_follow_the_usable_region_do_so_in_a_transaction_of_their_own() -> None:
    device = ReferenceDevice(SEED_V2, replace(CONFIG, inaccessible=False, requested=0))
    assert kinds(device, action(Op.RESIZE, value=2 * GIB)) == ["remap"]
    assert kinds(device, action(Op.RESIZE, value=2 * GIB)) == []
    assert kinds(device, action(Op.RESIZE, value=GIB)) == []
    assert kinds(device, PLUG) == ["populate"]
    assert kinds(device, action(Op.UNPLUG_ALL)) == ["host-discard", "discard", "remap"]


def test_peers_have_orders_of_their_own() -> None:
    for profile, option, plugged, unplugged in (
        (FIRECRACKER, True, ["map"], ["unmap", "host-discard"]),
        (CLOUD_HYPERVISOR, False, ["populate"], ["host-discard", "discard"]),
    ):
        device = ReferenceDevice(profile, replace(CONFIG, option=option))
        failing = replace(PLUG, blocks=1, faults=REFUSED.faults)
        assert kinds(device, failing) == [f"{plugged[0]}!"]
        assert kinds(device, replace(PLUG, addr=PLUG.addr + MIB, blocks=1)) == plugged
        assert kinds(device, replace(UNPLUG, addr=PLUG.addr + MIB, blocks=1)) == unplugged

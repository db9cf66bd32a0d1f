"""What a person reads about a failure."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.check.explain import RULES, describe, explain, failure_of, replay_command, told
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.judge.finding import Finding, Kind
from conformance.targets.reference import ReferenceTarget
from conformance.traces.slotmap import MOST_LINES, slot_map
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB
from model.device import ReferenceDevice
from model.events import realize
from model.extents import Extents
from model.geometry import decide_memslots
from model.observation import Observation
from model.profiles import QEMU, SEED_V2
from model.state import Answer, Config, Faults, Op, action

CONFIG = Config(region=5 * GIB + MIB, block=MIB, limit=256, requested=3 * GIB)
PLUG = action(Op.PLUG, addr=CONFIG.addr + 2 * GIB - MIB, blocks=2)


def test_an_invariant_is_explained() -> None:
    steps = (TraceStep(PLUG), TraceStep(action(Op.MIGRATION_IN)))
    trace = Trace(SEED_V2, CONFIG, steps)
    run = as_run(trace, run_trace(ReferenceTarget(), trace))
    assert explain(failure_of(run), "REPLAY") == [
        "invariant: plugged-in-mapped does not hold",
        "  rule     plugged-in-mapped",
        "  claim    Every plugged block lies in a mapped memslot.",
        "  profile  seed-v2: the patch under review, version 2",
        "  device   region 5121 MiB at 0x10000000000, block 1 MiB, limit 256, "
        "6 memslots of 1 GiB, requested 3 GiB at start",
        "  step 1   plug 2 blocks at 0x1007ff00000 (+2047 MiB) -> ack",
        "  step 2   migration-in -> done",
        "  seen     answer done, usable 3489660928, size 2097152, requested 3221225472, "
        "mapped [], notified False",
        "effects of the last step, as the model has it:",
        "  1. replay 5121 MiB at +0 B, 2 blocks plugged and 0 of 6 memslots mapped then",
        "  2. host-discard-unplugged 5121 MiB at +0 B, 2 blocks plugged and 0 of 6 memslots mapped "
        "then",
        "before, as the model has it:",
        "plugged 2 MiB, requested 3 GiB, usable 3328 MiB, 2 of 6 memslots mapped",
        "  slot 0               1 GiB  -       0/1024 blocks plugged",
        "  slot 1               1 GiB  mapped  1/1024 blocks plugged",
        "  slot 2               1 GiB  mapped  1/1024 blocks plugged  requested ends at +1 GiB",
        "  slot 3               1 GiB  -       0/1024 blocks plugged  usable ends at +256 MiB",
        "  slot 4               1 GiB  -       0/1024 blocks plugged",
        "  slot 5               1 MiB  -       0/1 blocks plugged",
        "after, as the model has it:",
        "plugged 2 MiB, requested 3 GiB, usable 3328 MiB, 0 of 6 memslots mapped",
        "  slot 0               1 GiB  -       0/1024 blocks plugged",
        "  slot 1               1 GiB  -       1/1024 blocks plugged",
        "  slot 2               1 GiB  -       1/1024 blocks plugged  requested ends at +1 GiB",
        "  slot 3               1 GiB  -       0/1024 blocks plugged  usable ends at +256 MiB",
        "  slot 4               1 GiB  -       0/1024 blocks plugged",
        "  slot 5               1 MiB  -       0/1 blocks plugged",
        "replay: REPLAY",
    ]


def diverging(field: str) -> Trace:
    seen = Observation(Answer.ACK, size=2 * MIB, mapped=Extents.of_ranges([(1, 2)]))
    finding = Finding(Kind.DIVERGENCE, field, 1, f"{field}: differs")
    return Trace(QEMU, CONFIG, (TraceStep(PLUG, seen),), finding=finding)


def test_a_divergence_names_the_rule_its_source_and_both_sides() -> None:
    text = "\n".join(explain(failure_of(diverging("mapped")), "REPLAY"))
    assert "divergence: mapped: differs" in text
    assert "claim    PLUG maps the memslots that the range touches" in text
    assert "(source: virtio_mem_state_change_request and" in text
    assert "  allowed  mapped [[1, 3]]\n  seen     mapped [[1, 2]]\n" in text
    text = "\n".join(explain(failure_of(diverging("usable")), "REPLAY"))
    assert "  allowed  usable 3489660928, mapped [[1, 3]]\n" in text
    assert "  seen     usable nothing, mapped [[1, 2]]\n" in text


def test_an_unchanged_map_is_printed_once() -> None:
    trace = Trace(QEMU, CONFIG, (TraceStep(action(Op.NEGOTIATE, value=0)),))
    finding = Finding(Kind.HUNG, "", 1, "no answer within 10 s")
    lines = explain(failure_of(replace(trace, finding=finding)), "REPLAY")
    assert lines[0] == "hung: no answer within 10 s"
    assert "before and after, as the model has it:" in lines
    assert not any(line.startswith("  seen") for line in lines)


def test_a_failure_at_the_start_is_explained() -> None:
    finding = Finding(Kind.DIVERGENCE, "usable", 0, "usable: allowed 1, seen 0")
    lines = explain(failure_of(Trace(QEMU, CONFIG, (), finding=finding)), "REPLAY")
    assert "  step     none: the device was only started" in lines
    assert "  rule     realize" in lines
    assert (
        "  claim    The state of a device just realized. (source: virtio_mem_device_realize)"
        in lines
    )


def test_a_region_that_is_cut_otherwise_is_explained() -> None:
    finding = Finding(Kind.DIVERGENCE, "slots", 0, "slots: differs")
    text = "\n".join(explain(failure_of(Trace(QEMU, CONFIG, (), finding=finding)), "REPLAY"))
    assert "claim    The number and size of memslots a device chooses for itself." in text
    assert "(source: patch hunk virtio_mem_decide_memslots;" in text
    assert f"slots count 6 size {GIB} last {MIB}\n" in text


def test_a_long_trace_shows_its_last_steps() -> None:
    steps = (TraceStep(action(Op.SHORT)),) * 40
    finding = Finding(Kind.DIED, "", 40, "exit status 1")
    lines = explain(failure_of(Trace(QEMU, CONFIG, steps, finding=finding)), "REPLAY")
    assert "  step     ... 28 steps before" in lines
    assert "  step 40  short" in lines


def test_a_trace_without_a_finding_has_nothing_to_explain() -> None:
    with pytest.raises(ValueError, match="no finding"):
        failure_of(Trace(QEMU, CONFIG, ()))


def test_every_operation_has_its_rule() -> None:
    assert set(RULES) == set(Op)


@pytest.mark.parametrize("rule", [realize, decide_memslots, *RULES.values()])
def test_every_rule_says_what_it_does_and_where_that_was_read(rule: Callable[..., object]) -> None:
    assert re.fullmatch(r"[A-Z].+[.:)] \(source: \S.+[^.]\)", told(rule))
    assert (rule.__doc__ or "").count("Source: ") == 1


@pytest.mark.parametrize(
    ("done", "text"),
    [
        (action(Op.RESIZE, value=GIB), "resize 1 GiB"),
        (action(Op.UNKNOWN, value=9), "unknown 9"),
        (action(Op.STATE, addr=0, blocks=1), "state 1 block at 0x0"),
        (
            action(Op.UNPLUG_ALL, faults=Faults(discard=True, prealloc=False, populate=False)),
            "unplug-all while discard fails",
        ),
    ],
)
def test_an_action_reads_well(done: object, text: str) -> None:
    assert describe(done, CONFIG) == text  # type: ignore[arg-type]


def test_the_replay_command_can_be_pasted() -> None:
    assert replay_command(Path("a b.jsonl"), "cmd:x 'y'") == (
        "slotproof trace replay 'a b.jsonl' --target 'cmd:x '\"'\"'y'\"'\"''"
    )
    assert replay_command(Path("a.jsonl"), None) == "slotproof trace replay a.jsonl"


def test_a_map_of_many_memslots_stays_short() -> None:
    device = ReferenceDevice(
        QEMU, Config(region=1 << 44, block=GIB, limit=65535, requested=1 << 44)
    )
    for index in range(0, 16384, 2):
        device.apply(action(Op.PLUG, addr=device.config.addr + index * GIB, blocks=1))
    lines = slot_map(device.fixed, device.state)
    assert len(lines) == MOST_LINES + 2
    assert "16360 lines like these" in lines[MOST_LINES // 2 + 1]
    device.apply(action(Op.UNPLUG_ALL))
    assert len(slot_map(device.fixed, device.state)) == 3


def test_a_map_tells_what_stops_the_device() -> None:
    device = ReferenceDevice(QEMU, CONFIG)
    device.apply(action(Op.MIGRATION_START))
    device.apply(action(Op.SHORT))
    assert slot_map(device.fixed, device.state)[0].endswith("mapped, migrating, broken")

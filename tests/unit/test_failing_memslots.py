"""Host operations that fail for one memslot of a request: written, chosen, carried out, told of."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.check.campaign import check
from conformance.check.explain import describe
from conformance.check.shrink import shrink
from conformance.generate.faults import memslots_of, placed
from conformance.generate.traces import random_trace, trace_seed
from conformance.targets.command import CommandTarget
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import CAPABILITIES, FAIL_MEMSLOT, needs
from conformance.targets.tracing import options_for
from conformance.traces.codec import CodecError, action_from_json, action_to_json
from conformance.traces.faults import FaultsAt
from conformance.traces.schemas import problem
from model.arithmetic import GIB, MIB
from model.device import ReferenceDevice
from model.observation import Observation
from model.profiles import QEMU
from model.state import Answer, ConcreteAction, Config, Faults, Op, action

CONFIG = Config(region=4 * GIB, block=2 * MIB, limit=256, requested=4 * GIB)
PER_SLOT = GIB // CONFIG.block
NO_POPULATE = Faults(discard=False, prealloc=False, populate=True)
SECOND = FaultsAt(discard=False, prealloc=False, populate=True, memslot=2)


def plug(first: int, blocks: int, faults: Faults[bool] = NO_POPULATE) -> ConcreteAction:
    addr = CONFIG.addr + first * CONFIG.block
    return action(Op.PLUG, addr=addr, blocks=blocks, faults=faults)


class Looping(ReferenceTarget):
    """Maps memslot by memslot, and forgets those before the one that fails."""

    capabilities = ReferenceTarget.capabilities | {FAIL_MEMSLOT}

    def apply(self, action: ConcreteAction) -> Observation:
        device = self._started()
        mapped, slot = device.state.mapped, device.fixed.slots.size
        seen = super().apply(action)
        at = action.faults
        if isinstance(at, FaultsAt) and at.populate and seen.answer is Answer.BUSY:
            first = (action.addr - device.fixed.addr) // slot
            number = min(at.memslot, memslots_of(device.fixed, device.state, action))
            left = mapped.with_range(first, first + number - 1)
            return replace(seen, mapped=left if number > 1 else mapped)
        return seen


class AllOrNothing(Looping):
    """The same device, which cannot be asked for it."""

    capabilities = ReferenceTarget.capabilities


def test_an_action_says_which_memslot() -> None:
    asked = plug(PER_SLOT - 1, 2, SECOND)
    written = action_to_json(asked)
    assert written["fail"] == ["populate"] and written["memslot"] == 2
    assert action_from_json(written) == asked != plug(PER_SLOT - 1, 2)
    assert problem(written, "trace-v1.json", "action") is None
    assert needs(asked) == {"plug", "fail-populate", FAIL_MEMSLOT}
    assert SECOND.anywhere() == NO_POPULATE


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"memslot": 0}, "memslot is 0: expected a whole number within 1..65536"),
        ({"memslot": True}, "memslot is True"),
        ({"fail": []}, "memslot says which one fails, yet nothing does"),
    ],
)
def test_a_memslot_that_says_nothing_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CodecError, match=message):
        action_from_json(action_to_json(plug(0, 1, SECOND)) | changed)


def test_a_memslot_alone_is_no_action_of_the_schema() -> None:
    for wrong in ({"op": "state", "addr": 0, "blocks": 1}, {"op": "unplug-all"}):
        assert problem(wrong, "protocol-v1.json", "action") is None
        assert problem(wrong | {"memslot": 1}, "protocol-v1.json", "action") is not None


def test_how_many_memslots_may_fail() -> None:
    device = ReferenceDevice(QEMU, CONFIG)

    def most(asked: ConcreteAction) -> int:
        return memslots_of(device.fixed, device.state, asked)

    across = 2 * PER_SLOT + 2
    assert [most(plug(PER_SLOT - 1, count)) for count in (1, 2, across)] == [1, 2, 4]
    assert most(plug(4 * PER_SLOT - 1, 2)) == most(plug(0, 0)) == 0
    assert most(replace(plug(0, across), faults=Faults(False, True, False))) == 0
    device.apply(replace(plug(PER_SLOT - 1, 2), faults=Faults(False, False, False)))
    no_discard = Faults(discard=True, prealloc=False, populate=False)
    assert most(action(Op.UNPLUG_ALL, faults=no_discard)) == 2
    static = ReferenceDevice(QEMU, replace(CONFIG, option=False))
    assert memslots_of(static.fixed, static.state, plug(0, across)) == 0


def test_memslots_come_from_the_seed_and_change_nothing_else() -> None:
    made = [random_trace(QEMU, trace_seed(5, number), 60, given=None) for number in range(30)]
    seen: set[tuple[str, int]] = set()
    ends = {"all fail": 0, "the last one fails": 0}
    for trace in made:
        device = ReferenceDevice(trace.profile, trace.config)
        assert placed(trace, CAPABILITIES - {FAIL_MEMSLOT}) is trace
        again = placed(trace, CAPABILITIES)
        assert again == placed(trace, CAPABILITIES)
        for old, new in zip(trace.steps, again.steps, strict=True):
            faults = new.action.faults
            most = memslots_of(device.fixed, device.state, old.action)
            device.apply(old.action)
            ends["all fail"] += most > 1 and not isinstance(faults, FaultsAt)
            ends["the last one fails"] += isinstance(faults, FaultsAt) and faults.memslot == most
            if isinstance(faults, FaultsAt):
                seen.add((new.action.op.value, faults.memslot))
                new = replace(new, action=replace(new.action, faults=faults.anywhere()))
            assert new == old
    assert {"plug", "unplug", "unplug-all"} <= {op for op, _ in seen}
    assert {1, 2} <= {number for _, number in seen}
    assert min(ends.values()) > 0


def test_a_loop_that_forgets_what_it_mapped_is_seen_where_the_second_one_fails_alone() -> None:
    asked = {"traces": 12, "steps": 60}
    assert check(AllOrNothing(), QEMU, seed=4, **asked).finding is None
    report = check(Looping(), QEMU, seed=4, **asked)
    assert report.finding is not None and report.finding.what == "mapped"
    assert report.failing is not None
    small = shrink(Looping(), report.failing)
    (step,) = (step for step in small.steps if step.action.faults.populate)
    assert isinstance(step.action.faults, FaultsAt) and step.action.faults.memslot > 1
    assert len(small.steps) == 1 and small.config.region > GIB
    told = describe(step.action, small.config)
    assert told.endswith("while populate fails for its memslot 2")


def test_a_device_that_undoes_all_is_not_told_from_the_model() -> None:
    class Undoing(ReferenceTarget):
        capabilities = Looping.capabilities

    assert check(Undoing(), QEMU, seed=4, traces=12, steps=60).finding is None


PROGRAM = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "hello" in message:
        can = ["plug", "fail-populate", "fail-memslot"]
        hello = {"protocol": "slotproof", "version": 1, "name": "echo", "capabilities": can}
        print(json.dumps({"hello": hello}), flush=True)
    else:
        second = message.get("do", {}).get("memslot") == 2
        print(json.dumps({"see": {"answer": "busy" if second else "done"}}), flush=True)
"""


def test_a_program_is_told_which_memslot(tmp_path: Path) -> None:
    (tmp_path / "device.py").write_text(PROGRAM)
    target = CommandTarget(f"{sys.executable} {tmp_path / 'device.py'}")
    with closing(target):
        assert FAIL_MEMSLOT in target.capabilities
        target.start(QEMU, CONFIG)
        asked = plug(PER_SLOT - 1, 2, SECOND)
        answers = [target.apply(asked), target.apply(replace(asked, faults=NO_POPULATE))]
    assert [one.answer for one in answers] == [Answer.BUSY, Answer.DONE]


def test_a_tracer_counts_the_calls() -> None:
    assert options_for(SECOND)[-1] == "inject=ioctl:error=ENOMEM:when=2"
    assert options_for(NO_POPULATE)[-1] == "inject=ioctl:error=ENOMEM"

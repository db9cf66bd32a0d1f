"""Every rule of VIRTIO that can be broken is broken here once, by one wrong observation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from conformance.judge.virtio.host import HostSide
from conformance.judge.virtio.judge import VirtioOracle
from conformance.judge.virtio.rule import Level
from conformance.judge.virtio.rules import RULES
from conformance.targets.reference import held, told
from model.arithmetic import GIB, MIB
from model.device import ReferenceDevice
from model.extents import Extents
from model.observation import Constants, HostMemory, Observation, Probe, SlotLayout
from model.profiles import QEMU
from model.state import Answer, BlockState, ConcreteAction, Config, Op, action

CONFIG = Config(region=4 * GIB, block=2 * MIB, limit=4, requested=GIB)
CONSTANTS = Constants(block=CONFIG.block, addr=CONFIG.addr, region=CONFIG.region)
SLOTS = SlotLayout(count=4, size=GIB, last=GIB)
START = "start"


def ask(op: Op, first: int = 0, blocks: int = 1, odd: int = 0) -> ConcreteAction:
    return action(op, addr=CONFIG.addr + first * CONFIG.block + odd, blocks=blocks)


PLUG, UNPLUG, STATE = (ask(op, 0, 2) for op in (Op.PLUG, Op.UNPLUG, Op.STATE))
ALL, RESET, DEVICE_RESET = (action(op) for op in (Op.UNPLUG_ALL, Op.SYSTEM_RESET, Op.DEVICE_RESET))
WAKE_UP = action(Op.WAKE_UP)
ENOUGH = action(Op.RESIZE, value=2 * CONFIG.block)
GROW = action(Op.RESIZE, value=2 * GIB)
USABLE_BLOCKS = (GIB + CONFIG.extent) // CONFIG.block

Steps = tuple[ConcreteAction, ...]
Wrong = Mapping[str, Any]


def seen_of(steps: Steps, wrong: Wrong, config: Config = CONFIG) -> tuple[VirtioOracle, set[str]]:
    """The rules broken by the last step, whose observation is wrong; all others are right."""
    device = ReferenceDevice(QEMU, config)
    oracle = VirtioOracle(config, host=HostSide(maps_plugged=True))
    oracle.suspends = True

    def shown(seen: Observation, changes: Wrong) -> Observation:
        fields = {"constants": CONSTANTS, "held": held(device)} | dict(changes)
        return replace(seen, **fields)

    start = device.observe(Answer.DONE, slots=SLOTS)
    breaches = oracle.start(shown(start, {} if steps else wrong))
    for number, done in enumerate(steps, 1):
        assert breaches == [], breaches
        result = device.take(done)
        right = replace(device.seen_after(result), told=told(device, result))
        breaches = oracle.step(done, shown(right, wrong if number == len(steps) else {}))
    return oracle, {breach.rule for breach in breaches}


def size(blocks: int) -> Wrong:
    return {"size": blocks * CONFIG.block}


def error(answer: Answer = Answer.NACK) -> Wrong:
    return {"answer": answer}


def memory(fresh: bool) -> Wrong:
    return {"memory": (Probe(CONFIG.addr, fresh=fresh, held=False),)}


def slots(count: int, size: int, last: int) -> Wrong:
    return {"slots": SlotLayout(count, size, last)}


def mapped(*runs: tuple[int, int]) -> Wrong:
    return {"mapped": Extents.of_ranges(list(runs))}


BROKEN: dict[str, tuple[Steps, Wrong]] = {
    "config-constant": ((PLUG,), {"constants": replace(CONSTANTS, region=2 * GIB)}),
    "config-plugged-size": ((PLUG, GROW), size(3)),
    "config-usable-covers-requested": ((GROW,), {"usable": GIB + 256 * MIB}),
    "config-block-power-of-two": ((), {"constants": replace(CONSTANTS, block=3 * MIB)}),
    "config-whole-blocks": ((GROW,), {"requested": 2 * GIB + MIB, "usable": 3 * GIB}),
    "config-usable-only-grows": ((PLUG,), {"usable": GIB}),
    "config-change-notified": ((GROW,), {"notified": False}),
    "config-plugged-not-notified": ((PLUG,), {"notified": True}),
    "config-usable-within-region": ((GROW,), {"usable": 5 * GIB}),
    "init-accepts-not-offered": ((action(Op.NEGOTIATE, value=0),), error(Answer.REFUSED)),
    "init-reset-keeps-blocks": ((PLUG, DEVICE_RESET), size(0)),
    "init-reset-keeps-memory": ((PLUG, DEVICE_RESET), memory(fresh=False)),
    "memory-plugged-kept": ((PLUG, STATE), memory(fresh=False)),
    "memory-plugged-usable": ((PLUG,), memory(fresh=True)),
    "reset-unplugs-all": ((PLUG, RESET), size(2)),
    "suspend-keeps-blocks": ((PLUG, WAKE_UP), size(0)),
    "answers-every-request": ((STATE,), error(Answer.SILENT)),
    "unusable-blocks-unplugged": ((PLUG, ALL), {"usable": 0, "requested": 0, **size(2)}),
    "plug-misaligned-is-error": ((ask(Op.PLUG, odd=1),), error()),
    "plug-empty-is-error": ((ask(Op.PLUG, blocks=0),), error(Answer.ACK)),
    "plug-outside-is-error": ((ask(Op.PLUG, USABLE_BLOCKS - 1, 2),), error()),
    "plug-plugged-is-error": ((PLUG, ask(Op.PLUG, 1, 2)), error(Answer.BUSY)),
    "init-all-unplugged": ((), size(1)),
    "memslots-tile-region": ((), slots(4, GIB, GIB - 2 * MIB)),
    "memslots-whole-blocks": ((), slots(4, GIB + MIB, GIB - 3 * MIB)),
    "memslot-exists": ((PLUG,), mapped((0, 1), (4, 5))),
    "memslot-of-plugged-mapped": ((PLUG,), mapped()),
    "memslot-mapped-for-block": ((PLUG,), mapped((0, 2))),
    "memslot-goes-with-last-block": ((PLUG, UNPLUG), mapped((0, 1))),
    "memory-unmapped-gone": ((PLUG, UNPLUG), {"memory": (Probe(CONFIG.addr, False, True),)}),
    "memory-given-back": ((PLUG, UNPLUG), {"held": (HostMemory(CONFIG.addr, GIB, 1),)}),
    "memory-accounted": (
        (PLUG, STATE),
        {
            "memory": (Probe(CONFIG.addr, fresh=False, held=True),),
            "held": (HostMemory(CONFIG.addr, GIB, 0),),
        },
    ),
    "listeners-know-plugged": ((PLUG,), {"told": ()}),
    "resize-as-set": ((GROW,), {"requested": GIB + 2 * MIB}),
    "resize-possible": ((GROW,), {"answer": Answer.REFUSED, "requested": GIB}),
    "plug-possible": ((PLUG,), error() | size(0)),
    "unplug-possible": ((PLUG, UNPLUG), error() | size(2)),
    "unplug-all-possible": ((PLUG, ALL), error() | size(2)),
    "rejected-changes-nothing": ((PLUG,), error() | size(1)),
    "plug-done-is-ack": ((PLUG,), error(Answer.ERROR)),
    "plug-in-plugged-size": ((PLUG,), size(1)),
    "plug-enough-is-rejected": (
        (ENOUGH, PLUG, ask(Op.PLUG, 2)),
        error(Answer.ACK) | size(3),
    ),
    "unplug-misaligned-is-error": ((ask(Op.UNPLUG, odd=1),), error()),
    "unplug-empty-is-error": ((ask(Op.UNPLUG, blocks=0),), error(Answer.BUSY)),
    "unplug-outside-is-error": ((ask(Op.UNPLUG, USABLE_BLOCKS - 1, 2),), error()),
    "unplug-unplugged-is-error": ((PLUG, ask(Op.UNPLUG, 1, 2)), error()),
    "unplug-done-is-ack": ((PLUG, UNPLUG), error(Answer.BUSY)),
    "unplug-in-plugged-size": ((PLUG, UNPLUG), size(1)),
    "unplug-all-done-is-ack": ((PLUG, ALL), error(Answer.BUSY)),
    "unplug-all-empties": ((PLUG, ALL), size(2)),
    "state-misaligned-is-error": ((ask(Op.STATE, odd=1),), error()),
    "state-empty-is-error": ((ask(Op.STATE, blocks=0),), error()),
    "state-outside-is-error": ((ask(Op.STATE, USABLE_BLOCKS - 1, 2),), error(Answer.ACK)),
    "state-is-acknowledged": ((STATE,), error(Answer.BUSY)),
    "state-plugged": ((PLUG, STATE), {"block_state": BlockState.MIXED}),
    "state-unplugged": ((STATE,), {"block_state": BlockState.PLUGGED}),
    "state-mixed": ((PLUG, ask(Op.STATE, 1, 2)), {"block_state": BlockState.PLUGGED}),
    "used-length": ((PLUG,), {"used": 12}),
}

CONFIGS = {"init-accepts-not-offered": replace(CONFIG, option=False, inaccessible=False)}
"""Of the rules that are about another device."""


@pytest.mark.parametrize("rule", BROKEN)
def test_a_wrong_observation_breaks_the_rule(rule: str) -> None:
    steps, wrong = BROKEN[rule]
    oracle, broken = seen_of(steps, wrong, CONFIGS.get(rule, CONFIG))
    assert rule in broken
    assert oracle.exercised[rule] >= 1


@pytest.mark.parametrize(
    ("wrong", "rules"),
    [
        (slots(3, GIB, 2 * GIB), {"memslots-tile-region"}),
        (slots(4, GIB, GIB - MIB), {"memslots-tile-region", "memslots-whole-blocks"}),
        (slots(5, GIB, 0), {"memslots-tile-region"}),
        (slots(0, GIB, 5 * GIB), {"memslots-tile-region"}),
        ({"held": (HostMemory(CONFIG.addr, GIB, 1),)}, {"memory-given-back"}),
    ],
)
def test_a_device_just_started_is_judged_by_what_the_host_sees(
    wrong: Wrong, rules: set[str]
) -> None:
    assert seen_of((), wrong)[1] == rules


@pytest.mark.parametrize("rule", BROKEN)
def test_the_right_observation_does_not(rule: str) -> None:
    steps, _ = BROKEN[rule]
    assert seen_of(steps, {}, CONFIGS.get(rule, CONFIG))[1] == set()


def test_every_rule_that_can_be_broken_is_broken() -> None:
    can = {
        rule.id
        for rule in RULES
        if not rule.unjudged and rule.level is not Level.MAY and not rule.id.endswith("-ignored")
    }
    assert set(BROKEN) == can


def test_a_breach_does_not_make_what_follows_one() -> None:
    # Done in spite of the answer: from then on the plugged size is what counts.
    device, oracle = ReferenceDevice(QEMU, CONFIG), VirtioOracle(CONFIG)
    oracle.start(device.observe(Answer.DONE))
    assert oracle.step(PLUG, replace(device.apply(PLUG), answer=Answer.ERROR)) != []
    for follows in (STATE, ask(Op.STATE, 4, 1), UNPLUG, STATE):
        assert oracle.step(follows, device.apply(follows)) == []

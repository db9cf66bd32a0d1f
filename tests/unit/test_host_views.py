"""`held` and `told`: what the host must see, each with a device that shows it wrongly."""

from dataclasses import replace
from typing import Any

import pytest

from conformance.check.explain import explain, failure_of
from conformance.check.outcome import as_run
from conformance.check.runner import run_trace
from conformance.check.suite import judge_for
from conformance.generate.choices import RandomChoices
from conformance.generate.config import choose_config
from conformance.judge.finding import Kind
from conformance.judge.host import covered
from conformance.targets.limits import FREE, Bound, Limits, limits_from_json
from conformance.targets.reference import ReferenceTarget
from conformance.traces.codec import CodecError, observation_from_json, observation_to_json
from conformance.traces.schemas import problem
from conformance.traces.trace import Trace, TraceStep
from model.arithmetic import GIB, MIB, TIB, U64_MASK
from model.device import fix
from model.effects import Did
from model.extents import Extents
from model.observation import HostMemory, Observation, Told
from model.profiles import QEMU
from model.state import Answer, ConcreteAction, Config, Faults, Op, action

CONFIG = Config(region=4 * GIB, block=2 * MIB, limit=4, requested=4 * GIB)
FIRST, BLOCK = CONFIG.addr, CONFIG.block
PLUG = action(Op.PLUG, addr=FIRST, blocks=4)
UNPLUG = action(Op.UNPLUG, addr=FIRST + BLOCK, blocks=2)
MOVE = action(Op.MIGRATION_IN)
REFUSED = action(
    Op.PLUG, addr=FIRST, blocks=1, faults=Faults(discard=False, prealloc=False, populate=True)
)
NEXT = action(Op.PLUG, addr=FIRST + 4 * BLOCK, blocks=1)
ALL = Told(Did.POPULATE, FIRST, 4 * BLOCK)
WHOLE = Told(Did.DISCARD, FIRST, GIB)
PAST = HostMemory(FIRST + BLOCK, CONFIG.region, 0)
BEYOND = Told(Did.DISCARD, FIRST + CONFIG.region, BLOCK)
HALF = Told(Did.POPULATE, FIRST, 2 * BLOCK)
AGAIN = Told(Did.POPULATE, FIRST + 3 * BLOCK, 2 * BLOCK)
AFTER, GONE = (Told(kind, FIRST + 4 * BLOCK, BLOCK) for kind in (Did.POPULATE, Did.DISCARD))
STEPS = (PLUG, UNPLUG, MOVE, REFUSED, action(Op.UNPLUG_ALL), PLUG, action(Op.SYSTEM_RESET))


class Odd(ReferenceTarget):
    """A device that shows one view wrongly after one step."""

    def __init__(self, step: int, **wrong: object) -> None:
        super().__init__()
        self.countdown, self.wrong = step, wrong

    def apply(self, action: ConcreteAction) -> Observation:
        self.countdown -= 1
        seen = super().apply(action)
        return replace(seen, **self.wrong) if self.countdown == 0 else seen  # type: ignore[arg-type]


def found(target: ReferenceTarget, *steps: ConcreteAction) -> Trace:
    trace = Trace(QEMU, CONFIG, tuple(map(TraceStep, steps)))
    return as_run(trace, run_trace(target, trace))


def test_the_reference_device_shows_both_and_agrees() -> None:
    run = found(ReferenceTarget(), *STEPS)
    assert run.finding is None
    seen = [step.seen for step in run.steps if step.seen is not None]
    assert [one.held for one in seen][:2] == [
        (HostMemory(FIRST, CONFIG.region, 4 * BLOCK),),
        (HostMemory(FIRST, CONFIG.region, 2 * BLOCK),),
    ]
    assert [one.told for one in seen][:4] == [
        (Told(Did.POPULATE, FIRST, 4 * BLOCK),),
        (Told(Did.DISCARD, FIRST + BLOCK, 2 * BLOCK),),
        (Told(Did.POPULATE, FIRST, BLOCK), Told(Did.POPULATE, FIRST + 3 * BLOCK, BLOCK)),
        (),
    ]


@pytest.mark.parametrize(
    ("steps", "wrong", "message"),
    [
        ((PLUG, UNPLUG), {"held": (HostMemory(FIRST, GIB, 3 * BLOCK),)}, "of which 4194304 are"),
        ((PLUG, UNPLUG), {"held": (HostMemory(FIRST + BLOCK, BLOCK, 1),)}, "of which 0 are"),
        ((PLUG,), {"held": (HostMemory(0, GIB, 0),)}, "not inside the region"),
        ((PLUG,), {"held": (PAST,)}, "not inside the region"),
        ((PLUG,), {"told": ()}, "not told of all of the plugged blocks 0..3"),
        ((PLUG, UNPLUG), {"told": ()}, "still know a block of 0..3 that is not plugged"),
        ((PLUG, MOVE), {"told": ()}, "not told of all of the plugged blocks 0..3"),
        ((REFUSED,), {"told": (Told(Did.POPULATE, FIRST, BLOCK),)}, "still know a block of 0..0"),
        ((PLUG,), {"told": (Told(Did.POPULATE, FIRST, BLOCK // 2),)}, "not its blocks"),
        ((PLUG,), {"told": (Told(Did.DISCARD, 0, BLOCK),)}, "not its blocks"),
        ((PLUG,), {"told": (ALL, BEYOND)}, "not its blocks"),
        ((PLUG,), {"told": (HALF,)}, "not told of all of the plugged blocks 0..3"),
        ((PLUG,), {"told": (ALL, ALL)}, "listeners know one of them as plugged already"),
        ((PLUG, NEXT), {"told": (AGAIN,)}, "blocks 3..4: listeners know one of them as plugged"),
        ((PLUG, NEXT), {"told": (WHOLE, ALL, AFTER)}, "one of them was plugged and stays so"),
        ((PLUG,), {"told": (ALL, AFTER, GONE)}, "populate 0..4, then discard 4..4 where it is"),
    ],
)
def test_a_wrong_view_is_found(
    steps: tuple[ConcreteAction, ...], wrong: dict[str, object], message: str
) -> None:
    run = found(Odd(len(steps), **wrong), *steps)
    assert run.finding is not None and message in run.finding.message
    assert (run.finding.kind, run.finding.step) == (Kind.DIVERGENCE, len(steps))
    lines = explain(failure_of(run), "again")
    assert any(line.startswith("  allowed  ") for line in lines)
    assert any(line.startswith(f"  seen     {run.finding.what} ") for line in lines)


def test_covered_bytes_of_a_range_that_cuts_blocks() -> None:
    plugged = Extents.of_ranges([(1, 3), (5, 6)])
    assert covered(plugged, 10, 0, 100) == 30
    assert covered(plugged, 10, 15, 10) == 10
    assert covered(plugged, 10, 22, 30) == 8 + 2
    # The next plugged block begins behind a range that ends within a block.
    assert covered(plugged, 10, 32, 15) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"held": 1},
        {"held": [{"addr": 0, "size": 1}]},
        {"held": [{"addr": 0, "size": 1, "held": -1}]},
        {"told": {}},
        {"told": [{"heard": "map", "addr": 0, "size": 1}]},
        {"told": [{"heard": "populate", "addr": 0, "size": 1, "more": 1}]},
    ],
)
def test_codec_and_schema_refuse_the_same_views(wrong: dict[str, object]) -> None:
    with pytest.raises(CodecError):
        observation_from_json({"answer": "ack"} | wrong)
    assert problem({"answer": "ack"} | wrong, "trace-v1.json", "observation") is not None


def test_the_views_survive_the_round_trip() -> None:
    seen = Observation(Answer.ACK, held=(HostMemory(1, 2, 3),), told=(Told(Did.DISCARD, 1, 2),))
    assert observation_from_json(observation_to_json(seen)) == seen
    assert problem(observation_to_json(seen), "trace-v1.json", "observation") is None


# Limits

SOME = {
    "block": {"min": 2 * MIB, "max": 2 * MIB},
    "region": {"multiple": 128 * MIB, "max": 64 * GIB},
    "requested": {"max": 0},
    "option": True,
    "slot": 128 * MIB,
}


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        Config(region=MIB, block=MIB, limit=1),
        Config(region=3 * GIB + MIB, block=MIB, limit=9, requested=GIB, page=4096),
        Config(region=1 << 44, block=1 << 36, limit=2, page=1 << 30, option=False),
        Config(region=GIB, block=GIB, limit=2, addr=0),
    ],
)
def test_limits_make_a_configuration_that_fits_and_stays(config: Config) -> None:
    limits = limits_from_json(SOME)
    fitted = limits.fitted(config)
    assert limits.fitted(fitted) == fitted
    assert (fitted.block, fitted.requested, fitted.option) == (2 * MIB, 0, True)
    assert fitted.region % (128 * MIB) == 0 and 0 < fitted.region <= 64 * GIB
    fix(QEMU, replace(fitted, inaccessible=True))
    assert FREE.fitted(config) == config


def test_a_bound_prefers_what_is_below() -> None:
    assert Bound(low=10, high=30, multiple=4).nearest(3) == 12
    assert Bound(low=10, high=30, multiple=4).nearest(19) == 16
    assert Bound(low=10, high=30, multiple=4).nearest(99) == 28
    assert Limits({}, {"prealloc": True}).fitted(CONFIG).prealloc


@pytest.mark.parametrize(
    "limits", [{"blocks": {}}, {"block": 2}, {"option": 1}, {"slot": 0}, {"block": {"least": 1}}]
)
def test_limits_that_are_none_are_refused(limits: dict[str, object]) -> None:
    hello = {"protocol": "slotproof", "version": 1, "name": "x", "capabilities": []}
    assert problem({"hello": hello | {"limits": SOME}}, "protocol-v1.json", "welcome") is None
    assert problem({"hello": hello | {"limits": limits}}, "protocol-v1.json", "welcome")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"block": {"max": 0}}, "block"),
        ({"block": {"max": MIB // 2}}, "block"),
        ({"block": {"multiple": 6 * MIB}}, "block"),
        ({"limit": {"max": 0}}, "limit"),
        ({"addr": {"min": U64_MASK}}, "addr"),
        ({"requested": {"min": TIB}, "region": {"max": GIB}}, "region"),
        ({"region": {"min": 8 * MIB, "max": 4 * MIB}}, "region"),
        ({"page": {"min": 16 * MIB}, "block": {"max": 2 * MIB}}, "page"),
        ({"extent": {"min": 2, "max": 1}}, "extent"),
    ],
)
def test_limits_that_leave_no_device_say_which_field(wrong: dict[str, object], field: str) -> None:
    told = limits_from_json(wrong).problem()
    assert told is not None and told.startswith(f"{field}: ") and ", expected " in told


@pytest.mark.parametrize(
    "given",
    [
        {},
        SOME,
        {"region": {"max": GIB}},
        {"addr": {"min": U64_MASK - 3 * GIB}, "region": {"min": 2 * GIB}},
        {"page": {"min": 2 * MIB}},
        {"requested": {"min": 3 * GIB, "multiple": 3 * GIB}},
        {"inaccessible": False},
    ],
)
def test_limits_that_leave_a_device_make_every_configuration_one(given: dict[str, Any]) -> None:
    limits = limits_from_json(given)
    assert limits.problem() is None
    for seed in range(200):
        wish = choose_config(RandomChoices(seed), QEMU)
        made = limits.permitted(QEMU, limits.fitted(wish))
        fix(QEMU, made)
        assert limits.permitted(QEMU, limits.fitted(made)) == made
        for name, bound in limits.bounds.items():
            assert bound.low <= getattr(made, name) <= bound.high
            assert getattr(made, name) % bound.multiple == 0


@pytest.mark.parametrize(
    ("told", "wrong"),
    [((ALL, ALL), True), ((WHOLE, ALL), False), ((ALL, AFTER, GONE), False), ((ALL,), False)],
)
def test_notices_are_judged_without_a_profile(told: tuple[Told, ...], wrong: bool) -> None:
    trace = Trace(QEMU, CONFIG, (TraceStep(PLUG),))
    found = run_trace(Odd(1, told=told), trace, judge_for("virtio")).finding
    assert (found and found.what) == ("listeners-know-plugged" if wrong else None)


def test_what_stays_plugged_is_not_discarded_whatever_the_profile() -> None:
    trace = Trace(QEMU, CONFIG, (TraceStep(PLUG), TraceStep(NEXT)))
    found = run_trace(Odd(2, told=(WHOLE, ALL, AFTER)), trace, judge_for("virtio")).finding
    assert found is not None and found.what == "listeners-know-plugged"
    moved = Trace(QEMU, CONFIG, (TraceStep(PLUG), TraceStep(MOVE)))
    assert run_trace(Odd(2, told=(WHOLE, ALL)), moved, judge_for("virtio")).finding is None
    assert run_trace(Odd(2, told=(WHOLE, ALL)), moved).finding is None

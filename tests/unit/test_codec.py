"""Actions, configurations and observations as JSON values."""

from dataclasses import replace
from typing import Any

import pytest

from conformance.traces.codec import (
    USES,
    CodecError,
    action_from_json,
    action_to_json,
    config_from_json,
    config_to_json,
    observation_from_json,
    observation_to_json,
)
from conformance.traces.schemas import problem
from model.extents import Extents
from model.observation import Observation, SlotLayout
from model.state import Answer, BlockState, Config, Faults, Op, action

CONFIG = Config(region=1 << 30, block=1 << 20, limit=4)
SEEN = Observation(
    Answer.ACK,
    BlockState.MIXED,
    1,
    2,
    3,
    Extents.of_ranges([(0, 2), (5, 6)]),
    notified=True,
    slots=SlotLayout(count=3, size=4, last=1),
)


def test_every_operation_has_its_fields() -> None:
    assert set(USES) == set(Op)


@pytest.mark.parametrize("op", list(Op))
def test_an_action_survives_the_round_trip(op: Op) -> None:
    uses = USES[op]
    numbers = {name: uses.limits(name)[1] for name in uses.numbers}
    faults = Faults(
        *("discard" in uses.faults, "prealloc" in uses.faults, "populate" in uses.faults)
    )
    done = action(op, faults=faults, **numbers)
    assert action_from_json(action_to_json(done)) == done
    assert problem(action_to_json(done), "trace-v1.json", "action") is None


def test_a_config_survives_the_round_trip() -> None:
    assert config_from_json(config_to_json(CONFIG)) == CONFIG


@pytest.mark.parametrize("seen", [SEEN, Observation(Answer.SILENT)])
def test_an_observation_survives_the_round_trip(seen: Observation) -> None:
    assert observation_from_json(observation_to_json(seen)) == seen


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [],
        {"op": "plugg"},
        {"op": ["plug"]},
        {"op": "plug"},
        {"op": "plug", "addr": -1, "blocks": 1},
        {"op": "plug", "addr": 1 << 64, "blocks": 1},
        {"op": "plug", "addr": 0, "blocks": 1 << 16},
        {"op": "plug", "addr": 0, "blocks": True},
        {"op": "plug", "addr": 0, "blocks": "1"},
        {"op": "plug", "addr": 0, "blocks": 1, "value": 1},
        {"op": "plug", "addr": 0, "blocks": 1, "fail": ["discard"]},
        {"op": "unplug", "addr": 0, "blocks": 1, "fail": "discard"},
        {"op": "state", "addr": 0, "blocks": 1, "fail": ["discard"]},
        {"op": "unknown", "value": 3},
        {"op": "negotiate", "value": 2},
        {"op": "short", "addr": 0},
        {"op": "resize", "value": 0, "more": 1},
    ],
)
def test_codec_and_schema_refuse_the_same_actions(wrong: Any) -> None:
    with pytest.raises(CodecError) as caught:
        action_from_json(wrong)
    assert "\n" not in str(caught.value)
    assert problem(wrong, "trace-v1.json", "action") is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"answer": "yes"},
        {"answer": "ack", "state": "half"},
        {"answer": "ack", "size": -1},
        {"answer": "ack", "size": 1 << 64},
        {"answer": "ack", "mapped": 3},
        {"answer": "ack", "mapped": [1]},
        {"answer": "ack", "mapped": [[0, 1, 2]]},
        {"answer": "ack", "mapped": [[0, 1 << 17]]},
        {"answer": "ack", "notified": 1},
        {"answer": "ack", "slots": [1, 2, 2]},
        {"answer": "ack", "slots": {"count": 1, "size": 2}},
        {"answer": "ack", "slots": {"count": 1, "size": 2, "last": -1}},
        {"answer": "ack", "slots": {"count": 1 << 32, "size": 2, "last": 2}},
        {"answer": "ack", "slots": {"count": 1, "size": 2, "last": 2, "more": 1}},
        {"answer": "ack", "more": 1},
    ],
)
def test_codec_and_schema_refuse_the_same_observations(wrong: Any) -> None:
    with pytest.raises(CodecError) as caught:
        observation_from_json(wrong)
    assert "\n" not in str(caught.value)
    assert problem(wrong, "trace-v1.json", "observation") is not None


def test_an_empty_run_of_memslots_is_refused() -> None:
    with pytest.raises(CodecError, match="end of a mapped run"):
        observation_from_json({"answer": "ack", "mapped": [[2, 2]]})


@pytest.mark.parametrize(
    ("name", "value"), [("region", True), ("option", 1), ("limit", -1), ("addr", 1 << 64)]
)
def test_codec_and_schema_refuse_the_same_configs(name: str, value: Any) -> None:
    wrong = config_to_json(CONFIG) | {name: value}
    with pytest.raises(CodecError, match=name):
        config_from_json(wrong)
    assert problem(wrong, "trace-v1.json", "config") is not None


def test_a_config_names_every_field() -> None:
    values = config_to_json(CONFIG)
    del values["extent"]
    with pytest.raises(CodecError, match="lacks extent"):
        config_from_json(values)


def test_an_action_with_a_field_that_it_does_not_read_is_not_written() -> None:
    with pytest.raises(CodecError, match="reads no addr"):
        action_to_json(action(Op.RESIZE, addr=1))
    faults = Faults(discard=True, prealloc=False, populate=False)
    with pytest.raises(CodecError, match="no discard fault"):
        action_to_json(replace(action(Op.PLUG), faults=faults))

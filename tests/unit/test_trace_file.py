"""Trace files: written whole, read exactly, refused in one line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.generate.traces import random_trace
from conformance.judge.finding import Finding, Kind
from conformance.traces.schemas import problem
from conformance.traces.trace import Trace, TraceError, read_trace, trace_text, write_trace
from model.profiles import QEMU, SEED_V2
from model.state import Config


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.jsonl"


TRACE = random_trace(QEMU, 5, 8)


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in trace_text(TRACE).splitlines()]


def write_lines(path: Path, values: list[Any]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


def refusal(path: Path) -> str:
    with pytest.raises(TraceError) as caught:
        read_trace(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("seed", range(5))
def test_a_trace_survives_the_round_trip(path: Path, seed: int) -> None:
    trace = random_trace(SEED_V2, seed, 40)
    write_trace(trace, path)
    assert read_trace(path) == trace


def test_a_trace_without_steps_is_a_trace(path: Path) -> None:
    trace = Trace(QEMU, Config(region=1 << 30, block=1 << 20, limit=2), ())
    write_trace(trace, path)
    assert read_trace(path) == trace


def test_a_finding_survives_the_round_trip(path: Path) -> None:
    finding = Finding(Kind.DIVERGENCE, "mapped", 3, "mapped: allowed [], seen [[0, 1]]")
    trace = Trace(QEMU, TRACE.config, TRACE.steps, finding=finding)
    write_trace(trace, path)
    assert read_trace(path) == trace


def test_a_trace_that_does_not_say_what_the_start_showed_is_a_trace(path: Path) -> None:
    header, *rest = lines()
    assert header.pop("see")["answer"] == "done"
    write_lines(path, [header, *rest])
    assert TRACE.seen is not None
    assert read_trace(path) == replace(TRACE, seen=None)


def test_every_line_is_valid_by_the_schema() -> None:
    for line in lines():
        assert problem(line, "trace-v1.json") is None


def test_a_trace_is_written_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_trace(TRACE, path)
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_trace(random_trace(QEMU, 6, 3), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_missing_file_is_refused(path: Path) -> None:
    assert "no such file" in refusal(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path)


def test_an_empty_file_is_refused(path: Path) -> None:
    path.touch()
    assert "empty" in refusal(path)


def test_bytes_that_are_no_text_are_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refusal(path)


def test_a_file_cut_anywhere_is_refused(path: Path) -> None:
    """Cut at every byte of a short file, line borders included."""
    whole = trace_text(TRACE).encode()
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        message = refusal(path)
        where = "line border" if whole[length - 1 : length] == b"\n" else "middle of the line"
        assert where in message, length


@pytest.mark.parametrize("text", ["plug\n", "[1]\n", "1\n", "\n", '{"trace":\n', "NaN\n"])
def test_text_that_is_no_json_object_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    assert "line 1: not" in refusal(path)


def test_deep_nesting_is_refused(path: Path) -> None:
    path.write_text("[" * 100_000 + "\n")
    assert "not JSON" in refusal(path)


def test_a_number_of_many_digits_is_refused(path: Path) -> None:
    path.write_text('{"trace":' + "9" * 5000 + "}\n")
    assert "not JSON" in refusal(path)


def test_another_version_is_refused(path: Path) -> None:
    header, *rest = lines()
    write_lines(path, [header | {"version": 2}, *rest])
    assert "trace version 2: this program reads version 1" in refusal(path)


def test_another_format_is_refused(path: Path) -> None:
    write_lines(path, [{"hello": 1}])
    assert "not a trace header" in refusal(path)


HEADERS: list[tuple[dict[str, Any], str]] = [
    ({"profile": "qemu-1"}, "known are seed-v2, qemu"),
    ({"profile": 3}, "profile"),
    ({"profile": ["qemu"]}, "profile"),
    ({"profile": None}, "profile"),
    ({"seed": -1}, "seed"),
    ({"seed": "x"}, "seed"),
    ({"more": 1}, "more"),
    ({"see": {"answer": "yes"}}, "'yes' is not one of"),
    ({"see": {"answer": "done", "mapped": [[2, 1]]}}, "mapped"),
    ({"finding": {"kind": "divergence"}}, "finding"),
]


@pytest.mark.parametrize(("change", "expected"), HEADERS)
def test_a_wrong_header_is_refused(path: Path, change: dict[str, Any], expected: str) -> None:
    header, *rest = lines()
    write_lines(path, [header | change, *rest])
    message = refusal(path)
    assert "line 1" in message
    assert expected in message


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        ({"kind": "divergence", "what": "mapped", "step": 9}, "step 9 of 8"),
        ({"kind": "divergence", "what": "colour", "step": 1}, "known are answer"),
        ({"kind": "invariant", "what": "mapped", "step": 1}, "known are plugged-in-mapped"),
        ({"kind": "died", "what": "mapped", "step": 1}, "mapped"),
    ],
)
def test_a_finding_of_nothing_is_refused(
    path: Path, finding: dict[str, Any], expected: str
) -> None:
    header, *rest = lines()
    write_lines(path, [header | {"finding": finding | {"message": ""}}, *rest])
    assert expected in refusal(path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"region": 0}, "region size 0"),
        ({"block": 3}, "power of two"),
        ({"limit": 0}, "limit 0"),
        ({"limit": 1 << 32}, "limit 4294967296"),
        ({"limit": 1 << 64}, "maximum"),
        ({"region": 1 << 63, "addr": 1 << 63}, "above 2^64"),
        ({"inaccessible": False, "option": True}, "unplugged-inaccessible"),
        ({"option": 1}, "option"),
        ({"limit": 2.0}, "2.0"),
    ],
)
def test_a_configuration_that_the_model_refuses_is_refused(
    path: Path, change: dict[str, Any], expected: str
) -> None:
    header, *rest = lines()
    write_lines(path, [header | {"config": header["config"] | change}, *rest])
    message = refusal(path)
    assert "line 1" in message
    assert expected in message


STEPS: list[tuple[Any, str]] = [
    ({"step": 2, "do": {"op": "short"}}, "step 2 where step 1 is due"),
    ({"step": 1}, "do"),
    ({"step": 1, "do": {"op": "plugg"}}, "'plugg' is not one of"),
    ({"step": 1, "do": {"op": "plug", "addr": 0}}, "blocks"),
    ({"step": 1, "do": {"op": "plug", "addr": 1 << 64, "blocks": 1}}, "maximum of 1844"),
    ({"step": 1, "do": {"op": "plug", "addr": -1, "blocks": 1}}, "minimum of 0"),
    ({"step": 1, "do": {"op": "plug", "addr": 0, "blocks": 1 << 16}}, "maximum of 65535"),
    ({"step": 1, "do": {"op": "plug", "addr": 0.5, "blocks": 1}}, "0.5"),
    (
        {"step": 1, "do": {"op": "resize", "value": 0, "addr": 1}},
        "do 'addr' is not one of ['op', 'value']",
    ),
    ({"step": 1, "do": {"op": "plug", "addr": 0, "blocks": 1, "fail": ["discard"]}}, "discard"),
    ({"step": 1, "do": {"op": "short"}, "see": {"answer": "yes"}}, "'yes' is not one of"),
    ({"step": 1, "do": {"op": "short"}, "see": {"answer": "ack", "mapped": [[2, 1]]}}, "mapped"),
    ({"step": 1, "do": {"op": "short"}, "saw": {}}, "saw"),
    ("step", "not a JSON object"),
]


@pytest.mark.parametrize(("line", "expected"), STEPS)
def test_a_wrong_step_is_refused(path: Path, line: Any, expected: str) -> None:
    write_lines(path, [lines()[0], line, {"end": {"steps": 1}}])
    message = refusal(path)
    assert "line 2" in message
    assert expected in message


def test_a_member_named_twice_is_refused(path: Path) -> None:
    header = json.dumps(lines()[0])
    path.write_text(header + '\n{"step":1,"step":1,"do":{"op":"short"}}\n{"end":{"steps":1}}\n')
    assert "named twice" in refusal(path)


def test_a_wrong_count_at_the_end_is_refused(path: Path) -> None:
    write_lines(path, [*lines()[:-1], {"end": {"steps": 7}}])
    assert "speaks of 7 steps, the file holds 8" in refusal(path)


def test_text_after_the_end_is_refused(path: Path) -> None:
    path.write_text(trace_text(TRACE) + "{}\n")
    assert "line 11: text after the end" in refusal(path)

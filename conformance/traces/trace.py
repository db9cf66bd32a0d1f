"""Trace files: a device's configuration, what was done to it and what was seen, as JSON lines.

Format: `conformance/schema/trace-v1.json`. A header line, a line a step, an end line that tells a
whole file from one cut at a line border.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from conformance.judge.finding import Finding, Kind
from conformance.judge.oracle import FIELDS
from conformance.judge.virtio.rules import RULE_NAMED
from conformance.traces.codec import (
    CodecError,
    action_from_json,
    action_to_json,
    config_from_json,
    config_to_json,
    observation_from_json,
    observation_to_json,
    profile_from_json,
)
from conformance.traces.files import write_parts
from conformance.traces.layout import PLAIN, SETS_UP, Layout, layout_from_json, layout_to_json
from conformance.traces.schemas import problem
from conformance.traces.vocabulary import TRACE_FORMAT, TRACE_VERSION
from model.contracts import CONTRACT_NAMED
from model.device import ConfigError, fix
from model.invariants import INVARIANT_NAMED
from model.observation import Observation
from model.profiles import Profile
from model.state import ConcreteAction, Config

SCHEMA = "trace-v1.json"


class TraceError(ValueError):
    """A file that is no trace; the message is one line: file, line, what is wrong and right."""


@dataclass(frozen=True, slots=True)
class TraceStep:
    """An action and, where it is known, what was seen afterwards; `layout` is that of a request."""

    action: ConcreteAction
    seen: Observation | None = None
    layout: Layout = PLAIN


@dataclass(frozen=True, slots=True)
class Trace:
    """A device and its history. `seed` made it, if one did; `finding` is why it was kept.

    `steps` are a tuple, or of a long trace a `conformance.traces.streamed.Streamed`. `seen` is what
    the device just started showed, where it is known. `refuse`: the configuration is one that a
    device must refuse, and so there is no history.
    """

    profile: Profile
    config: Config
    steps: Sequence[TraceStep]
    seed: int | None = None
    finding: Finding | None = None
    seen: Observation | None = None
    refuse: bool = False

    def seen_at(self, step: int) -> Observation | None:
        """What was seen after a step, where it is known; step 0 is the start."""
        return self.steps[step - 1].seen if step else self.seen


def trace_text(trace: Trace) -> str:
    """The file's text; equal traces give equal text. Raises CodecError."""
    return "".join(trace_lines(trace))


def trace_lines(trace: Trace) -> Iterator[str]:
    """The lines of the file, each with its end. Raises CodecError."""
    return (f"{json.dumps(line, separators=(',', ':'))}\n" for line in _lines(trace))


def _lines(trace: Trace) -> Iterator[dict[str, Any]]:
    header: dict[str, Any] = {
        "trace": TRACE_FORMAT,
        "version": TRACE_VERSION,
        "profile": trace.profile.name,
        "config": config_to_json(trace.config),
        "seed": trace.seed,
    }
    if trace.refuse:
        header["refuse"] = True
    if trace.seen is not None:
        header["see"] = observation_to_json(trace.seen)
    if (found := trace.finding) is not None:
        header["finding"] = {
            "kind": found.kind.value,
            "what": found.what,
            "step": found.step,
            "message": found.message,
        }
    yield header
    for number, step in enumerate(trace.steps, 1):
        line: dict[str, Any] = {"step": number, "do": action_to_json(step.action)}
        if step.layout != PLAIN:
            line["layout"] = layout_to_json(step.layout)
        if step.seen is not None:
            line["see"] = observation_to_json(step.seen)
        yield line
    yield {"end": {"steps": len(trace.steps)}}


def write_trace(trace: Trace, path: Path) -> None:
    """Write the file whole or not at all. Raises OSError and CodecError."""
    parts = (line.encode() for line in trace_lines(trace))
    write_parts(path, parts, lambda: path)


def read_trace(path: Path) -> Trace:
    """The trace in a file. Raises TraceError."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TraceError(f"{path}: {reason}: expected a readable trace file") from None
    except UnicodeDecodeError:
        raise TraceError(f"{path}: not UTF-8 text: a trace is JSON lines") from None
    return _Reader(path, text).trace()


class _Reader:
    """Reads one file; `number` is the line being read, for messages."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.number = 1

    def fail(self, message: str) -> NoReturn:
        raise TraceError(f"{self.path}, line {self.number}: {message}")

    def trace(self) -> Trace:
        if not self.text:
            raise TraceError(f"{self.path}: empty: the first line of a trace is its header")
        lines = self.text.split("\n")
        header = self.header(self.parse(lines[0], last=len(lines) == 1))
        steps: list[TraceStep] = []
        for self.number, line in enumerate(lines[1:], 2):
            if not line and self.number == len(lines):
                self.fail("cut off at a line border: the last line is {'end': {'steps': N}}")
            value = self.parse(line, last=self.number == len(lines))
            if "end" in value:
                self.end(value, len(steps), rest=lines[self.number :])
                return self.built(header, tuple(steps))
            steps.append(self.step(value, len(steps) + 1))
        self.fail("cut off in the middle of the line")

    def parse(self, line: str, *, last: bool) -> dict[str, Any]:
        if last:
            self.fail("cut off in the middle of the line: a trace ends with a line break")
        try:
            value = json.loads(
                line,
                parse_float=_no_fraction,
                parse_constant=_no_fraction,
                object_pairs_hook=_unique,
            )
        except (ValueError, RecursionError) as error:
            self.fail(f"not JSON: {error}")
        if not isinstance(value, dict):
            self.fail("not a JSON object: header, step and end are objects")
        return value

    def valid(self, value: dict[str, Any], definition: str) -> None:
        if (wrong := problem(value, SCHEMA, definition)) is not None:
            self.fail(f"not a {definition} line of a version {TRACE_VERSION} trace: {wrong}")

    def header(self, value: dict[str, Any]) -> dict[str, Any]:
        if value.get("trace") != TRACE_FORMAT:
            self.fail(f"not a trace header: it starts with {{'trace': '{TRACE_FORMAT}'}}")
        if value.get("version") != TRACE_VERSION:
            self.fail(
                f"trace version {value.get('version')!r}: this program reads version "
                f"{TRACE_VERSION}"
            )
        if value.get("profile") is not None:
            try:
                profile_from_json(value["profile"])
            except CodecError as error:
                self.fail(str(error))
        self.valid(value, "header")
        try:
            fix(profile_from_json(value["profile"]), config_from_json(value["config"]))
        except (CodecError, ConfigError) as error:
            if isinstance(error, CodecError) or "refuse" not in value:
                self.fail(f"the model refuses this configuration: {error}")
        else:
            if "refuse" in value:
                self.fail("the model accepts this configuration, which is said to be refused")
        return value | {"see": self.seen(value)}

    def seen(self, value: dict[str, Any]) -> Observation | None:
        try:
            return observation_from_json(value["see"]) if "see" in value else None
        except CodecError as error:
            self.fail(str(error))

    def step(self, value: dict[str, Any], expected: int) -> TraceStep:
        self.valid(value, "step")
        if value["step"] != expected:
            self.fail(f"step {value['step']} where step {expected} is due")
        try:
            layout = layout_from_json(value.get("layout", {}))
            action = action_from_json(value["do"])
            if layout.sets_up and action.op not in SETS_UP:
                self.fail(
                    f"a layout of {action.op.value} says how a queue is set up: expected after "
                    f"{' or '.join(sorted(op.value for op in SETS_UP))}"
                )
            return TraceStep(action, self.seen(value), layout)
        except CodecError as error:
            self.fail(str(error))

    def end(self, value: dict[str, Any], steps: int, rest: list[str]) -> None:
        self.valid(value, "end")
        if value["end"]["steps"] != steps:
            self.fail(f"the end speaks of {value['end']['steps']} steps, the file holds {steps}")
        if rest != [""]:
            self.number += 1
            self.fail("text after the end of the trace: the end is the last line")

    def finding(self, found: dict[str, Any], steps: int) -> None:
        if found["step"] > steps:
            self.fail(f"the finding is at step {found['step']} of {steps}")
        names = {
            "invariant": tuple(INVARIANT_NAMED),
            "contract": tuple(CONTRACT_NAMED),
            "divergence": tuple(FIELDS),
            "virtio": tuple(RULE_NAMED),
            "unshown": (*FIELDS, "used"),
        }
        if found["what"] not in (known := names.get(found["kind"], ("",))):
            self.fail(f"the finding names {found['what']!r}: known are {', '.join(known)}")

    def built(self, header: dict[str, Any], steps: tuple[TraceStep, ...]) -> Trace:
        found = header.get("finding")
        if found is not None:
            self.number = 1
            self.finding(found, len(steps))
        if "refuse" in header and steps:
            self.number = 2
            self.fail("steps of a device that must be refused: expected the end here")
        return Trace(
            profile=profile_from_json(header["profile"]),
            config=config_from_json(header["config"]),
            steps=steps,
            seed=header["seed"],
            finding=None if found is None else Finding(**found | {"kind": Kind(found["kind"])}),
            seen=header["see"],
            refuse="refuse" in header,
        )


def _no_fraction(text: str) -> NoReturn:
    raise ValueError(f"{text} where only whole numbers are right")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a member is named twice")
    return value

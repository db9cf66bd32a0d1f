"""A device's memslots over the steps of a trace, for the page to draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from conformance.check.explain import describe, device_line
from conformance.judge.oracle import shared, spelled
from conformance.report.bars import Bar, bar, device_of
from conformance.targets.reference import at_start
from conformance.traces.codec import observation_to_json
from conformance.traces.sizes import format_size
from conformance.traces.slotmap import slot_map
from conformance.traces.trace import Trace, TraceError, read_trace
from model.device import ReferenceDevice
from model.observation import Observation

SHOWN_STEPS: Final = 12
"""Steps drawn at most, the last ones."""
LONGEST: Final = 200
"""Characters of a field that are shown at most."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A step and the region after it, as the model has it.

    `differs` are the fields that the device showed otherwise, each with what was allowed and what
    was seen; `seen` is drawn beside where those are the mapped memslots. `text` is the region in
    words.
    """

    number: int
    done: str
    allowed: str
    seen_answer: str | None
    bar: Bar
    seen: Bar | None
    differs: tuple[tuple[str, str, str], ...]
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The trace in a file, drawn: `left_out` steps are not shown at its start, those that draw the
    same lie together.

    `pictures` are empty where `note` says why nothing is drawn.
    """

    trace: Path
    device: str
    left_out: int
    pictures: tuple[tuple[Moment, ...], ...]
    note: str


def drawn_trace(file: Path) -> Drawn:
    """The trace in a file, followed by the model step by step."""
    try:
        trace = read_trace(file)
        left_out, shown = moments(trace)
    except TraceError as error:
        return Drawn(file, "", 0, (), f"not drawn: {error}")
    model = ReferenceDevice(trace.profile, trace.config)
    return Drawn(file, device_line(trace.config, model.fixed.slots), left_out, pictures(shown), "")


def trace_file(kept: str | None, place: Path) -> Path:
    """The trace that a document names: where it was kept, or beside the document."""
    path = Path(kept or "no trace kept")
    beside = (place / path.name, place / "traces" / path.name)
    return next((file for file in (path, *beside) if file.exists()), path)


def pictures(shown: Sequence[Moment]) -> tuple[tuple[Moment, ...], ...]:
    """Neighbours that draw the same as one; what the device showed otherwise stands alone."""
    alike = groupby(shown, key=lambda m: (m.bar, m.number if m.differs else -1))
    return tuple(tuple(members) for _, members in alike)


def moments(trace: Trace) -> tuple[int, list[Moment]]:
    """How many steps are left out at the start, and the moments of the others."""
    every = list(_moments(trace))
    first = max(len(every) - SHOWN_STEPS - 1, 0)
    return first, every[first:]


def _moments(trace: Trace) -> Iterator[Moment]:
    model = ReferenceDevice(trace.profile, trace.config)
    yield _moment(0, "start", at_start(model), trace.seen, model)
    for number, step in enumerate(trace.steps, 1):
        allowed = model.apply(step.action)
        yield _moment(number, describe(step.action, trace.config), allowed, step.seen, model)


def _moment(
    number: int, done: str, allowed: Observation, seen: Observation | None, model: ReferenceDevice
) -> Moment:
    other = None
    if seen is not None and seen.mapped is not None and seen.mapped != allowed.mapped:
        other = bar(device_of(model.fixed, model.state, seen.mapped))
    return Moment(
        number=number,
        done=done,
        allowed=allowed.answer.value,
        seen_answer=None if seen is None else seen.answer.value,
        bar=bar(device_of(model.fixed, model.state, model.state.mapped)),
        seen=other,
        differs=() if seen is None else tuple(_differing(allowed, seen)),
        text=tuple(slot_map(model.fixed, model.state)),
    )


def _differing(allowed: Observation, seen: Observation) -> Iterator[tuple[str, str, str]]:
    """The fields compared that differ, as what was allowed and what was seen."""
    want, have = observation_to_json(allowed), observation_to_json(seen)
    for name in shared(allowed, seen):
        if want.get(name) != have.get(name):
            yield name, _spelled(name, want.get(name)), _spelled(name, have.get(name))


SIZES: Final = frozenset({"size", "requested", "usable"})
"""Fields in bytes."""


def _spelled(name: str, value: Any) -> str:
    if value is None:
        text = "nothing"
    elif name in SIZES:
        text = format_size(value)
    elif name == "mapped":
        runs = (str(a) if b == a + 1 else f"{a} to {b - 1}" for a, b in value)
        text = ", ".join(runs) or "none"
    else:
        text = spelled(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."

"""A device's memslots over the steps of a trace, as shapes for the page to draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.check.explain import describe
from conformance.targets.reference import at_start
from conformance.traces.slotmap import slot_map
from conformance.traces.trace import Trace, TraceError, read_trace
from model.device import ReferenceDevice
from model.extents import Extents
from model.metadata import slot_spans
from model.observation import Observation
from model.state import ConcreteState, Fixed

WIDTH: Final = 1000.0
"""Units of a bar: the whole region."""
MOST_BORDERS: Final = 300
"""Memslots whose borders are drawn; more would be a grey area."""
SHOWN_STEPS: Final = 12
"""Steps drawn at most, the last ones."""

Run = tuple[float, float]
"""Start and width of a shape."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The region at one moment: `lost` are plugged blocks that lie in no mapped memslot."""

    mapped: tuple[Run, ...]
    plugged: tuple[Run, ...]
    lost: tuple[Run, ...]
    borders: tuple[float, ...]
    requested: float
    usable: float
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A step and the region after it, as the model has it.

    `seen` is drawn beside it where the device showed other mapped memslots.
    """

    number: int
    done: str
    allowed: str
    seen_answer: str | None
    bar: Bar
    seen: Bar | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The trace in a file, drawn: `left_out` steps are not shown at its start.

    `moments` are empty where `note` says why nothing is drawn.
    """

    trace: Path
    left_out: int
    moments: tuple[Moment, ...]
    note: str


def drawn_trace(file: Path) -> Drawn:
    """The trace in a file, followed by the model step by step."""
    try:
        left_out, shown = moments(read_trace(file))
    except TraceError as error:
        return Drawn(file, 0, (), f"not drawn: {error}")
    return Drawn(file, left_out, tuple(shown), "")


def trace_file(kept: str | None, place: Path) -> Path:
    """The trace that a document names: where it was kept, or beside the document."""
    path = Path(kept or "no trace kept")
    beside = place / path.name
    return path if path.exists() or not beside.exists() else beside


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
        other = bar(model.fixed, model.state, seen.mapped)
    return Moment(
        number=number,
        done=done,
        allowed=allowed.answer.value,
        seen_answer=None if seen is None else seen.answer.value,
        bar=bar(model.fixed, model.state, model.state.mapped),
        seen=other,
    )


def bar(fixed: Fixed[int, bool], state: ConcreteState, mapped: Extents) -> Bar:
    """The region of a state, with these memslots mapped."""
    reachable = Extents.EMPTY
    for start, size in slot_spans(fixed, mapped):
        reachable = reachable.with_range(start, start + size)
    plugged, lost = state.plugged, state.plugged
    for start, end in reachable.ranges():
        lost = lost.without_range(start // fixed.block, end // fixed.block)
    for start, end in lost.ranges():
        plugged = plugged.without_range(start, end)
    count = fixed.slots.count
    borders = range(1, count) if count <= MOST_BORDERS else range(0)
    return Bar(
        mapped=_scaled(reachable, 1, fixed),
        plugged=_scaled(plugged, fixed.block, fixed),
        lost=_scaled(lost, fixed.block, fixed),
        borders=tuple(_at(index * fixed.slots.size, fixed) for index in borders),
        requested=_at(state.requested, fixed),
        usable=_at(state.usable, fixed),
        text=tuple(slot_map(fixed, state)),
    )


def _at(offset: int, fixed: Fixed[int, bool]) -> float:
    return round(WIDTH * offset / fixed.region, 3)


def _scaled(items: Extents, unit: int, fixed: Fixed[int, bool]) -> tuple[Run, ...]:
    return tuple(
        (_at(start * unit, fixed), _at((end - start) * unit, fixed))
        for start, end in items.ranges()
    )

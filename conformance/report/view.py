"""What the page shows of each document, looked up and never retold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.metadata.chart import COLOURS, drawn, panel
from conformance.metadata.document import ITEMS, TOTALS
from conformance.report.documents import Document
from conformance.report.drawing import Moment, moments
from conformance.trace import TraceError, read_trace
from model.geometry import Memslots
from model.profiles import PROFILES, Mapping
from model.state import USABLE_EXTENT_X86, Fixed

INK: Final = {"#000000": "currentColor", "#ffffff": "none", "#cccccc": "currentColor"}
"""Colours of the plotting library, and what follows the page's own."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a check: `moments` are empty where `note` says why nothing is drawn.

    `trace` is the file that they were read from.
    """

    document: Document
    trace: Path
    left_out: int
    moments: tuple[Moment, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Cost:
    """The metadata of one document, with its drawing as SVG text."""

    document: Document
    drawing: str


@dataclass(frozen=True, slots=True)
class View:
    """All that the page shows; `verdicts` counts theorems over all proof documents."""

    proofs: tuple[Document, ...]
    checks: tuple[Document, ...]
    failures: tuple[Failure, ...]
    costs: tuple[Cost, ...]
    verdicts: dict[str, int]
    items: dict[str, str]
    totals: dict[str, str]
    profiles: dict[str, str]


def view(documents: Sequence[Document]) -> View:
    """What the page shows of these documents."""

    def of(command: str) -> tuple[Document, ...]:
        return tuple(d for d in documents if d.command == command)

    verdicts: Counter[str] = Counter()
    for document in of("prove"):
        verdicts.update(theorem["verdict"] for theorem in document.data["theorems"])
    costs = of("metadata")
    return View(
        proofs=of("prove"),
        checks=of("check"),
        failures=tuple(failures(of("check"))),
        costs=tuple(Cost(document, drawing(document)) for document in costs),
        verdicts=dict(verdicts),
        items=ITEMS,
        totals=TOTALS,
        profiles={profile.name: profile.summary for profile in PROFILES.values()},
    )


def failures(checks: Iterable[Document]) -> Iterable[Failure]:
    """The failing traces of checks, followed by the model step by step."""
    for document in checks:
        failure = document.data["failure"]
        if failure is None:
            continue
        trace = trace_file(document)
        try:
            left_out, shown = moments(read_trace(trace))
        except TraceError as error:
            yield Failure(document, trace, 0, (), f"not drawn: {error}")
        else:
            yield Failure(document, trace, left_out, tuple(shown), "")


def trace_file(document: Document) -> Path:
    """The trace of a failing check: where it was kept, or beside its document."""
    kept = Path(document.data["failure"]["trace"] or "no trace kept")
    beside = document.place / kept.name
    return kept if kept.exists() or not beside.exists() else beside


def drawing(document: Document) -> str:
    """The chart of a metadata document as SVG text that follows the page's colours."""
    profile = document.data["profile"]
    panels = [panel(d["name"], fixed_of(d, profile)) for d in document.data["devices"]]
    svg = drawn(panels, "svg", salt=document.name).decode()
    svg = svg[svg.index("<svg") :]
    for name, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--chart-{name})")
    for colour, ink in INK.items():
        svg = svg.replace(colour, ink)
    return svg


def fixed_of(device: dict[str, Any], profile: str) -> Fixed[int, bool]:
    """The device that a metadata document speaks of."""
    slots = device["slots"]
    return Fixed(
        profile=PROFILES[profile],
        mapping=Mapping(device["mapping"]),
        slots=Memslots(count=slots["count"], size=slots["size"]),
        region=device["region"],
        block=device["block"],
        addr=device["addr"],
        extent=USABLE_EXTENT_X86,
        start_requested=0,
        inaccessible=Mapping(device["mapping"]) is Mapping.PLUGGED,
        prealloc=False,
    )

"""What the page shows of each document, looked up and never retold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.virtio.rule import Rule
from conformance.judge.virtio.rules import RULES
from conformance.metadata.chart import drawn, over_plugged
from conformance.metadata.device import DeviceMetadata
from conformance.metadata.document import asked_of
from conformance.metadata.text import PATCH_ITEMS, PATCH_TOTALS, WHAT
from conformance.report.documents import Document
from conformance.report.findings import Finding, findings
from conformance.report.first import SOURCES, First, first
from conformance.report.matrix import Matrix, matrix
from conformance.report.proofs import Group, groups
from model.extents import Extents
from model.geometry import Memslots
from model.profiles import PROFILES, Mapping
from model.state import USABLE_EXTENT_X86, Fixed


@dataclass(frozen=True, slots=True)
class Cost:
    """The metadata of one document, with its drawings as SVG elements."""

    document: Document
    drawings: tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class View:
    """All that the page shows; `rules` says what each rule of VIRTIO does, `checks` has real
    devices ahead of the model."""

    first: First
    findings: tuple[Finding, ...]
    sources: tuple[Document, ...]
    proofs: tuple[Document, ...]
    groups: dict[str, list[Group]]
    checks: tuple[Document, ...]
    rules: tuple[Rule, ...]
    drivers: tuple[Document, ...]
    driver_rules: tuple[Rule, ...]
    explored: tuple[Document, ...]
    catalogues: tuple[Document, ...]
    matrices: tuple[Matrix, ...]
    mutants: tuple[Document, ...]
    costs: tuple[Cost, ...]
    items: dict[str, str]
    patch_rows: dict[str, dict[str, str]]
    profiles: dict[str, str]

    @property
    def traces(self) -> list[Path]:
        """All traces that the page draws or names."""
        drawn = [f.drawn.trace for f in self.findings if f.drawn and f.drawn.pictures]
        return list(dict.fromkeys([*drawn, *(t for f in self.findings for t in f.traces)]))


def view(documents: Sequence[Document]) -> View:
    """What the page shows of these documents."""

    def of(*commands: str) -> tuple[Document, ...]:
        return tuple(d for d in documents if d.command in commands)

    return View(
        first=first(documents),
        findings=tuple(findings(documents)),
        sources=of(*SOURCES),
        proofs=of("prove"),
        groups={document.name: groups(document) for document in of("prove")},
        checks=tuple(sorted(of("check"), key=lambda d: d.data["target"] == "reference")),
        rules=RULES,
        drivers=of("check-driver"),
        driver_rules=DRIVER_RULES,
        explored=of("explore"),
        catalogues=of("check --catalogue"),
        matrices=tuple(map(matrix, of("compare"))),
        mutants=of("mutants"),
        costs=tuple(Cost(document, drawings(document)) for document in of("metadata")),
        items=WHAT,
        patch_rows={"items": PATCH_ITEMS, "totals": PATCH_TOTALS},
        profiles={profile.name: profile.summary for profile in PROFILES.values()},
    )


def drawings(document: Document) -> tuple[Markup, ...]:
    """The charts of a metadata document, none for the patch's own table."""
    asked = asked_of(document.data)
    if asked is None:
        return ()
    devices = [device_of(d, document.data["profile"]) for d in document.data["devices"]]
    return tuple(drawn(panel) for device in devices for panel in over_plugged(device, asked))


def device_of(device: dict[str, Any], profile: str) -> DeviceMetadata:
    """A device of a metadata document."""
    fixed = fixed_of(device, profile)
    mapped = Extents.EMPTY
    for start, end in device["mapped"]:
        mapped = mapped.with_range(start, end)
    option, limit = device["option"], device["limit"]
    return DeviceMetadata(device["name"], option, limit, fixed, device["plugged"], mapped)


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

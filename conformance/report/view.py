"""What the page shows of each document, looked up and never retold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from conformance.check.explain import replay_command
from conformance.judge.driver.rules import DRIVER_RULES
from conformance.judge.virtio.rule import Rule
from conformance.judge.virtio.rules import RULES
from conformance.metadata.chart import drawn, over_plugged
from conformance.metadata.device import DeviceMetadata
from conformance.metadata.document import asked_of
from conformance.metadata.text import PATCH_ITEMS, PATCH_TOTALS, WHAT
from conformance.report.documents import Document
from conformance.report.drawing import Drawn, drawn_trace, trace_file
from conformance.report.matrix import Matrix, matrix
from conformance.report.proofs import Group, Refuted, groups, refuted
from model.extents import Extents
from model.geometry import Memslots
from model.profiles import PROFILES, Mapping
from model.state import USABLE_EXTENT_X86, Fixed


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed in a check: the first failing trace, or a scenario; `title` says what, `claim`
    what was held against it, and `replay` how it fails again."""

    document: Document
    title: str
    claim: str
    replay: str
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class Cost:
    """The metadata of one document, with its drawings as SVG elements."""

    document: Document
    drawings: tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class View:
    """All that the page shows; `verdicts` counts theorems, `rules` says what each rule of VIRTIO
    does."""

    proofs: tuple[Document, ...]
    groups: dict[str, list[Group]]
    refuted: tuple[Refuted, ...]
    checks: tuple[Document, ...]
    failures: tuple[Failure, ...]
    rules: tuple[Rule, ...]
    drivers: tuple[Document, ...]
    driver_rules: tuple[Rule, ...]
    matrices: tuple[Matrix, ...]
    mutants: tuple[Document, ...]
    costs: tuple[Cost, ...]
    verdicts: dict[str, int]
    items: dict[str, str]
    patch_rows: dict[str, dict[str, str]]
    profiles: dict[str, str]

    @property
    def drawn(self) -> list[Drawn]:
        """All traces that the page draws."""
        every = [shown.drawn for shown in self.refuted] + [shown.drawn for shown in self.failures]
        return [drawn for drawn in every if drawn.moments]


def view(documents: Sequence[Document]) -> View:
    """What the page shows of these documents."""

    def of(command: str) -> tuple[Document, ...]:
        return tuple(d for d in documents if d.command == command)

    return View(
        proofs=of("prove"),
        groups={document.name: groups(document) for document in of("prove")},
        refuted=tuple(found for document in of("prove") for found in refuted(document)),
        checks=of("check"),
        failures=tuple(failures(of("check"))),
        rules=RULES,
        drivers=of("check-driver"),
        driver_rules=DRIVER_RULES,
        matrices=tuple(map(matrix, of("compare"))),
        mutants=of("mutants"),
        costs=tuple(Cost(document, drawings(document)) for document in of("metadata")),
        verdicts=verdicts(of("prove")),
        items=WHAT,
        patch_rows={"items": PATCH_ITEMS, "totals": PATCH_TOTALS},
        profiles={profile.name: profile.summary for profile in PROFILES.values()},
    )


def verdicts(proofs: Iterable[Document]) -> dict[str, int]:
    """How many theorems have which verdict, over all documents of prove.

    One about the decision counts once, one about a transition in each profile and way of mapping.
    """
    found: dict[tuple[str, ...], None] = {}
    for document in proofs:
        for theorem in document.data["theorems"]:
            found[theorem["verdict"], theorem["name"]] = None
        for proof in document.data["transitions"]:
            place = (proof["profile"], proof["mapping"], proof["theorem"])
            found[(proof["verdict"], *place)] = None
    return dict(Counter(key[0] for key in found))


def failures(checks: Iterable[Document]) -> Iterable[Failure]:
    """What failed in checks, each with its trace followed by the model step by step."""
    for document in checks:
        name = f"{document.data['target']} against {document.data['profile']}"
        if failure := document.data["failure"]:
            yield Failure(
                document,
                title=f"{name}: {failure['finding']['message']}",
                claim=failure["claim"],
                replay=failure["replay"],
                drawn=drawn_trace(trace_file(failure["trace"], document.place)),
            )
        for scenario in document.data["scenarios"]:
            if scenario["trace"] is not None:
                yield Failure(
                    document,
                    title=f"{name}: scenario {scenario['id']}",
                    claim=f"{scenario['verdict']}: {scenario['message']}",
                    replay=replay_command(Path(scenario["trace"]), document.data["target"]),
                    drawn=drawn_trace(trace_file(scenario["trace"], document.place)),
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

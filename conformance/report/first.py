"""The first screen: the verdict on what is reviewed, and what it rests on in three groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from conformance.report.documents import Document
from conformance.report.source import is_patch, through, verb

GOOD, BAD, OPEN = "good", "bad", "open"
"""The tones of a card: it holds, it fails, nobody knows."""
SOURCES: Final = ("verify-source", "verify-source --against")
LOOKED_AT: Final = ("equal", "differs", "not verified", "taken on trust, text changed")
"""Verdicts on functions that the sentence counts."""


@dataclass(frozen=True, slots=True)
class Card:
    """One thing that was looked at: `figure` is the verdict in two or three words."""

    tone: str
    figure: str
    title: str
    lines: tuple[str, ...]
    link: str


@dataclass(frozen=True, slots=True)
class Group:
    """Cards of one kind; where there is none, `missing` is the command that would make one."""

    title: str
    cards: tuple[Card, ...]
    missing: str


@dataclass(frozen=True, slots=True)
class First:
    """The sentence, its tone, and the groups."""

    tone: str
    sentence: str
    groups: tuple[Group, ...]


def first(documents: Sequence[Document]) -> First:
    """What the first screen shows of these documents."""

    def of(*commands: str) -> list[Document]:
        return [d for d in documents if d.command in commands]

    checks = of("check")
    models = [d for d in checks if d.data["target"] == "reference"]
    devices = [d for d in checks if d.data["target"] != "reference"]
    source = tuple(map(source_card, of(*SOURCES)))
    model = (
        *map(proof_card, of("prove")),
        *([models_card(models)] if models else []),
        *map(explore_card, of("explore")),
        *map(mutants_card, of("mutants")),
        *map(catalogue_card, of("check --catalogue")),
    )
    real = (
        *map(device_card, devices),
        *map(driver_card, of("check-driver")),
        *(measured_card(d) for d in of("metadata") if d.data["measured"]),
    )
    clauses = [*_source(of(*SOURCES)), *_devices(devices, of("check-driver"))]
    clauses += _model(of("prove"), models)
    groups = (
        Group("The source or patch", source, "slotproof verify-source FILE --json"),
        Group("The model and its proofs", model, "slotproof prove --json"),
        Group("Real devices", real, "slotproof check --target TARGET --json"),
    )
    tones = [card.tone for group in groups for card in group.cards]
    subject = next((group.cards for group in (groups[0], groups[2], groups[1]) if group.cards), ())
    sentence = "; ".join(clauses) or "no document says what is proven or checked"
    tone = worst([card.tone for card in subject] or tones)
    return First(tone, f"{sentence[:1].upper()}{sentence[1:]}.", groups)


def worst(tones: Sequence[str]) -> str:
    """The worst of some tones."""
    return next((tone for tone in (BAD, OPEN) if tone in tones), GOOD)


def many(count: int, one: str, more: str = "") -> str:
    """A count and what is counted."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def counted(functions: Sequence[dict[str, Any]]) -> Counter[str]:
    """How many functions have which verdict."""
    return Counter(one["verdict"] for one in functions)


def _source(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        data = document.data
        counts = counted(data["functions"])
        name = f"{'the patch' if is_patch(data) else 'the source'} {PurePath(data['file']).name}"
        what = f"what it was in {data['against']}" if "against" in data else ""
        what = what or f"the rules of {data['profile']}"
        every = sum(counts[verdict] for verdict in LOOKED_AT)
        if counts["differs"]:
            told = f"in {counts['differs']} of {many(every, 'function')}"
            yield f"{name} differs from {what} {told}{through(data)}"
        elif data["exit_code"]:
            unknown = every - counts["equal"]
            yield f"{name} is not shown to be equal to {what}: {many(unknown, 'function')} open"
        else:
            yield f"{name} is proven equal to {what} in {many(counts['equal'], 'function')}"


def _devices(devices: Sequence[Document], drivers: Sequence[Document]) -> Iterator[str]:
    if len(devices) + len(drivers) > 1:
        bad = sum(d.data["verdict"] != "holds" for d in (*devices, *drivers))
        every = many(len(devices) + len(drivers), "device or driver", "devices and drivers")
        yield f"{bad} of {every} checked {'fails' if bad == 1 else 'fail'}"
        return
    for document in devices:
        data = document.data
        name = named(document)
        if data["verdict"] == "holds":
            yield f"{name} does as {_judge(data)} allows in {many(data['steps'], 'step')} checked"
        elif data["verdict"] == "fails":
            yield f"{name} fails: it does what {_judge(data)} does not allow"
        else:
            yield f"{name} is not decided"
    for document in drivers:
        data = document.data
        does = "keeps the rules" if data["verdict"] == "holds" else "fails"
        lists = f"{many(data['lists'], 'list')} of events"
        yield f"{data['driver']} on {data['device']} {does} in {lists}"


def _judge(data: dict[str, Any]) -> str:
    return "VIRTIO" if data["oracle"] == "virtio" else f"the model of {data['profile']}"


def _model(proofs: Sequence[Document], models: Sequence[Document]) -> Iterator[str]:
    verdicts: Counter[str] = Counter()
    for document in proofs:
        stated = [*document.data["theorems"], *document.data["transitions"]]
        verdicts.update(one["verdict"] for one in stated)
    if every := sum(verdicts.values()):
        told = f"{verdicts['proven']:,} of {many(every, 'theorem')} about the model are proven"
        bad = [f"{verdicts[v]:,} {v}" for v in ("refuted", "vacuous", "unknown") if verdicts[v]]
        yield ", ".join([told, *bad])
    elif models:
        bad = [d.data["profile"] for d in models if d.data["verdict"] != "holds"]
        yield (
            f"a device that does as profile {' or '.join(bad)} says breaks what is claimed of it"
            if bad
            else f"the model keeps its own claims in {many(len(models), 'profile')}"
        )


def named(document: Document) -> str:
    """A device by its target and, where it says so, its version."""
    target = str(document.data["target"])
    version = document.data.get("decisions", {}).get("version")
    if target.startswith("cmd:"):
        return f"the device {program(target.removeprefix('cmd:'))}"
    return f"QEMU {version}" if version else target


def program(command: str) -> str:
    """A command without its folders, and without the Python that runs it."""
    words = [PurePath(word).name for word in command.split()]
    if len(words) > 1 and words[0].startswith("python"):
        del words[0]
    return " ".join(words)


def _dated(document: Document) -> list[str]:
    return [document.date] if document.date else []


def _remembered(data: dict[str, Any]) -> list[str]:
    if "oldest" not in data:
        return []
    since = f" from {data['oldest']}" if data["oldest"] else ""
    return [f"{data['remembered']:,} remembered{since}, {data['decided']:,} decided now"]


def source_card(document: Document) -> Card:
    """A source or a patch."""
    data = document.data
    counts = counted(data["functions"])
    figure = "proven equal"
    if counts["differs"]:
        figure = many(counts["differs"], "function differs", "functions differ")
    elif data["exit_code"]:
        figure = "not verified"
    told = ", ".join(f"{count} {verb(verdict, count)}" for verdict, count in counts.items())
    base = f" on {data['base']}" if data["base"] else ""
    against = f"against {data['against']}" if "against" in data else f"profile {data['profile']}"
    tone = {0: GOOD, 1: BAD}.get(data["exit_code"], OPEN)
    lines = (f"{against}: {told}", *_remembered(data), data["solver"], *_dated(document))
    return Card(tone, figure, f"{PurePath(data['file']).name}{base}", lines, "source")


def proof_card(document: Document) -> Card:
    """The theorems about a profile."""
    data = document.data
    stated = [*data["theorems"], *data["transitions"]]
    proven = sum(one["verdict"] == "proven" for one in stated)
    profiles = ", ".join(dict.fromkeys(proof["profile"] for proof in data["transitions"]))
    refuted = sum(one["verdict"] == "refuted" for one in stated)
    expected = ", as expected" if refuted and data["exit_code"] == 0 else ""
    lines = [f"{many(refuted, 'claim is', 'claims are')} refuted{expected}"] if refuted else []
    lines += [*_remembered(data), " and ".join(data["solvers"]), *_dated(document)]
    tone = {0: GOOD, 1: BAD}.get(data["exit_code"], OPEN)
    about = f"theorems about {profiles}" if profiles else "theorems about the decision"
    return Card(tone, f"{proven:,} of {len(stated):,} proven", about, tuple(lines), "proofs")


def models_card(models: Sequence[Document]) -> Card:
    """The model checked against itself, in all profiles together."""
    held = [d.data["profile"] for d in models if d.data["verdict"] == "holds"]
    fails = [d.data["profile"] for d in models if d.data["verdict"] != "holds"]
    steps = sum(d.data["steps"] for d in models)
    lines = [f"{many(steps, 'step')} checked"]
    lines += [f"not {', '.join(fails)}"] if fails else []
    figure = f"{len(held)} of {len(models)} hold"
    title = "the model against its invariants and contracts"
    return Card(BAD if fails else GOOD, figure, title, tuple(lines), "targets")


def explore_card(document: Document) -> Card:
    """A small device visited whole."""
    data = document.data
    whole = "every one" if data["complete"] else "not every one"
    return Card(
        GOOD if data["verdict"] == "holds" else BAD,
        f"{data['states']:,} states {'hold' if data['verdict'] == 'holds' else 'visited'}",
        f"a small device of {data['profile']}, {whole}",
        (f"{data['transitions']:,} steps, {many(len(data['broken']), 'claim')} broken",),
        "explore",
    )


def mutants_card(document: Document) -> Card:
    """Wrong rules."""
    data = document.data
    tone = {0: GOOD, 1: BAD}.get(data["exit_code"], OPEN)
    figure = f"{data['killed']:,} of {data['mutants']:,} noticed"
    lines = (f"{data['equivalent']:,} proven to do as the right rule does",)
    return Card(tone, figure, "wrong rules", lines, "mutants")


def catalogue_card(document: Document) -> Card:
    """Wrong devices."""
    data = document.data
    found = sum(bool({s["found_by"], s["scenario"]} & set(s["due"])) for s in data["searches"])
    tone = GOOD if data["verdict"] == "holds" else BAD
    figure = f"{found:,} of {len(data['searches']):,} found"
    title = f"searches for {len({s['fault'] for s in data['searches']})} wrong devices"
    lines = (f"at the median with {data['median_steps']:g} steps", *_dated(document))
    return Card(tone, figure, title, lines, "catalogue")


def device_card(document: Document) -> Card:
    """A real device, or a program that speaks for one."""
    data = document.data
    tone = {"holds": GOOD, "fails": BAD}.get(data["verdict"], OPEN)
    against = "by VIRTIO alone" if data["oracle"] == "virtio" else f"as {data['profile']}"
    steps = f"{many(data['traces'], 'trace')}, {many(data['steps'], 'step')}"
    title = f"{named(document)}, {against}"
    return Card(tone, data["verdict"], title, (steps, *_dated(document)), "targets")


def driver_card(document: Document) -> Card:
    """A driver, and the device that it ran on."""
    data = document.data
    tone = GOOD if data["verdict"] == "holds" else BAD
    title = f"{data['driver']} on {data['device']}"
    lines = (f"{many(data['lists'], 'list')} of events", *_dated(document))
    return Card(tone, data["verdict"], title, lines, "drivers")


def measured_card(document: Document) -> Card:
    """A kernel on which the metadata was measured."""
    data = document.data
    wrong = sum(bool(case["differs"]) for case in data["measured"])
    every = len(data["measured"])
    figure = f"{every - wrong} of {every} as predicted"
    title = f"metadata measured on {data['kernel']['name']}"
    return Card(BAD if wrong else GOOD, figure, title, tuple(_dated(document)), "metadata")

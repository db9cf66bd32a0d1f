"""What is wrong, the worst first: each with what was allowed, what was seen, and how to see it
again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from conformance.check.explain import replay_command
from conformance.judge.verdict import FAILURES
from conformance.report.bars import Bar
from conformance.report.documents import Document
from conformance.report.drawing import Drawn, drawn_trace, trace_file
from conformance.report.first import named
from conformance.report.proofs import refuted
from conformance.report.reviewed import (
    changed_told,
    confirmed_told,
    drawn_sides,
    inputs_told,
    reached_told,
    sides,
    source_command,
)

FAILED: Final = frozenset(verdict.value for verdict in FAILURES)


class Rank(IntEnum):
    """How much a finding weighs for whoever reviews; the least is the worst."""

    SOURCE = 0
    """The source does otherwise than its rule."""
    DEVICE = 1
    """A real device or driver does otherwise than it may."""
    CLAIM = 2
    """A claim does not hold of the rules of a profile."""
    OPEN = 3
    """Nobody knows: not verified, not decided."""
    CHECKER = 4
    """Something wrong would not be noticed."""
    EXPECTED = 5
    """Known, and asked for as such."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    `about` says of what in a word or two, `title` what in a line, `claim` what was held against it,
    `facts` more by name; `drawn` is its trace, `bars` are drawn instead, each under its name.
    `again` is the command that shows it again, run `where` that says. What is `inner` lies in a
    function that only other ones call.
    """

    rank: Rank
    document: Document
    about: str
    title: str
    claim: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    drawn: Drawn | None = None
    bars: tuple[tuple[str, Bar], ...] = ()
    again: str = ""
    where: str = "beside this page"
    traces: tuple[Path, ...] = ()
    inner: bool = False


def findings(documents: Sequence[Document]) -> list[Finding]:
    """All that the documents say is wrong, the worst first."""
    found = [one for d in documents for one in FINDERS.get(d.command, _nothing)(d)]
    return sorted(found, key=lambda finding: (finding.rank, finding.inner))


def _nothing(document: Document) -> Iterator[Finding]:
    yield from ()


SOURCE_RANKS: Final = {
    "differs": Rank.SOURCE,
    "not verified": Rank.OPEN,
    "taken on trust, text changed": Rank.OPEN,
}


def _of_source(document: Document) -> Iterator[Finding]:
    for one in document.data["functions"]:
        name = one["function"]
        if (rank := SOURCE_RANKS.get(one["verdict"])) is None:
            continue
        place = f"{one['file'] or document.data['file']}:{one['line']}"
        if rank is Rank.OPEN:
            reason = one["reason"] or one["verdict"]
            yield Finding(rank, document, "source", f"{name}: {one['verdict']}", reason)
            continue
        told = tuple(sides(one))
        rule = one.get("rule")
        yield Finding(
            rank,
            document,
            "source",
            f"{name} differs: {one['what']}",
            f"the rule {rule} of profile {document.data['profile']}"
            if rule
            else f"what the function did in {document.data['against']}",
            (
                ("where", place),
                *changed_told(one),
                *told,
                *inputs_told(one["inputs"] or {}),
                *reached_told(one),
                *confirmed_told(one),
            ),
            bars=tuple(drawn_sides(one)),
            again=source_command(document.data, name),
            where=f"where {document.name} was made",
            inner=bool(one.get("helper")),
        )
    for name in document.data["uncovered"]:
        title = f"{name}: changed by the patch and not covered"
        yield Finding(Rank.OPEN, document, "source", title)


def _of_check(document: Document) -> Iterator[Finding]:
    data = document.data
    model = data["target"] == "reference"
    rank = Rank.CLAIM if model else Rank.DEVICE
    about = f"the model of {data['profile']}" if model else named(document)
    for failure in filter(None, [data["failure"], *data["others"]]):
        again, traces = moved(failure["replay"], document.place)
        yield Finding(
            rank,
            document,
            about,
            failure["finding"]["message"],
            failure["claim"],
            (("profile", data["profile"]),),
            drawn_trace(trace_file(failure["trace"], document.place)),
            again=again,
            traces=tuple(traces),
        )
    for scenario in data["scenarios"]:
        if scenario["verdict"] in FAILED or scenario["trace"] is not None:
            known = scenario["verdict"] not in FAILED
            yield _scenario(scenario, Rank.EXPECTED if known else rank, document, about)
    for difference in data.get("decisions", {}).get("differences", ()):
        yield Finding(rank, document, about, f"memslot decision: {difference}")
    if data["verdict"] == "undecided":
        title = "it refused every device that it was asked for"
        yield Finding(Rank.OPEN, document, about, title)


def _scenario(scenario: dict[str, Any], rank: Rank, document: Document, about: str) -> Finding:
    drawn, again = None, ""
    traces: list[Path] = []
    if scenario["trace"] is not None:
        kept = Path(scenario["trace"])
        drawn = drawn_trace(trace_file(scenario["trace"], document.place))
        command = replay_command(kept, document.data["target"])
        again, traces = moved(command, document.place)
    return Finding(
        rank,
        document,
        about,
        f"scenario {scenario['id']}: {scenario['verdict']}",
        scenario["message"],
        drawn=drawn,
        again=again,
        traces=tuple(traces),
    )


def _of_driver(document: Document) -> Iterator[Finding]:
    data = document.data
    if (failure := data["failure"]) is not None:
        again, traces = moved(failure["replay"] or "", document.place)
        yield Finding(
            Rank.DEVICE,
            document,
            f"{data['driver']} on {data['device']}",
            f"{failure['what']}: {failure['message']}",
            facts=(("events", ", ".join(failure["events"])),),
            again=again,
            traces=tuple(traces),
        )


def _of_proofs(document: Document) -> Iterator[Finding]:
    data = document.data
    expected = data["exit_code"] == 0
    for one in refuted(document):
        proof = one.proof
        limits = "; ".join(one.limits) or "none is proven"
        shown = proof["counterexample"]
        again = ""
        traces: list[Path] = []
        if proof["trace"]:
            again, traces = moved(replay_command(Path(proof["trace"]), None), document.place)
        yield Finding(
            Rank.EXPECTED if expected else Rank.CLAIM,
            document,
            f"profile {proof['profile']}",
            f"refuted: {proof['theorem']}, mapping {proof['mapping']}",
            proof["claim"],
            (
                *([("executed counterexample", shown)] if shown else []),
                ("weakest hypothesis under which it is proven", limits),
            ),
            one.drawn,
            again=again,
            traces=tuple(traces),
        )
    for theorem in data["theorems"]:
        if theorem["verdict"] != "proven":
            rank = Rank.OPEN if theorem["verdict"] == "unknown" else Rank.CLAIM
            facts = inputs_told(theorem["counterexample"] or {})
            title = f"{theorem['verdict']}: {theorem['name']}"
            yield Finding(rank, document, "the decision", title, theorem["claim"], tuple(facts))
    opened = [p for p in data["transitions"] if p["verdict"] not in ("proven", "refuted")]
    if opened:
        names = ", ".join(dict.fromkeys(p["theorem"] for p in opened))
        title = f"{len(opened)} theorems about transitions are not decided"
        yield Finding(Rank.OPEN, document, "the proofs", title, names)


def _of_explored(document: Document) -> Iterator[Finding]:
    for one in document.data["broken"]:
        kept = one["trace"]
        command = replay_command(Path(kept), None) if kept else ""
        again, traces = moved(command, document.place)
        yield Finding(
            Rank.CLAIM,
            document,
            f"profile {document.data['profile']}",
            f"{one['kind']} broken in {one['steps']} steps",
            one["claim"],
            drawn=drawn_trace(trace_file(kept, document.place)) if kept else None,
            again=again,
            traces=tuple(traces),
        )


def _of_catalogue(document: Document) -> Iterator[Finding]:
    for search in document.data["searches"]:
        names = {search["found_by"], search["scenario"]} - {None}
        if not names & set(search["due"]):
            title = f"the wrong device {search['fault']} is not found as is due"
            facts = (
                ("found by", search["found_by"] or "nothing"),
                ("due", " or ".join(search["due"])),
                ("seed", str(search["seed"])),
            )
            yield Finding(Rank.CHECKER, document, "the checker", title, search["says"], facts)


def _of_mutants(document: Document) -> Iterator[Finding]:
    for word in ("unexplained", "undecided"):
        if names := document.data[word]:
            title = f"{len(names)} wrong rules are {word}"
            yield Finding(Rank.CHECKER, document, "the proofs", title, ", ".join(names))


def _of_metadata(document: Document) -> Iterator[Finding]:
    for case in document.data["measured"]:
        if case["differs"]:
            title = f"measured otherwise than predicted: {', '.join(case['differs'])}"
            yield Finding(Rank.DEVICE, document, document.data["kernel"]["name"], title)


FINDERS: Final[dict[str, Callable[[Document], Iterable[Finding]]]] = {
    "verify-source": _of_source,
    "verify-source --against": _of_source,
    "check": _of_check,
    "check-driver": _of_driver,
    "prove": _of_proofs,
    "explore": _of_explored,
    "check --catalogue": _of_catalogue,
    "mutants": _of_mutants,
    "metadata": _of_metadata,
}


def moved(command: str, place: Path) -> tuple[str, list[Path]]:
    """A command with the traces that it names beside the page, and those traces where they are."""
    words, traces = [], []
    for word in shlex.split(command):
        if word.endswith(".jsonl"):
            traces.append(trace_file(word, place))
            words.append(f"traces/{Path(word).name}")
        else:
            words.append(word)
    return shlex.join(words), [trace for trace in traces if trace.exists()]

"""`slotproof merge`: one document of those that the shards of a run printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from conformance.commands.common import exit_with
from conformance.commands.options import report_options, write_reports
from conformance.commands.provenance import made
from conformance.report.documents import Document, ReportError, read
from model.profiles import PROFILES
from smt_proofs.book.plan import stated_names
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.transitions.claims import mappings_of, transitions
from smt_proofs.transitions.proofs import INVARIANTS_DEFINED

PARTS: Final = {
    "theorems": ("name",),
    "transitions": ("profile", "mapping", "transition", "theorem"),
    "lemmas": ("lemma",),
}
"""The lists of a document, and what tells an entry from the others."""
Key = tuple[str, ...]


class Differ(ValueError):
    """Documents that are no shards of one run; the message is one line."""


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DOCUMENT..."
)
@report_options
@click.option("--json", "as_json", is_flag=True, help="Print the merged document.")
def merge(
    paths: tuple[Path, ...], junit_file: Path | None, sarif_file: Path | None, as_json: bool
) -> None:
    """Join the documents of the shards of prove into the one of a whole run.

    A DOCUMENT is what prove --shard printed with --json. Ends as one run would have: 0 if
    everything is proven, 1 if something is refuted, 3 if something is not decided, which is what a
    theorem is that no document has.

    \b
    Examples:
      slotproof merge prove-1.json prove-2.json --junit prove.xml
    """
    try:
        documents = [read(path) for path in paths]
        merged, missing = joined(documents)
    except (ReportError, Differ) as error:
        raise click.UsageError(str(error)) from None
    write_reports(merged, junit_file, sarif_file)
    if as_json:
        click.echo(json.dumps(merged, indent=2))
    for name in missing:
        click.echo(f"NOT DECIDED {name}: in none of the documents", err=as_json)
    entries = [entry for part in PARTS for entry in merged[part]]
    proven = sum(entry["verdict"] == "proven" for entry in entries)
    told = f"merged {len(documents)} documents: {proven} of {len(entries)} proven"
    click.echo(told, err=as_json)
    exit_with(merged["exit_code"])


def joined(documents: Sequence[Document]) -> tuple[dict[str, Any], list[str]]:
    """The document of the whole, and what is in none of them, by name. Raises Differ."""
    for document in documents:
        if document.command != "prove":
            raise Differ(f"{document.name}: of {document.command}: expected what prove printed")
    profile = _same("profile", [_profile(document) for document in documents])
    solvers = _same("solvers", [tuple(document.data["solvers"]) for document in documents])
    parts = {part: _part(documents, part, of) for part, of in PARTS.items()}
    missing = _missing(profile, parts)
    days = [e["remembered"] for part in parts.values() for e in part.values() if e["remembered"]]
    every = sum(map(len, parts.values()))
    codes = {document.data["exit_code"] for document in documents} | ({3} if missing else set())
    merged = documents[0].data | {
        "solvers": list(solvers),
        "seconds": round(sum(document.data["seconds"] for document in documents), 3),
        "exit_code": 1 if 1 in codes else max(codes),
        "made": made(),
        "remembered": len(days),
        "decided": every - len(days),
        "oldest": min(days, default=None),
    }
    return merged | {part: _in_order(part, profile, parts[part]) for part in PARTS}, missing


def _profile(document: Document) -> str:
    """The profile of a shard: those with no transition have none, which fits any."""
    named = {proof["profile"] for proof in document.data["transitions"]}
    if len(named) > 1:
        raise Differ(f"{document.name}: of several profiles: expected what prove --shard printed")
    return named.pop() if named else ""


def _same(what: str, values: Sequence[Any]) -> Any:
    """The one value that all have, but for those that have none. Raises Differ."""
    found = sorted({value for value in values if value})
    if len(found) != 1:
        raise Differ(f"the documents are of {len(found)} {what}: expected those of one run")
    return found[0]


def _part(documents: Sequence[Document], part: str, of: Key) -> dict[Key, dict[str, Any]]:
    """The entries of all documents, each once. Raises Differ where two documents disagree."""
    found: dict[Key, dict[str, Any]] = {}
    for document in documents:
        for entry in document.data[part]:
            key = tuple(str(entry[name]) for name in of)
            before = found.setdefault(key, entry)
            if before["verdict"] != entry["verdict"]:
                raise Differ(
                    f"{document.name}: {key[-1]} is {entry['verdict']} there and "
                    f"{before['verdict']} in another: expected shards of one version"
                )
    return found


def _missing(profile: str, parts: dict[str, dict[Key, dict[str, Any]]]) -> list[str]:
    """What a whole run has and the shards have not: theorems, transitions of each way of mapping,
    lemmas."""
    missing = [name for name in stated_names(profile) if (name,) not in parts["theorems"]]
    there = {key[:3] for key in parts["transitions"]}
    for mapping in mappings_of(PROFILES[profile]):
        for transition in (INVARIANTS_DEFINED, *transitions()):
            if (profile, mapping.value, transition) not in there:
                missing.append(f"{transition} (mapping {mapping.value})")
    return missing + [n for n in (*LEMMAS, *INDUCTIONS) if (n,) not in parts["lemmas"]]


def _in_order(part: str, profile: str, entries: dict[Key, dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries in the order of one run."""
    if part == "theorems":
        order = list(THEOREMS)
        return sorted(entries.values(), key=lambda entry: order.index(entry["name"]))
    if part == "lemmas":
        order = [*LEMMAS, *INDUCTIONS]
        return sorted(entries.values(), key=lambda entry: order.index(entry["lemma"]))
    ways = [mapping.value for mapping in mappings_of(PROFILES[profile])]
    steps = [INVARIANTS_DEFINED, *transitions()]
    return sorted(
        entries.values(),
        key=lambda entry: (ways.index(entry["mapping"]), steps.index(entry["transition"])),
    )

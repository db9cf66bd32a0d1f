"""`slotproof merge`: one document of those that the shards of a run printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from conformance.commands.common import exit_with
from conformance.commands.options import report_options, write_reports
from conformance.commands.provenance import made
from conformance.report.documents import Document, ReportError, read
from model.profiles import PROFILES
from smt_proofs.book.plan import stated_names, told_names
from smt_proofs.decision.theorem import THEOREMS
from smt_proofs.lemmas.index_induction import INDUCTIONS
from smt_proofs.lemmas.lemma import LEMMAS
from smt_proofs.solving.solve import Verdict
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

    A DOCUMENT is what prove --shard printed with --json, all of one version and commit. Ends as
    one run would have: 0 if everything is proven, 1 if something is refuted, 3 if something is not
    decided, which is what a theorem is that no document has.

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
    entries = [entry for part in PARTS for entry in merged[part]]
    failing = dict.fromkeys(
        _failing(part, entry)
        for document in documents
        for part in PARTS
        for entry in document.data[part]
        if _code(entry)
    )
    for line in [*failing, *(f"NOT DECIDED {n}: in none of the documents" for n in missing)]:
        click.echo(line, err=as_json)
    proven = sum(entry["verdict"] == "proven" for entry in entries)
    every = len(entries) + len(missing)
    told = f"merged {len(documents)} documents: {proven} of {every} proven"
    click.echo(told, err=as_json)
    exit_with(merged["exit_code"])


def joined(documents: Sequence[Document]) -> tuple[dict[str, Any], list[str]]:
    """The document of the whole, and what is in none of them, by name. Raises Differ."""
    for document in documents:
        if document.command != "prove":
            raise Differ(f"{document.name}: of {document.command}: expected what prove printed")
    version, commit = _same(
        "versions or commits", documents, lambda d: [(d["version"], d["commit"])], "made"
    )
    solvers = _same("lists of solvers", documents, lambda solvers: [tuple(solvers)], "solvers")
    profile = _same(
        "profiles", documents, lambda proofs: [p["profile"] for p in proofs], "transitions"
    )
    parts = {part: _part(documents, part, of) for part, of in PARTS.items()}
    known = _known(profile)
    for part, name in ((part, key) for part, found in parts.items() for key in found):
        if name not in known[part]:
            raise Differ(f"{_spelled(name)}: unknown here: expected what this version proves")
    stated = stated_names(profile)
    missing = [
        _spelled(key)
        for part, keys in known.items()
        for key in keys
        if key not in parts[part] and (part != "theorems" or key[0] in stated)
    ]
    days = [e["remembered"] for part in parts.values() for e in part.values() if e["remembered"]]
    every = sum(map(len, parts.values()))
    entries = [entry for d in documents for part in PARTS for entry in d.data[part]]
    codes = {*map(_code, entries), *(d.data["exit_code"] for d in documents)}
    codes |= {3} if missing else set()
    merged = documents[0].data | {
        "seconds": round(sum(document.data["seconds"] for document in documents), 3),
        "exit_code": 1 if 1 in codes else max(codes),
        # Of what decided, which need not be what joins.
        "made": made() | {"version": version, "commit": commit},
        "solvers": list(solvers),
        "remembered": len(days),
        "decided": every - len(days),
        "oldest": min(days, default=None),
    }
    in_order = {
        part: [parts[part][key] for key in keys if key in parts[part]]
        for part, keys in known.items()
    }
    return merged | in_order, missing


def _same(
    what: str, documents: Sequence[Document], values: Callable[[Any], Sequence[Any]], member: str
) -> Any:
    """The one value that all documents have in that member, but for those with none there: a shard
    without transitions says no profile. Raises Differ."""
    found: dict[Any, str] = {}
    for document in documents:
        for value in values(document.data[member]):
            found.setdefault(value, document.name)
    if len(found) != 1:
        told = ", ".join(f"{_words(value)} ({name})" for value, name in found.items())
        these = f"of several {what}: {told}" if found else f"of no {what}"
        raise Differ(f"the documents are {these}: expected those of one run")
    return next(iter(found))


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    return " ".join("no commit" if word is None else word for word in value) or "none"


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


def _known(profile: str) -> dict[str, list[Key]]:
    """All that the documents of a profile's shards may have, in the order of one run."""
    found = PROFILES[profile]
    return {
        "theorems": [(name,) for name in THEOREMS],
        "transitions": [
            (profile, mapping.value, transition, name)
            for mapping in mappings_of(found)
            for transition in (INVARIANTS_DEFINED, *transitions())
            for name in told_names(found, mapping, transition)
        ],
        "lemmas": [(name,) for name in (*LEMMAS, *INDUCTIONS)],
    }


def _spelled(key: Key) -> str:
    """An entry by name."""
    return key[0] if len(key) == 1 else f"{key[3]} (mapping {key[1]})"


def _failing(part: str, entry: Mapping[str, Any]) -> str:
    """An entry for which the whole does not hold, in a line."""
    name = _spelled(tuple(str(entry[field]) for field in PARTS[part]))
    if entry["verdict"] == Verdict.PROVEN.value:
        return f"NOT SHOWN {name}: what is owed beside its proof, a control or a need"
    return f"{entry['verdict'].upper()} {name}"


def _code(entry: Mapping[str, Any]) -> int:
    """The exit code of a run with that entry alone, which is that of `Book.exit_code`."""
    verdict = Verdict(entry["verdict"])
    needed = all(need["confirmed"] for need in entry.get("necessity", ()))
    if verdict in (Verdict.REFUTED, Verdict.VACUOUS) or not needed:
        return 1
    return 3 if verdict is Verdict.UNKNOWN or _unshown(entry) else 0


def _unshown(entry: Mapping[str, Any]) -> bool:
    """What is owed beside the proof was not shown: as `smt_proofs.book.work.unshown`, and what is
    not there at all was not shown either."""
    if "lemma" in entry:
        return bool(entry["controls"] < entry["controlled"])
    if "transition" in entry:
        proven = entry["verdict"] == Verdict.PROVEN.value and entry["goals"] + entry["conditions"]
        unbroken = proven and not entry["control"]
        return bool(entry["not_shown"] or unbroken or entry["reached"] < entry["cases"])
    refuted = {c["mutant"] for c in entry["controls"] if c["verdict"] == Verdict.REFUTED.value}
    theorem = THEOREMS[entry["name"]]
    needed = {need["hypothesis"] for need in entry["necessity"]}
    owed = {*theorem.mutants} - refuted, {h.name for h in theorem.hypotheses} - needed
    return any(owed)

"""`slotproof report`: the page for a reviewer."""

from __future__ import annotations

import json
from pathlib import Path

import click

from conformance.commands.progress import progress
from conformance.commands.provenance import made as made_by
from conformance.report.documents import Document, ReportError, read
from conformance.report.first import many
from conformance.report.running import made, planned
from conformance.traces.files import write_whole

TRACES = "traces"
"""The folder of the failing traces, beside the page."""


@click.command()
@click.argument("documents", nargs=-1, type=click.Path(path_type=Path), metavar="[DOCUMENT]...")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the page goes.",
)
@click.option("--target", "targets", multiple=True, metavar="TARGET", help="Check this one too.")
def report(documents: tuple[Path, ...], out: Path, targets: tuple[str, ...]) -> None:
    """Write DIR/index.html, a page for a review, and the JSON documents it is made of.

    A DOCUMENT is what verify-source, prove, check (--driver and --catalogue too), explore, compare,
    prove --mutants or metadata printed with --json. With none, slotproof runs some itself, which
    takes some minutes: the theorems about qemu and seed-v2, the model in every profile, each
    TARGET, a small device whole, all profiles against each other, all mutants. Ends 0 once the page
    is written, whatever it tells.

    \b
    Examples:
      slotproof report --out review
      slotproof report --out review --target qemu
      slotproof report --out review source.json prove.json check.json
    """
    if documents and targets:
        raise click.UsageError("--target goes without a DOCUMENT: check it first, with --json")
    try:
        out.mkdir(parents=True, exist_ok=True)
        found = [read(path) for path in documents] if documents else ran(out, targets)
        if doubled := {d.name for d in found if [e.name for e in found].count(d.name) > 1}:
            raise ReportError(f"{min(doubled)}: two documents of one name: rename one of them")
        # Late: the template engine takes a while to import.
        from conformance.report.page import page
        from conformance.report.view import view

        seen = view(found)
        links = kept(seen.traces, out)
        text = page(found, seen, links, made_by())
        for document in found:
            write_whole(out / document.name, f"{json.dumps(document.data, indent=2)}\n".encode())
        write_whole(out / "index.html", text.encode())
    except ReportError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"wrote {out / 'index.html'}, made of {many(len(found), 'document')}")


def kept(traces: list[Path], out: Path) -> dict[Path, str]:
    """Copy the traces that the page tells of beside it; where each lies from there."""
    links = {}
    for trace in traces:
        place = out / TRACES / trace.name
        place.parent.mkdir(exist_ok=True)
        if not (place.exists() and place.samefile(trace)):
            write_whole(place, trace.read_bytes())
        links[trace] = f"{TRACES}/{trace.name}"
    return links


def ran(out: Path, targets: tuple[str, ...]) -> list[Document]:
    """The documents of the commands that a report runs by itself."""
    plan = planned(targets, out / TRACES)
    with progress("reporting") as bars:
        task = bars.task_ids[0]
        bars.update(task, total=len(plan), completed=0)

        def told(commands: str, done: int) -> None:
            bars.update(task, completed=done, description=commands or "reporting")

        return made(plan, out, told)

"""`slotproof verify-source`: the functions of a C file or a patch proven equal to the model."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.commands.common import exit_with, profile
from conformance.commands.options import progress, report_options
from conformance.report.source import github as annotated
from conformance.report.source import junit, message, sarif
from conformance.traces.files import write_whole
from model.profiles import PROFILES, Profile
from smt_proofs.solving.cache import Cache
from smt_proofs.solving.solve import solver_version
from smt_proofs.source.parse import Source, SourceError
from smt_proofs.source.rules import RULES
from smt_proofs.source.verify import Finding, Verdict, infer_profile, read_source
from smt_proofs.source.work import verified

VERIFY_SOURCE_VERSION = 1
LARGEST = 16 << 20
"""Bytes of a file that is read; virtio-mem.c has 64 KiB."""
PLAIN_WIDTH = 160
"""Columns of the table where the output is no terminal."""
STYLES = {
    Verdict.EQUAL: "green",
    Verdict.DIFFERS: "red",
    Verdict.NOT_VERIFIED: "yellow",
    Verdict.UNSEEN: "dim",
    Verdict.INTERFACE: "green",
    Verdict.NOT_HERE: "dim",
    Verdict.TRUSTED: "dim",
    Verdict.TRUSTED_CHANGED: "yellow",
}


@click.command("verify-source")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    type=profile,
    help=f"The rules: {', '.join(PROFILES)}.  [default: as the source has it]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--github", is_flag=True, help="Print annotations for a GitHub workflow as well.")
@report_options
def verify_source(
    file: Path,
    profile: Profile | None,
    as_json: bool,
    github: bool,
    sarif_file: Path | None,
    junit_file: Path | None,
) -> None:
    """Prove virtio-mem.c or a patch of it equal to the model.

    FILE is virtio-mem.c of a QEMU tree, or a patch of it (unified diff or mail). A function that
    differs is shown with an input at which it does and what each side answers. Ends 0 where each
    function that FILE shows whole is proven equal for all inputs, 1 where one differs, 3 where one
    is not verified.

    \b
    Examples:
      slotproof verify-source hw/virtio/virtio-mem.c
      slotproof verify-source series.patch --profile seed-v2 --sarif source.sarif
    """
    start = time.monotonic()
    source = opened(file)
    chosen = profile or infer_profile(source)
    if chosen is None:
        raise click.UsageError(
            f"{file}: neither dynamic_memslots nor multiple_memslots is in it, so its profile "
            f"cannot be told: give --profile ({', '.join(PROFILES)})"
        )
    found: list[Finding] = []
    with progress("verifying") as bars:
        for finding in verified(source, chosen, str(file), Cache.of_user()):
            found.append(finding)
            bars.update(bars.task_ids[0], total=len(RULES), completed=len(found))
    document = {
        "schema": VERIFY_SOURCE_VERSION,
        "command": "verify-source",
        "file": str(file),
        "is_patch": source.is_patch,
        "profile": chosen.name,
        "inferred": profile is None,
        "solver": solver_version(),
        "seconds": round(time.monotonic() - start, 3),
        "exit_code": exit_code(found),
        "functions": [asdict(f) | {"verdict": f.verdict.value} for f in found],
    }
    if sarif_file is not None:
        write_whole(sarif_file, (json.dumps(sarif(document), indent=2) + "\n").encode())
    if junit_file is not None:
        write_whole(junit_file, junit(document))
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        show(document, found)
    if github:
        # In a JSON document on standard output they would be a disturbance.
        for line in annotated(document):
            click.echo(line, err=as_json)
    exit_with(exit_code(found))


def opened(file: Path) -> Source:
    """What is in the file. Raises click.UsageError."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"{file}: {reason}: a C file or a patch is right") from None
    if len(data) > LARGEST:
        raise click.UsageError(f"{file}: above {LARGEST} bytes: a C file or a patch is right")
    try:
        return read_source(data, str(file))
    except SourceError as error:
        raise click.UsageError(f"{file}: {error}") from None


def exit_code(found: list[Finding]) -> int:
    """1 where a function differs, 3 where one is not verified, else 0."""
    verdicts = {finding.verdict for finding in found}
    if Verdict.DIFFERS in verdicts:
        return 1
    undecided = {Verdict.NOT_VERIFIED, Verdict.TRUSTED_CHANGED} & verdicts
    return 3 if undecided or Verdict.EQUAL not in verdicts else 0


def show(document: dict[str, Any], found: list[Finding]) -> None:
    """A table, then each difference with its inputs, then what was assumed."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    told = "inferred" if document["inferred"] else "given"
    console.print(f"{document['file']}: profile {document['profile']} ({told})", highlight=False)
    table = Table(box=SIMPLE)
    for name in ("function", "line", "rule", "verdict", "note"):
        table.add_column(name, justify="right" if name == "line" else "left")
    for finding in found:
        table.add_row(
            finding.function.removeprefix("virtio_mem_"),
            str(finding.line or ""),
            finding.rule,
            Text(finding.verdict.value, style=STYLES[finding.verdict]),
            note(finding),
        )
    console.print(table)
    for finding in found:
        if finding.verdict is Verdict.DIFFERS:
            difference(console, document, finding)
    assumed = dict.fromkeys(text for finding in found for text in finding.over)
    if assumed:
        console.print(
            f"equal: for all inputs, given where a function reads them that {'; '.join(assumed)}",
            soft_wrap=True,
        )
    remembered = sum(f.remembered for f in found)
    counts = ", ".join(
        f"{sum(f.verdict is verdict for f in found)} {verdict.value}"
        for verdict in Verdict
        if any(f.verdict is verdict for f in found)
    )
    counts += f" ({remembered} remembered)" if remembered else ""
    console.print(f"{counts}; {document['solver']}, {document['seconds']:.1f} s", highlight=False)


def note(finding: Finding) -> str:
    """What is to be said of a function in the table."""
    if finding.verdict is Verdict.DIFFERS:
        return finding.what
    parts = [finding.reason] if finding.reason else []
    if finding.mappings:
        parts.append(f"mapping {', '.join(finding.mappings)}")
    if finding.unseen is not None:
        first, last = finding.unseen
        parts.append(f"lines {first}-{last} are unseen: taken as the rule has them")
    return "; ".join(parts)


def difference(console: Console, document: dict[str, Any], finding: Finding) -> None:
    """The inputs at which a function differs, and what each side answers."""
    where = f"{finding.file}:{finding.line}"
    lines = [f"{where}: {message(asdict(finding) | {'verdict': finding.verdict.value})}"]
    if finding.mapping is not None:
        lines.append(f"  memslots are mapped as: {finding.mapping}")
    for name, value in (finding.inputs or {}).items():
        lines.append(f"  {name} = {value}")
    lines.append(f"  source: {finding.source_says}")
    lines.append(f"  model:  {finding.model_says}")
    if finding.confirmed:
        lines.append("  compiled with gcc and run: as the source above")
    elif finding.reason:
        lines.append(f"  {finding.reason}")
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)

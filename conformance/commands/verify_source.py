"""`slotproof verify-source`: a C file or a patch proven equal to the model, or to an old one."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from conformance.commands.common import exit_with, profile
from conformance.commands.executor import executor_option
from conformance.commands.no_cache import no_cache_option
from conformance.commands.options import report_options, write_reports
from conformance.commands.progress import progress
from conformance.commands.provenance import made
from conformance.commands.source_input import Given, base_of, given
from conformance.commands.source_table import show
from conformance.commands.verify_against import against
from conformance.commands.verify_exit import exit_code
from conformance.commands.verify_rust import of_rust
from conformance.report.source import github as annotated
from model.profiles import PROFILES, QEMU, Profile
from smt_proofs.rust.judge import in_tree
from smt_proofs.solving.cache import Cache
from smt_proofs.solving.solve import solver_version
from smt_proofs.source.changes import Change
from smt_proofs.source.core import is_core
from smt_proofs.source.findings import DECIDED, Finding, Verdict
from smt_proofs.source.rules import RULE_NAMED, SERVING
from smt_proofs.source.trust import not_covered
from smt_proofs.source.verify import infer_profile
from smt_proofs.source.work import verified

VERIFY_SOURCE_VERSION = 1
PREFIX = "virtio_mem_"
PLACE = ("function", "file", "line")


@click.command("verify-source")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    help="The QEMU tree, or its virtio-mem.c, that a patch is applied to.",
)
@click.option(
    "--against",
    "old",
    type=click.Path(path_type=Path),
    help="Prove each function equal to that of this older tree or file; no model is asked.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="FUNCTION",
    help="Verify this function alone; may be repeated.",
)
@click.option(
    "--profile",
    type=profile,
    help=f"The rules: {', '.join(PROFILES)}.  [default: as the source has it]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--github", is_flag=True, help="Print annotations for a GitHub workflow as well.")
@executor_option
@no_cache_option
@report_options
def verify_source(
    file: Path,
    base: Path | None,
    old: Path | None,
    only: tuple[str, ...],
    profile: Profile | None,
    as_json: bool,
    github: bool,
    sarif_file: Path | None,
    junit_file: Path | None,
) -> None:
    """Prove virtio-mem.c or a patch of it equal to the model, or to an older text.

    FILE is a QEMU tree, its virtio-mem.c, or a patch of it (unified diff, mail, or mbox of a
    series), - for standard input; or a Firecracker tree or its device.rs. A function that differs
    is shown with an input at which it does and what each side answers. Ends 0 where every function
    looked at is proven equal for all inputs, 1 where one differs, 3 where one is not verified or is
    changed and not looked at.

    \b
    Examples:
      slotproof verify-source ~/qemu
      slotproof verify-source series.mbox --base ~/qemu
      slotproof verify-source ~/qemu --against ~/qemu-10.0.2
      slotproof verify-source ~/firecracker
    """
    start = time.monotonic()
    if old is not None and profile is not None:
        raise click.UsageError("--against asks no model: --profile does not go with it")
    rust = in_tree(file)
    if rust is not None:
        if base is not None or old is not None:
            raise click.UsageError("--base and --against are for virtio-mem.c, not for Rust")
        document = of_rust(rust, str(file), VERIFY_SOURCE_VERSION, only, profile)
    elif old is not None:
        read = given(file, base, old)
        document = against(read, base_of(old), str(old), _named(only, any_function=True))
    else:
        document = _against_model(given(file, base, old), profile, _named(only))
    document["seconds"] = round(time.monotonic() - start, 3)
    write_reports(document, junit_file, sarif_file)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        show(document)
    if github:
        # In a JSON document on standard output they would be a disturbance.
        for line in annotated(document):
            click.echo(line, err=as_json)
    exit_with(document["exit_code"])


def _changed(finding: Finding, change: Change) -> Finding:
    """The finding with what the patch did to the function; one that differs is told of where that
    was done."""
    differs = finding.verdict is Verdict.DIFFERS and change.line
    line = change.line if differs else finding.line
    return replace(finding, change=change.words, line=line)


def _named(only: tuple[str, ...], *, any_function: bool = False) -> frozenset[str] | None:
    """The functions asked for by their whole names. Raises click.UsageError."""
    names = {n if n.startswith(PREFIX) or n in RULE_NAMED else PREFIX + n for n in only}
    unknown = sorted(names - RULE_NAMED.keys())
    if unknown and not any_function:
        known = ", ".join(name.removeprefix(PREFIX) for name in RULE_NAMED)
        raise click.UsageError(f"--only {unknown[0]}: no function that is covered ({known})")
    return frozenset(names) or None


def _against_model(
    read: Given, profile: Profile | None, only: frozenset[str] | None
) -> dict[str, Any]:
    """What the document says of each function and its rule."""
    shown = any(name in read.source.functions for name in RULE_NAMED)
    if profile is not None and profile.peer:
        own = ", ".join(name for name, known in PROFILES.items() if not known.peer)
        raise click.UsageError(
            f"{read.name} is C, and the device of profile {profile.name} is not QEMU's: "
            f"expected {own}"
        )
    # Of a patch that shows nothing whole nothing is verified in any profile.
    chosen = profile or infer_profile(read.source) or (None if shown else QEMU)
    if chosen is None:
        raise click.UsageError(
            f"{read.name}: neither dynamic_memslots nor multiple_memslots is in it, so its profile "
            f"cannot be told: give --profile ({', '.join(PROFILES)})"
        )
    place = read.material.place if read.material else read.name
    found: list[Finding] = []
    with progress("verifying functions") as bars:

        def told(judged: int) -> None:
            bars.update(bars.task_ids[0], total=len(only or RULE_NAMED), completed=judged)

        for finding in verified(read.source, chosen, place, Cache.of_user(), only, told):
            change = read.changed.get(finding.function)
            found.append(_changed(finding, change) if change else finding)
    uncovered = [] if only else read.uncovered()
    unseen = [] if only else not_covered(read.source)
    return {
        "schema": VERIFY_SOURCE_VERSION,
        "command": "verify-source",
        "file": read.name,
        "is_patch": read.source.is_patch or read.base is not None,
        "base": read.base,
        "profile": chosen.name,
        "inferred": profile is None,
        "solver": solver_version(),
        "seconds": 0.0,
        "exit_code": exit_code(found, uncovered),
        "made": made(),
        "remembered": len(days := [f.since for f in found if f.since]),
        "decided": sum(f.verdict in DECIDED and not f.since for f in found),
        "oldest": min(days, default=None),
        "functions": [
            asdict(f) | {"verdict": f.verdict.value, "helper": f.function in SERVING} for f in found
        ],
        "not_covered": [dict(zip(PLACE, place, strict=True)) for place in unseen],
        "uncovered": uncovered,
        "other_files": [f for f in read.others if not (read.source.core and is_core(f))],
    }

"""`slotproof verify-source` of Firecracker's device.rs: the same claims, read from Rust."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from conformance.commands.progress import progress
from conformance.commands.provenance import made
from conformance.commands.verify_exit import exit_code
from model.profiles import FIRECRACKER, Profile
from smt_proofs.rust.claims import RULE_NAMED
from smt_proofs.rust.judge import not_covered, rust_source, verified
from smt_proofs.solving.solve import solver_version
from smt_proofs.source.findings import Finding
from smt_proofs.source.material import decoded, read_whole
from smt_proofs.source.parse import SourceError

PLACE = ("function", "file", "line")


def of_rust(
    file: Path,
    name: str,
    version: int,
    only: tuple[str, ...],
    profile: Profile | None,
) -> dict[str, Any]:
    """The document on a Rust file. Raises click.UsageError."""
    if profile not in (None, FIRECRACKER):
        raise click.UsageError(
            f"{name}: Rust is compared with profile {FIRECRACKER.name}, not with {profile.name}"
        )
    unknown = sorted({*only} - RULE_NAMED.keys())
    if unknown:
        raise click.UsageError(
            f"--only {unknown[0]}: no function that is covered ({', '.join(RULE_NAMED)})"
        )
    try:
        text = decoded(read_whole(file), "Firecracker's device.rs")
        source = rust_source(text, str(file))
    except SourceError as error:
        raise click.UsageError(f"{name}: {error}") from None
    found: list[Finding] = []
    with progress("verifying") as bars:
        for finding in verified(text, str(file), frozenset(only) or None):
            found.append(finding)
            bars.update(bars.task_ids[0], total=len(only or RULE_NAMED), completed=len(found))
    unseen = [] if only else not_covered(source)
    return {
        "schema": version,
        "command": "verify-source",
        "file": name,
        "is_patch": False,
        "base": None,
        "profile": FIRECRACKER.name,
        "inferred": profile is None,
        "solver": solver_version(),
        "seconds": 0.0,
        "exit_code": exit_code(found, []),
        "made": made(),
        "remembered": 0,
        "decided": len(found),
        "oldest": None,
        "functions": [asdict(f) | {"verdict": f.verdict.value} for f in found],
        "not_covered": [dict(zip(PLACE, place, strict=True)) for place in unseen],
        "uncovered": [],
        "other_files": [],
    }

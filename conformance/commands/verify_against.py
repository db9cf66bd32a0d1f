"""`slotproof verify-source --against`: the functions of one text and those of an older one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from conformance.commands.progress import progress
from conformance.commands.provenance import made
from conformance.commands.source_input import Given
from smt_proofs.solving.solve import solver_version
from smt_proofs.source.material import Material
from smt_proofs.source.rules import SERVING
from smt_proofs.source.versions import Parted, Sameness, compare

VERIFY_AGAINST_VERSION = 1


def against(read: Given, old: Material, name: str, only: frozenset[str] | None) -> dict[str, Any]:
    """What the document says of each function. Raises click.UsageError."""
    assert read.material is not None
    with progress("comparing functions") as bars:

        def told(done: int, total: int) -> None:
            bars.update(bars.task_ids[0], completed=done, total=total)

        found = list(compare(old, read.material, only, told))
    if not found:
        raise click.UsageError(f"{read.name}: no function of the name given with --only")
    return {
        "schema": VERIFY_AGAINST_VERSION,
        "command": "verify-source --against",
        "file": read.name,
        "against": name,
        "base": read.base,
        "solver": solver_version(),
        "seconds": 0.0,
        "exit_code": exit_code(found),
        "made": made(),
        "functions": [
            asdict(f) | {"verdict": f.verdict.value, "helper": f.function in SERVING} for f in found
        ],
        "not_covered": [],
        "uncovered": [],
        "other_files": list(read.others),
    }


def exit_code(found: list[Parted]) -> int:
    """1 where a function differs, 3 where one is not verified, else 0."""
    verdicts = {parted.verdict for parted in found}
    if Sameness.DIFFERS in verdicts:
        return 1
    return 3 if Sameness.NOT_VERIFIED in verdicts else 0

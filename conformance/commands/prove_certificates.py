"""`slotproof prove --certificate`: a proof beside each obligation, checked step by step."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands.progress import progress
from conformance.traces.failures import try_out
from smt_proofs.certificates.files import SUFFIXES, Summary, certify_folder

certificate_option = click.option(
    "--certificate",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write every obligation with a proof of it, and check each step of that. What an earlier "
    "run left there is checked, not made again.",
)


def certify(folder: Path, timeout: float) -> tuple[bool, list[str]]:
    """Certify every obligation in the folder: whether one is left open, and what became of them."""
    with progress("certifying") as bars:
        one = bars.task_ids[0]

        def count(done: int, total: int) -> None:
            bars.update(one, completed=done, total=total)

        summary = certify_folder(folder, timeout, count)
    # What has no proof that was accepted is not certified.
    return bool(summary.refused or summary.unproven or not summary.certified), told(summary)


def told(summary: Summary) -> list[str]:
    """What became of the certificates, in words."""
    makers = " and ".join(f"{count} by {name}" for name, count in sorted(summary.certified.items()))
    by = f" ({makers})" if makers else ""
    kept = f"; {summary.kept} proofs were there already" if summary.kept else ""
    checked = (
        f"certificates: {summary.certified.total()} obligations with a proof{by}, each of its "
        f"steps checked without a solver ({summary.steps} different steps){kept}"
    )
    missing = [f"  no proof of {count}: {why}" for why, count in summary.unproven.items()]
    refused = [f"  NOT ACCEPTED {path}: {why}" for path, why in summary.refused.items()]
    return [checked, *missing, *refused]


def writable(folder: Path | None, *, earlier: bool) -> None:
    """Raise click.UsageError where the obligations cannot be written: `earlier` certificates may be
    there, and nothing else."""
    if folder is None:
        return
    allowed = SUFFIXES if earlier else frozenset[str]()
    there = folder.rglob("*") if folder.exists() else iter(())
    if any(not path.is_dir() and path.suffix not in allowed for path in there):
        meant = "a new or an empty folder"
        meant += ", or one of an earlier --certificate" if earlier else ""
        raise click.UsageError(f"{folder} is not empty: name {meant}")
    try:
        try_out(folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"cannot write to {folder}: {reason}") from None

"""`slotproof check --catalogue`: is every wrong device found, and how soon?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import click

from conformance.check.catalogue import Caught, all_caught, faults
from conformance.commands.executor import chosen_executor
from conformance.commands.progress import progress
from conformance.commands.provenance import made
from conformance.traces.dialect import (
    AMOUNT,
    COUNT,
    MADE,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    array,
    closed,
    published,
    whole,
)
from model.arithmetic import U64_MASK

CATALOGUE_VERSION: Final = 1


def run_catalogue(
    seed: int, seeds: int, traces: int, steps: int, jobs: int, names: Sequence[str] = ()
) -> list[Caught]:
    """Look for every fault under every seed, or for those named. Raises click.UsageError."""
    try:
        known = faults()
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if unknown := set(names) - {fault.name for fault in known}:
        raise click.UsageError(f"no fault {min(unknown)!r}: see slotproof check --catalogue")
    wanted = [fault for fault in known if not names or fault.name in names]
    with progress("catalogue") as bars:
        task = bars.task_ids[0]
        bars.update(task, total=len(wanted) * seeds)
        return list(
            all_caught(
                wanted,
                range(seed, seed + seeds),
                traces,
                steps,
                jobs,
                lambda caught: bars.advance(task),
                chosen_executor(),
            )
        )


def catalogue_text(caught: Sequence[Caught]) -> list[str]:
    """A line for each fault and seed, and what they come to."""
    wide = max(len(each.fault.name) for each in caught)
    lines = [f"{'fault':<{wide}}  seed  traces  steps  found by"]
    for each in caught:
        found = each.what or "nothing"
        if each.scenario:
            found += f" (scenario {each.scenario})"
        if not each.right:
            found += f", where {' or '.join(each.fault.found_by) or 'none'} is due"
        lines.append(
            f"{each.fault.name:<{wide}}  {each.seed:>4}  {each.traces:>6}  {each.steps:>5}  {found}"
        )
    wrong = sum(not each.right for each in caught)
    verdict = "fails" if wrong else "holds"
    count = len({each.fault.name for each in caught})
    return [
        *lines,
        f"{verdict}: {len(caught) - wrong} of {len(caught)} searches for {count} faults ended as "
        f"due, at the median after {_traces(caught):g} traces and with {_steps(caught):g} steps",
    ]


def _traces(caught: Sequence[Caught]) -> float:
    return median(each.traces for each in caught)


def _steps(caught: Sequence[Caught]) -> float:
    return median(each.steps for each in caught)


def catalogue_document(caught: Sequence[Caught]) -> dict[str, Any]:
    """The JSON document of `conformance/schema/catalogue-v1.json`."""
    return {
        "schema": CATALOGUE_VERSION,
        "command": "check --catalogue",
        "made": made(),
        "verdict": "holds" if all(each.right for each in caught) else "fails",
        "median_traces": _traces(caught),
        "median_steps": _steps(caught),
        "searches": [
            {
                "fault": each.fault.name,
                "says": each.fault.says,
                "due": list(each.fault.found_by),
                "seed": each.seed,
                "found_by": each.what,
                "scenario": each.scenario or None,
                "traces": each.traces,
                "steps": each.steps,
                "message": each.message,
            }
            for each in caught
        ],
    }


def catalogue_schema() -> Schema:
    """What `slotproof check --catalogue --json` prints."""
    search = closed(
        {
            "fault": TEXT,
            "says": TEXT,
            "due": array(TEXT),
            "seed": whole(0, U64_MASK),
            "found_by": TEXT_OR_NULL,
            "scenario": TEXT_OR_NULL,
            "traces": COUNT,
            "steps": COUNT,
            "message": TEXT,
        }
    )
    return published(
        "check --catalogue --json",
        CATALOGUE_VERSION,
        "One search for each wrong device and seed.",
        {
            "command": {"const": "check --catalogue"},
            "made": MADE,
            "verdict": {"enum": ["holds", "fails"]},
            "median_traces": AMOUNT,
            "median_steps": AMOUNT,
            "searches": array(search),
        },
        optional=("made",),
    )

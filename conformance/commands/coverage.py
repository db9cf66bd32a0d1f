"""`slotproof trace coverage`: what recorded runs have reached of all there is on a small device."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from conformance.commands.options import traces_argument
from conformance.commands.progress import progress
from conformance.explore.coverage import (
    Case,
    Coverage,
    Exact,
    cases_of_graph,
    cases_of_trace,
    covered,
    exactly_covered,
)
from conformance.explore.graph import explore
from conformance.explore.scale import MOST_BLOCKS, scaled_config
from conformance.explore.schema import COVERAGE_VERSION
from conformance.traces.trace import Trace
from model.device import ConfigError


@click.command()
@traces_argument
@click.option("--blocks", type=click.IntRange(1, MOST_BLOCKS), default=5, show_default=True)
@click.option(
    "--slots", type=click.IntRange(1, MOST_BLOCKS), default=3, show_default=True, help="Memslots."
)
@click.option(
    "--left", type=click.IntRange(min=0), default=0, help="Show so many cases not reached."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def coverage(
    files: tuple[tuple[Path, Trace], ...], blocks: int, slots: int, left: int, as_json: bool
) -> None:
    """Count what recorded runs have reached of the state graph of a small device.

    Runs of a device of any size are counted by situation (a state with sizes and places forgotten)
    and case (a situation, what was done, what came of it); runs of the small device itself by
    state and transition as well. All traces are of one profile.

    \b
    Example:
      slotproof trace coverage t.jsonl u.jsonl --left 5
    """
    traces = [trace for _, trace in files]
    profile = traces[0].profile
    if any(trace.profile != profile for trace in traces):
        raise click.UsageError("the traces are of several profiles: expected those of one")
    try:
        config = scaled_config(profile, blocks, slots)
        if not config.option and slots != 1:
            raise ConfigError(f"{profile.name} has one memslot: expected --slots 1")
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    with progress("exploring"):
        graph = explore(profile, config, judged=False)
        found = covered(
            cases_of_graph(graph),
            Counter(case for trace in traces for case in cases_of_trace(trace)),
        )
        exact = exactly_covered(graph, traces)
    if as_json:
        click.echo(_document(profile.name, blocks, slots, len(traces), found, exact, left))
        return
    several = f"{len(traces)} trace{'s' if len(traces) > 1 else ''}"
    click.echo(
        f"{several} of {found.steps} steps against {blocks} blocks and {slots} memslots of profile "
        f"{profile.name}\n"
        f"  situations        {found.situations} of {found.all_situations}\n"
        f"  cases             {found.cases} of {found.all_cases}\n"
        f"  beyond            {found.beyond} cases that the small device has not"
    )
    if exact is not None:
        click.echo(
            f"  states            {exact.states} of {exact.all_states}\n"
            f"  transitions       {exact.transitions} of {exact.all_transitions}"
        )
    for case in found.left[:left]:
        click.echo(f"  left: {_told(case)}")


def _told(case: Case) -> str:
    """A case in one line."""
    at = case.situation
    flags = {"cut memslot": at.cut, "migrating": at.busy, "broken": at.broken}
    flags["gone"] = not at.realized
    marks = "".join(f", {name}" for name, holds in flags.items() if holds)
    where = f" {case.where}" if case.where else ""
    fails = f" while {case.fails} fails" if case.fails else ""
    state = "" if case.state is None else f" {case.state.value}"
    return (
        f"{case.op.value}{where}{fails} -> {case.answer.value}{state}, with {at.plugged} plugged, "
        f"{at.usable} usable, {at.requested} requested, {at.mapped} mapped{marks}"
    )


def _document(
    profile: str,
    blocks: int,
    slots: int,
    traces: int,
    found: Coverage,
    exact: Exact | None,
    left: int,
) -> str:
    """The JSON document of `conformance/schema/coverage-v1.json`."""
    document: dict[str, object] = {
        "schema": COVERAGE_VERSION,
        "command": "coverage",
        "profile": profile,
        "scope": {"blocks": blocks, "slots": slots},
        "traces": traces,
        "steps": found.steps,
        "situations": {"reached": found.situations, "all": found.all_situations},
        "cases": {"reached": found.cases, "all": found.all_cases},
        "beyond": found.beyond,
        "exact": None
        if exact is None
        else {
            "states": {"reached": exact.states, "all": exact.all_states},
            "transitions": {"reached": exact.transitions, "all": exact.all_transitions},
        },
        "left": [_told(case) for case in found.left[:left]],
    }
    return json.dumps(document, indent=2)

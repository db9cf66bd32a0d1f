"""`slotproof explore`: every state of a small device, every claim in each, tours of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from conformance.check.explain import explain, failure_of, replay_command
from conformance.commands.common import any_profile_option, exit_with
from conformance.commands.options import (
    cannot_keep,
    failures_option,
    new_directory,
    opened_target,
)
from conformance.commands.progress import progress
from conformance.commands.provenance import made
from conformance.explore.distance import diameter
from conformance.explore.export import WRITERS, ExportError, write_graph
from conformance.explore.graph import StateGraph
from conformance.explore.graph import explore as explore_states
from conformance.explore.printing import Unprintable
from conformance.explore.promela import as_promela
from conformance.explore.quint import as_quint
from conformance.explore.scale import BLOCK, MOST_BLOCKS, scaled_config
from conformance.explore.schema import EXPLORE_VERSION
from conformance.explore.tour import Tour, as_traces, pair_tour, transition_tour
from conformance.targets.target import CAPABILITIES
from conformance.traces.codec import config_to_json
from conformance.traces.failures import save
from conformance.traces.files import write_whole
from conformance.traces.sizes import format_size
from conformance.traces.trace import write_trace
from model.device import ConfigError
from model.profiles import Profile
from model.state import Config

MOST_PAIRS = 1_000_000
"""Pairs of transitions that a tour is made of at most."""


@dataclass(frozen=True, slots=True)
class Written:
    """A tour and the directory that holds its traces."""

    covers: str
    directory: Path
    tour: Tour


@dataclass(frozen=True, slots=True)
class Found:
    """A claim that does not hold, the steps that show it, and the file that keeps them."""

    kind: str
    claim: str
    steps: int
    path: Path | None


CHECKERS: dict[str, Callable[[StateGraph], str]] = {".pml": as_promela, ".qnt": as_quint}
"""Languages of other checkers, by the suffix of the file's name."""


def new_file(name: str, suffixes: Iterable[str]) -> Path:
    """The path of a file to be written, of a known kind. Raises click.BadParameter."""
    path = Path(name)
    if path.suffix not in suffixes:
        raise click.BadParameter(f"{name!r} ends in none of {', '.join(suffixes)}")
    if path.exists():
        raise click.BadParameter(f"{name!r} exists already: expected the name of a new file")
    return path


def graph_file(name: str) -> Path:
    """The path of a graph's file. Raises click.BadParameter."""
    return new_file(name, WRITERS)


def exported_file(name: str) -> Path:
    """The path of a model for another checker. Raises click.BadParameter."""
    return new_file(name, CHECKERS)


@click.command()
@click.option("--blocks", type=click.IntRange(1, MOST_BLOCKS), required=True)
@click.option("--slots", type=click.IntRange(1, MOST_BLOCKS), required=True, help="Memslots.")
@any_profile_option
@click.option("--target", "spec", metavar="TARGET", help="Leave out what TARGET cannot do.")
@click.option(
    "--graph", "files", type=graph_file, multiple=True, help=f"Write it: {', '.join(WRITERS)}."
)
@click.option(
    "--export",
    "exports",
    type=exported_file,
    multiple=True,
    help=f"Write the device for another checker: {', '.join(CHECKERS)} (SPIN, Quint).",
)
@click.option("--tour", type=new_directory, help="Write traces that cover every transition.")
@click.option("--pairs", type=new_directory, help="Write traces that cover every pair of them.")
@failures_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def explore(
    blocks: int,
    slots: int,
    profile: Profile,
    spec: str | None,
    files: tuple[Path, ...],
    exports: tuple[Path, ...],
    tour: Path | None,
    pairs: Path | None,
    failures: Path,
    as_json: bool,
) -> None:
    """Visit every state of a small device and check every claim there.

    Blocks are 1 GiB, one is requested at start. Ends 0 if every invariant holds in every state and
    every contract in every step, 1 with the fewest steps to each that does not.

    \b
    Examples:
      slotproof explore --blocks 6 --slots 3
      slotproof explore --blocks 2 --slots 2 --target qemu --tour tour
      slotproof explore --blocks 3 --slots 2 --export device.pml
    """
    try:
        config = scaled_config(profile, blocks, slots)
        if not config.option and slots != 1:
            raise ConfigError(f"{profile.name} has one memslot: expected --slots 1")
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    capabilities = CAPABILITIES if spec is None else _able(spec, profile, config)
    with progress("exploring states") as bars:

        def show(left: int, found: int) -> None:
            bars.update(bars.task_ids[0], completed=left, total=found)

        graph = explore_states(profile, config, capabilities, listener=show)
        tours = _tours(graph, tour, pairs)
    _write(graph, files, exports, tours)
    found = [_kept(graph, number, failures) for number in range(len(graph.broken))]
    click.echo(_document(graph, tours, found) if as_json else "\n".join(_text(graph, tours, found)))
    exit_with(1 if found else 0)


def _able(spec: str, profile: Profile, config: Config) -> frozenset[str]:
    """What a target can do. Raises click.UsageError where it cannot have the device."""
    with closing(opened_target(spec)) as target:
        if target.fitted(profile, config) != config:
            raise click.UsageError(f"{spec} has no such device: expected fewer blocks")
        return target.capabilities


def _tours(graph: StateGraph, tour: Path | None, pairs: Path | None) -> list[Written]:
    written = []
    if tour is not None:
        written.append(Written("transitions", tour, transition_tour(graph)))
    if pairs is not None:
        if (count := graph.pairs) > MOST_PAIRS:
            raise click.UsageError(
                f"{count} pairs of transitions: --pairs takes at most {MOST_PAIRS}: "
                "expected fewer blocks"
            )
        written.append(Written("pairs", pairs, pair_tour(graph)))
    return written


def _write(
    graph: StateGraph, files: tuple[Path, ...], exports: tuple[Path, ...], tours: list[Written]
) -> None:
    """Write what was asked for. Raises click.UsageError."""
    try:
        for path in files:
            write_graph(graph, path)
        for path in exports:
            write_whole(path, CHECKERS[path.suffix](graph).encode())
        for written in tours:
            written.directory.mkdir(parents=True)
            for number, trace in enumerate(as_traces(graph, written.tour), 1):
                write_trace(trace, written.directory / f"{written.covers}-{number:04}.jsonl")
    except (ExportError, Unprintable) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"cannot write {error.filename}: {reason}") from None


def _kept(graph: StateGraph, number: int, failures: Path) -> Found:
    trace = graph.broken[number].trace
    assert trace.finding is not None
    path = None
    try:
        path = save(trace, failures, "reference")
    except OSError as error:
        click.echo(f"slotproof: {cannot_keep(failures, error)}", err=True)
    return Found(trace.finding.kind.value, trace.finding.what, len(trace.steps), path)


def _text(graph: StateGraph, tours: list[Written], found: list[Found]) -> list[str]:
    config, count = graph.config, graph.fixed.slots.count
    merged = " (the feature the driver accepted left out: no rule reads it)"
    lines = [
        f"explored profile {graph.profile.name}: {config.region // BLOCK} blocks of "
        f"{format_size(config.block)} in {count} memslot{'s' if count > 1 else ''}, "
        f"{format_size(config.requested)} requested at start",
        f"  states            {len(graph.states)}{merged if graph.merged else ''}",
        f"  transitions       {graph.steps}, {len(graph.actions)} actions",
        f"  edges             {graph.edges} pairs of a state and one that follows",
        f"  farthest state    {max(graph.depths)} steps from the start",
        f"  diameter          {diameter(graph)} steps",
        f"  invariant checks  {graph.invariant_checks}",
        f"  contract checks   {graph.contract_checks}",
    ]
    for written in tours:
        tour = written.tour
        lines.append(
            f"  {'tour' if written.covers == 'transitions' else 'tour of pairs':<18}"
            f"{len(tour.traces)} traces in {written.directory}: {tour.covered} {written.covers} in "
            f"{tour.steps} steps, of which at least {tour.least} are needed"
        )
    if not found:
        return [*lines, "holds: every invariant in every state, every contract in every step"]
    if not graph.complete:
        lines.append("  not left          states in which an invariant does not hold")
    for one in found:
        where = "not kept" if one.path is None else f"kept as {one.path}"
        lines.append(f"fails: {one.kind} {one.claim} after {_steps(one.steps)}, {where}")
    first = graph.broken[0].trace
    replay = "not kept" if found[0].path is None else replay_command(found[0].path, None)
    return [*lines, "", *explain(failure_of(first), replay)]


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def _document(graph: StateGraph, tours: list[Written], found: list[Found]) -> str:
    """The JSON document of `conformance/schema/explore-v1.json`."""
    document: dict[str, Any] = {
        "schema": EXPLORE_VERSION,
        "command": "explore",
        "made": made(),
        "profile": graph.profile.name,
        "config": config_to_json(graph.config),
        "memslots": graph.fixed.slots.count,
        "verdict": "fails" if found else "holds",
        "complete": graph.complete,
        "merged": graph.merged,
        "states": len(graph.states),
        "transitions": graph.steps,
        "actions": len(graph.actions),
        "edges": graph.edges,
        "depth": max(graph.depths),
        "diameter": diameter(graph),
        "invariant_checks": graph.invariant_checks,
        "contract_checks": graph.contract_checks,
        "tours": [
            {
                "covers": written.covers,
                "directory": str(written.directory),
                "traces": len(written.tour.traces),
                "covered": written.tour.covered,
                "steps": written.tour.steps,
                "least": written.tour.least,
            }
            for written in tours
        ],
        "broken": [
            {
                "kind": one.kind,
                "claim": one.claim,
                "steps": one.steps,
                "trace": None if one.path is None else str(one.path),
            }
            for one in found
        ],
    }
    return json.dumps(document, indent=2)

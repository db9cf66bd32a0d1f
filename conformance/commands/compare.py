"""`slotproof compare`: the fewest steps that tell the devices of two profiles apart."""

from __future__ import annotations

import json
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from conformance.check.explain import describe
from conformance.commands.common import any_profile, exit_with
from conformance.commands.executor import chosen_executor, executor_option
from conformance.commands.options import new_directory
from conformance.commands.progress import progress
from conformance.commands.provenance import made
from conformance.explore.compare import Comparison, Difference
from conformance.explore.compare import compare as compare_profiles
from conformance.explore.product import PARTS, Part, Sides
from conformance.explore.scale import MOST_BLOCKS
from conformance.explore.schema import COMPARE_VERSION
from conformance.traces.codec import action_to_json, config_to_json
from conformance.traces.sizes import format_size
from conformance.traces.trace import write_trace
from model.device import ConfigError
from model.profiles import Profile
from model.versions import KNOWN

if TYPE_CHECKING:
    from conformance.commands.compare_sizes import Sizes


@click.command()
@click.argument(
    "profiles", type=any_profile, nargs=-1, metavar="[PROFILE_A PROFILE_B [PROFILE]...]"
)
@click.option("--blocks", type=click.IntRange(1, MOST_BLOCKS), default=3, show_default=True)
@click.option(
    "--slots", type=click.IntRange(1, MOST_BLOCKS), default=2, show_default=True, help="Memslots."
)
@click.option("--traces", type=new_directory, help="Write the traces that tell them apart.")
@click.option("--all-sizes", is_flag=True, help="Prove which operations do the same for all sizes.")
@executor_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def compare(
    profiles: tuple[Profile, ...],
    blocks: int,
    slots: int,
    traces: Path | None,
    all_sizes: bool,
    as_json: bool,
) -> None:
    """Find the fewest steps that tell the devices of two profiles apart.

    Every pair of those named is compared, of all profiles if none is. Every device of that size
    which both have is searched, and every trace replayed on both devices. Ends 0 if no trace of
    any length tells any of them apart, and else 1. With --all-sizes two profiles are named: each
    operation is proven to do the same on both for all sizes, or told apart by a trace; ends 3 if
    neither can be said of one.

    \b
    Examples:
      slotproof compare seed-v2 qemu --traces traces
      slotproof compare qemu qemu-8.2 --all-sizes
      slotproof compare
    """
    if len(profiles) == 1:
        known = ", ".join(KNOWN)
        raise click.UsageError(f"expected two profiles or more, or none: known are {known}")
    two = len(profiles) == 2
    if all_sizes and not two:
        raise click.UsageError("--all-sizes is about two profiles: name both")
    if chosen_executor() is not None and not all_sizes:
        raise click.UsageError("--executor is for what --all-sizes proves: name it as well")
    named = profiles or KNOWN.values()
    pairs = [profiles] if two else list(combinations_with_replacement(named, 2))
    try:
        with progress("comparing") as bars:
            bars.update(bars.task_ids[0], total=len(pairs))
            done, sides = [], Sides()
            for left, right in pairs:
                done.append(compare_profiles(left, right, blocks, slots, sides))
                bars.advance(bars.task_ids[0])
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    sizes = _sizes(done[0]) if all_sizes else None
    if traces is not None:
        _write(done, traces)
    if as_json:
        click.echo(_document(done, traces, sizes))
    elif two:
        lines = [] if sizes is None else sizes.text()
        click.echo("\n".join([*_text(done[0], traces), *lines]))
    else:
        _matrix(done)
    if sizes is not None and sizes.open:
        exit_with(3)
    exit_with(1 if any(one.shortest for one in done) else 0)


def _sizes(comparison: Comparison) -> Sizes:
    """What can be proven of the two for all sizes: that alone needs solvers."""
    from conformance.commands.compare_sizes import all_sizes

    return all_sizes(comparison)


def _file(comparison: Comparison, difference: Difference) -> str:
    """The name of a difference's trace file."""
    op = "start" if difference.op is None else difference.op.value
    sides = f"{comparison.left.name}-{comparison.right.name}"
    return f"{sides}-{difference.part.value}-{op}.jsonl"


def _every(comparison: Comparison) -> list[Difference]:
    """All differences of a comparison, each once."""
    known = {(one.part, one.op): one for one in comparison.causes}
    known |= {(one.part, one.op): one for one in comparison.shortest.values()}
    return list(known.values())


def _write(done: list[Comparison], directory: Path) -> None:
    try:
        directory.mkdir(parents=True)
        for comparison in done:
            for difference in _every(comparison):
                write_trace(difference.trace, directory / _file(comparison, difference))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"cannot write {error.filename}: {reason}") from None


def _text(comparison: Comparison, traces: Path | None) -> list[str]:
    lines = [
        f"compared {comparison.left.name} with {comparison.right.name}: {_scope(comparison)}",
        f"  pairs of states   {comparison.pairs}",
        f"  steps on both     {comparison.steps}",
        *(f"  {part.value:<18}{_fewest(comparison, part)}" for part in PARTS),
    ]
    if not comparison.shortest:
        return [
            *lines,
            "equivalent in this scope: no trace of any length tells two of these devices apart; "
            "nothing is said of other sizes",
        ]
    lines.append(f"different: {comparison.left.name} and {comparison.right.name} are told apart")
    for difference in _every(comparison):
        lines += ["", *_told(difference)]
        if traces is not None:
            path = traces / _file(comparison, difference)
            lines.append(f"  replayed on both, kept as {path}")
        else:
            lines.append("  replayed on both")
    return lines


def _scope(comparison: Comparison) -> str:
    return (
        f"the {comparison.configs} devices of {comparison.blocks} blocks and {comparison.slots} "
        "memslots that both have"
    )


def _fewest(comparison: Comparison, part: Part) -> str:
    found = comparison.shortest.get(part)
    watched = comparison.watched[part]
    if found is None:
        return f"no difference ({watched} devices show it)"
    steps = ", ".join(step.action.op.value for step in found.trace.steps) or "none: the start"
    return f"{len(found.trace.steps)} steps ({steps})"


def _told(difference: Difference) -> list[str]:
    trace = difference.trace
    config = trace.config
    modes = {"option off": not config.option, "unplugged-inaccessible=off": not config.inaccessible}
    device = [f"{format_size(config.requested)} requested at start"]
    device += [name for name, holds in modes.items() if holds]
    return [
        f"by {difference.part.value}: {difference.message}",
        f"  device   {', '.join(device)}",
        *(
            f"  step {number:<4}{describe(step.action, config)}"
            for number, step in enumerate(trace.steps, 1)
        ),
    ]


def _matrix(done: list[Comparison]) -> None:
    table = Table("A", "B", "devices", *(part.value for part in PARTS), box=None)
    for one in done:
        cells = [_cell(one, part) for part in PARTS]
        table.add_row(one.left.name, one.right.name, str(one.configs), *cells)
    Console(highlight=False).print(table)
    click.echo(
        f"fewest steps that tell devices of {done[0].blocks} blocks and {done[0].slots} memslots "
        "apart; = no trace of any length does, - no device of both shows it"
    )


def _cell(comparison: Comparison, part: Part) -> str:
    if (found := comparison.shortest.get(part)) is not None:
        return str(len(found.trace.steps))
    return "=" if comparison.watched[part] else "-"


def _document(done: list[Comparison], traces: Path | None, sizes: Sizes | None) -> str:
    """The JSON document of `conformance/schema/compare-v1.json`."""
    return json.dumps(
        {
            "schema": COMPARE_VERSION,
            "command": "compare",
            "made": made(),
            "scope": {"blocks": done[0].blocks, "slots": done[0].slots},
            "comparisons": [
                {
                    "left": one.left.name,
                    "right": one.right.name,
                    "verdict": "different" if one.shortest else "equivalent-in-scope",
                    "devices": one.configs,
                    "watched": {part.value: count for part, count in one.watched.items()},
                    "pairs": one.pairs,
                    "steps": one.steps,
                    "shortest": [_listed(one, found, traces) for found in one.shortest.values()],
                    "causes": [_listed(one, found, traces) for found in one.causes],
                }
                | ({} if sizes is None else {"all_sizes": sizes.document()})
                for one in done
            ],
        },
        indent=2,
    )


def _listed(comparison: Comparison, found: Difference, traces: Path | None) -> dict[str, Any]:
    return {
        "part": found.part.value,
        "op": None if found.op is None else found.op.value,
        "message": found.message,
        "config": config_to_json(found.trace.config),
        "steps": [action_to_json(step.action) for step in found.trace.steps],
        "trace": None if traces is None else str(traces / _file(comparison, found)),
    }

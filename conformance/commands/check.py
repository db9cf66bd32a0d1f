"""`slotproof check`: generated traces and named scenarios on a device, judged by two oracles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from conformance.check.suite import ORACLES, Expected, read_expected
from conformance.commands.check_catalogue import (
    catalogue_document,
    catalogue_text,
    run_catalogue,
)
from conformance.commands.check_document import document, document_without
from conformance.commands.check_driver import check_driver
from conformance.commands.check_list import listed
from conformance.commands.check_report import text
from conformance.commands.check_run import checked
from conformance.commands.check_wish import IDS, Wish, matching
from conformance.commands.common import any_profile_option, chosen_by_default, exit_with
from conformance.commands.driver_options import driver_options, without_driver
from conformance.commands.executor import executor_option
from conformance.commands.failure import TargetFailure
from conformance.commands.options import (
    complete_target,
    duration,
    failures_option,
    report_file,
    report_options,
    seed_option,
    write_reports,
)
from conformance.targets.qemu.accel import ACCELS
from conformance.targets.spec import accelerated, own_profile
from model.profiles import profile_named
from model.versions import KNOWN


def _ids(
    context: click.Context, option: click.Parameter, patterns: tuple[str, ...]
) -> tuple[str, ...]:
    """The ids that there are. Raises click.BadParameter."""
    try:
        return matching(patterns)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _complete_id(
    context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return [CompletionItem(id) for id in IDS if id.startswith(incomplete)]


def _known_faults(
    context: click.Context, option: click.Parameter, path: Path | None
) -> dict[str, Expected]:
    """The faults of a file. Raises click.UsageError."""
    try:
        return {} if path is None else read_expected(path)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _list(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(listed())
        context.exit(0)


def _seconds(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    return None if text is None else duration(text)


@click.command()
@click.option(
    "--target",
    "spec",
    default="reference",
    show_default=True,
    metavar="TARGET",
    shell_complete=complete_target,
)
@click.option(
    "--accel",
    type=click.Choice(sorted(ACCELS)),
    help="What carries a QEMU's machines; the memslots of kvm are compared too.",
)
@any_profile_option
@seed_option
@click.option("--traces", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=60, show_default=True)
@click.option(
    "--time", "seconds", metavar="TIME", callback=_seconds, help="As many traces as 5m allow."
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Targets that run traces at the same time.",
)
@click.option(
    "--distinct",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Go on until so many traces fail, each of another rule or field, or with another answer.",
)
@click.option(
    "--steer/--no-steer", default=False, help="Steer each trace to what was left out so far."
)
@click.option(
    "--oracle",
    type=click.Choice(ORACLES),
    default="exact",
    show_default=True,
    help="What fails a trace: any difference to the profile, or a breach of the VIRTIO text.",
)
@click.option("--needs", is_flag=True, help="What drivers need fails a trace as well.")
@click.option(
    "--faults", is_flag=True, help="Operations of a real QEMU's or VMM's host fail, by strace."
)
@click.option(
    "--only",
    "-k",
    metavar="ID",
    multiple=True,
    callback=_ids,
    shell_complete=_complete_id,
    help="One scenario or rule, or those that a pattern such as 'plug-*' matches.",
)
@click.option(
    "--expect",
    "expected",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_known_faults,
    help="A TOML file of known faults, which do not fail the check; one that is gone does.",
)
@click.option(
    "--answer-timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help="What a cmd: target may take for an answer; 10, or more where its start was slow.",
)
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=report_file,
    metavar="FILE",
    help="Write all messages to and from a cmd: target.",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="List every scenario and rule.",
)
@click.option(
    "--catalogue", is_flag=True, help="Check the checker: is every wrong device of docs found?"
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Seeds of the catalogue, from --seed on.",
)
@executor_option
@driver_options
@failures_option
@report_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(
    junit_file: Path | None,
    sarif_file: Path | None,
    as_json: bool,
    catalogue: bool,
    seeds: int,
    **options: Any,
) -> None:
    """Check a device against a profile with generated traces and named scenarios.

    TARGET is reference, cmd:COMMAND (see docs/protocol.md), qemu or qemu:PATH (see docs/qemu.md);
    qemu-kvm is qemu with --accel kvm. vmm:NAME (see docs/vmm.md) has a profile of its own unless
    another is named. Of a real QEMU the memslot decisions are compared first. Then come the traces
    that an earlier run kept of TARGET; where one fails again, new ones are run only for --distinct
    2 or more. The scenarios are run last, if no trace failed. Ends 0 if nothing fails; 1 if a
    decision differs, a trace fails (it is made small, kept and explained) or a scenario fails; 3 if
    the device refused every configuration.

    \b
    Examples:
      slotproof check --profile seed-v2
      slotproof check --target "cmd:python3 docs/example_device.py" --junit check.xml
      slotproof check --target qemu --traces 20
      slotproof check --target qemu --accel kvm --traces 5
      slotproof check --target "cmd:./device" --oracle virtio --expect known.toml
      slotproof check --target "cmd:./device" --time 5m -j 4 --distinct 3
      slotproof check --driver linux --kernel debian:sid
    """
    if options["driver"] is not None:
        check_driver(options, as_json, junit_file, sarif_file)
    if (accel := options.pop("accel")) is not None:
        options["spec"] = accelerated(options["spec"], accel)
    if chosen_by_default("profile") and (own := own_profile(options["spec"])) is not None:
        options["profile"] = profile_named(own, KNOWN)
    wish = Wish(**without_driver(options))
    if catalogue:
        _catalogue(wish, seeds, as_json)
        return
    try:
        done = checked(wish)
    except (TargetFailure, click.UsageError) as error:
        # The device did not start: the reports say so as well.
        told = document_without(wish.head, wish.oracle, error.message, wish.again(wish.traces))
        write_reports(told, junit_file, sarif_file)
        if as_json:
            click.echo(json.dumps(told, indent=2))
        raise
    told = document(done)
    write_reports(told, junit_file, sarif_file)
    click.echo(json.dumps(told, indent=2) if as_json else "\n".join(text(done)))
    exit_with(3 if done.undecided else 0 if done.holds else 1)


def _catalogue(wish: Wish, seeds: int, as_json: bool) -> None:
    caught = run_catalogue(wish.seed, seeds, wish.traces, wish.steps, wish.jobs)
    told = catalogue_document(caught)
    click.echo(json.dumps(told, indent=2) if as_json else "\n".join(catalogue_text(caught)))
    exit_with(0 if told["verdict"] == "holds" else 1)

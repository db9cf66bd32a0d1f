"""`slotproof metadata`: what KVM keeps for a device's memslots, static against dynamic."""

from __future__ import annotations

import json
from pathlib import Path

import click

from conformance.commands.common import profile_option
from conformance.metadata.cmdline import devices_of
from conformance.metadata.device import along_trace, of_config
from conformance.metadata.document import Answer, document, text
from conformance.metadata.live import LiveError, devices_at
from conformance.metadata.options import CommandLineError
from conformance.traces.files import write_whole
from conformance.traces.sizes import size
from conformance.traces.trace import TraceError, read_trace
from model.caller import SOFT_MEMSLOT_LIMIT
from model.device import ConfigError
from model.geometry import default_block_size
from model.machine_ints import INTS
from model.metadata import HUGE_PAGE, PAGE
from model.profiles import Profile
from model.state import Config

FORMATS = ("svg", "png")
SAID = {
    "--trace": ("plugged", "block", "limit", "profile"),
    "--qemu-cmdline": ("block", "limit"),
    "--qmp": ("plugged", "block", "limit"),
}
"""The options that a source leaves nothing to."""


def chart_file(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """The file of a chart. Raises click.BadParameter for a name that tells no format."""
    if path is not None and path.suffix.lstrip(".").lower() not in FORMATS:
        raise click.BadParameter(f"{str(path)!r} does not end in .{' or .'.join(FORMATS)}")
    return path


@click.command()
@click.option("--region", type=size, help="Size of the device memory region.")
@click.option("--plugged", type=size, help="Plugged size.  [default: what is requested, or 0]")
@click.option("--block", type=size, help="Block size.  [default: as the device picks it]")
@click.option(
    "--limit",
    type=int,
    default=SOFT_MEMSLOT_LIMIT,
    show_default=True,
    help="Memslots the caller permits.",
)
@click.option("--trace", "trace", type=click.Path(path_type=Path), help="A trace file instead.")
@click.option("--qemu-cmdline", metavar="FILE|TEXT", help="A QEMU command line instead.")
@click.option("--qmp", metavar="SOCKET", help="A running QEMU instead, asked over QMP.")
@profile_option
@click.option(
    "--chart",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=chart_file,
    help="Draw the metadata over the plugged size, as .svg or .png.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def metadata(
    context: click.Context,
    region: int | None,
    plugged: int | None,
    block: int | None,
    limit: int,
    trace: Path | None,
    qemu_cmdline: str | None,
    qmp: str | None,
    profile: Profile,
    chart: Path | None,
    as_json: bool,
) -> None:
    """Show what KVM keeps for the memslots of a device, static against dynamic.

    Give one of --region, --trace, --qemu-cmdline and --qmp. FILE is a file with a QEMU command
    line, /proc/PID/cmdline too; SOCKET the path of a QMP unix socket, or HOST:PORT.

    \b
    Examples:
      slotproof metadata --region 1T --plugged 1G
      slotproof metadata --qemu-cmdline /proc/4711/cmdline --chart vm.svg
      slotproof metadata --qmp /run/vm.qmp --json
    """
    sources = {"--region": region, "--trace": trace, "--qemu-cmdline": qemu_cmdline, "--qmp": qmp}
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise click.UsageError(
            f"{' and '.join(given) or 'nothing'} given: give one of {', '.join(sources)}"
        )
    for name in SAID.get(given[0], ()):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} goes without {given[0]}, which says that itself")
    try:
        answer = answered(region, plugged, block, limit, trace, qemu_cmdline, qmp, profile)
    except (CommandLineError, ConfigError, LiveError, TraceError) as error:
        raise click.UsageError(str(error)) from None
    if chart is not None:
        draw(answer, chart)
    click.echo(json.dumps(document(answer), indent=2) if as_json else "\n".join(text(answer)))


def answered(
    region: int | None,
    plugged: int | None,
    block: int | None,
    limit: int,
    trace: Path | None,
    qemu_cmdline: str | None,
    qmp: str | None,
    profile: Profile,
) -> Answer:
    """The answer from the one source that is given."""
    if trace is not None:
        recorded = read_trace(trace)
        states = tuple(along_trace(trace.name, recorded))
        return Answer(recorded.profile.name, "trace", str(trace), states[-1:], states)
    if qemu_cmdline is not None:
        name, words = command_line(qemu_cmdline)
        return Answer(profile.name, "qemu-cmdline", name, devices_of(words, profile, plugged))
    if qmp is not None:
        return Answer(profile.name, "qmp", qmp, devices_at(qmp, profile))
    assert region is not None
    wanted = plugged or 0
    config = Config(
        region=region,
        block=block if block is not None else default_block_size(INTS, PAGE, PAGE, HUGE_PAGE),
        limit=limit,
    )
    return Answer(profile.name, "options", None, (of_config("device", profile, config, wanted),))


def command_line(given: str) -> tuple[str | None, str]:
    """The file's name, None for text, and the command line itself. Raises CommandLineError."""
    path = Path(given)
    # A command line has blanks; a word without any is meant as a file, there or not.
    if " " in given and (len(given) > 255 or not path.exists()):
        return None, given
    try:
        return given, path.read_bytes().decode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandLineError(
            f"{given}: {reason}: a file with a QEMU command line is right"
        ) from None
    except UnicodeDecodeError:
        raise CommandLineError(f"{given}: not UTF-8 text") from None


def draw(answer: Answer, path: Path) -> None:
    """Write the chart whole or not at all. Raises click.UsageError."""
    # Late: the plotting library takes a second to import.
    from conformance.metadata.chart import drawn, over_plugged, over_steps

    panels = [over_steps(answer.steps)] if answer.steps else map(over_plugged, answer.devices)
    try:
        write_whole(path, drawn(list(panels), path.suffix.lstrip(".").lower()))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"cannot write {path}: {reason}") from None

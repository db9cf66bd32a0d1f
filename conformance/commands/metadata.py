"""`slotproof metadata`: what KVM keeps for a device's memslots, static against dynamic."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import click

from conformance.commands.common import exit_with, profile_option
from conformance.commands.provenance import made
from conformance.metadata.answer import Answer, decider
from conformance.metadata.cmdline import devices_of, machine_of
from conformance.metadata.device import along_trace, of_config
from conformance.metadata.document import document
from conformance.metadata.found import Found
from conformance.metadata.host import HOST, has_kvm, vhost_regions
from conformance.metadata.kernel import NAMED, PATCH, Asked, KernelError, Switches, asked
from conformance.metadata.kvm import KvmError
from conformance.metadata.live import LiveError, found_at
from conformance.metadata.measure import DisturbedError, measured
from conformance.metadata.options import CommandLineError
from conformance.metadata.text import text
from conformance.metadata.vhost import KERNEL as VHOST
from conformance.metadata.vhost import Vhost
from conformance.traces.files import write_whole
from conformance.traces.sizes import size
from conformance.traces.trace import TraceError, read_trace
from model.caller import SAFE_MAX_MEMSLOTS, SOFT_MEMSLOT_LIMIT
from model.device import ConfigError
from model.geometry import default_block_size
from model.kernels import Arch
from model.machine_ints import INTS
from model.metadata import HUGE_PAGE, PAGE
from model.profiles import Profile
from model.state import Config

SAID: Final = {
    "--trace": ("plugged", "block", "limit", "addr", "profile", "vhost_regions"),
    "--qemu-cmdline": ("block", "limit", "addr"),
    "--qmp": ("plugged", "block", "limit", "addr"),
}
"""The options that a source leaves nothing to."""
SWITCHES: Final = {
    "tdp": ("tdp", "Two-dimensional paging (EPT, NPT)."),
    "tdp_mmu": ("tdp-mmu", "The TDP MMU."),
    "shadow_root": ("nested", "A nested guest runs."),
    "tracker": ("write-tracking", "A GVT device, or a kernel before 6.9 built for one."),
    "smm": ("smm", "The machine has SMM."),
    "private": ("private", "It has private memory."),
    "dirty_ring": ("dirty-ring", "A dirty ring in place of bitmaps."),
}
"""The option of each switch of `model.kernels.Vm`, and its help."""


class Quoting(click.Command):
    """A command that tells of a QEMU command line given as words of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words. Raises click.UsageError."""
        pairs = [pair for pair in pairwise(args) if pair[0] == "--qemu-cmdline"]
        bare = any(re.search(r"(qemu|kvm)\S*$", value) for _, value in pairs if " " not in value)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if not bare or isinstance(error, click.BadParameter):
                raise
            message = error.format_message().rstrip(".")
            hint = "a QEMU command line goes in quotes, as one word"
            raise click.UsageError(f"{message}: {hint}", ctx) from None


def chart_file(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """The file of a chart. Raises click.BadParameter for a name that tells another format."""
    if path is not None and path.suffix.lower() != ".svg":
        raise click.BadParameter(f"{str(path)!r} does not end in .svg")
    return path


def switch_options(command: Callable[..., None]) -> Callable[..., None]:
    """An option for every switch of the machine; those not given are read or assumed."""
    for name, (option, what) in reversed(SWITCHES.items()):
        command = click.option(f"--{option}/--no-{option}", name, default=None, help=what)(command)
    return command


@click.command(cls=Quoting)
@click.option("--region", type=size, help="Size of the device memory region.")
@click.option("--plugged", type=size, help="Plugged size.  [default: what is requested, or 0]")
@click.option("--block", type=size, help="Block size.  [default: as the device picks it]")
@click.option("--addr", type=size, help="Guest address of the region.  [default: a whole GiB]")
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
    "--kernel",
    metavar="KERNEL",
    help=f"Of the host: {HOST}, {', '.join(NAMED)}, what uname -r says, or {PATCH} for the patch's "
    "own table.  "
    f"[default: {HOST} if there is /dev/kvm, or else {NAMED[-2]}]",
)
@click.option("--arch", type=click.Choice([arch.value for arch in Arch]), help="Of the kernel.")
@switch_options
@click.option(
    "--vhost-regions",
    type=click.IntRange(min=1),
    metavar="N",
    help="Memory regions that the VM's vhost back ends take: 64 for the kernel's vhost, unless its "
    "max_mem_regions says more; 8 for vhost-user.",
)
@click.option("--measure", is_flag=True, help="Measure it on this kernel too; needs root.")
@click.option(
    "--chart",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=chart_file,
    help="Draw the metadata over the plugged size, as .svg.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def metadata(
    context: click.Context, /, measure: bool, chart: Path | None, as_json: bool, **options: Any
) -> None:
    """Show what KVM keeps for the memslots of a device, static against dynamic.

    Give one of --region, --trace, --qemu-cmdline and --qmp. FILE is a file with a QEMU command
    line, /proc/PID/cmdline too; SOCKET the path of a QMP unix socket, or HOST:PORT. Ends 1 if what
    --measure finds is not what was predicted.

    \b
    Examples:
      slotproof metadata --region 1T --plugged 1G
      slotproof metadata --region 1T --plugged 1G --kernel 6.12-cloud
      slotproof metadata --region 64G --plugged 1G --measure
      slotproof metadata --qemu-cmdline /proc/4711/cmdline --chart vm.svg
      slotproof metadata --qmp /run/vm.qmp --json
    """
    check_sources(context, options)
    kernel = options["kernel"] or (HOST if has_kvm() else NAMED[-2])
    for given, wanted in (("--measure", measure), ("--chart", chart is not None)):
        if wanted and kernel == PATCH:
            raise click.UsageError(f"{given} goes without --kernel {PATCH}, which has no kernel")
    if measure and kernel != HOST:
        raise click.UsageError(f"--measure goes with --kernel {HOST}: only that one runs here")
    try:
        answer = answered(options, kernel)
        if measure:
            answer = with_measure(answer)
    except (CommandLineError, ConfigError, KernelError, KvmError, LiveError, TraceError) as error:
        raise click.UsageError(str(error)) from None
    except DisturbedError as error:
        click.echo(f"slotproof: not decided: {error}", err=True)
        exit_with(3)
    if chart is not None:
        draw(answer, chart)
    told = document(answer) | {"made": made()}
    click.echo(json.dumps(told, indent=2) if as_json else "\n".join(text(answer)))
    exit_with(1 if answer.differs else 0)


def check_sources(context: click.Context, options: dict[str, Any]) -> None:
    """Raise click.UsageError unless there is one source, and nothing that it says itself."""
    sources = ("region", "trace", "qemu_cmdline", "qmp")
    names = {name: f"--{name.replace('_', '-')}" for name in sources}
    given = [names[name] for name in sources if options[name] is not None]
    if len(given) != 1:
        raise click.UsageError(
            f"{' and '.join(given) or 'nothing'} given: give one of {', '.join(names.values())}"
        )
    for name in SAID.get(given[0], ()):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise click.UsageError(f"--{option} goes without {given[0]}, which says that itself")


def answered(options: dict[str, Any], kernel: str) -> Answer:
    """The answer from the one source that is given, for the kernel of that name."""
    profile = options["profile"]
    kind, name, found = "options", None, None
    if (trace := options["trace"]) is not None:
        recorded = read_trace(trace)
        states = tuple(along_trace(trace.name, recorded))
        profile, kind, name = recorded.profile, "trace", str(trace)
        found = Found(states[-1:], steps=states)
    elif (given := options["qemu_cmdline"]) is not None:
        kind = "qemu-cmdline"
        name, words = command_line(given)
        here = vhost_regions() if kernel == HOST else None
        machine = machine_of(words)
        found = devices_of(machine, profile, options["plugged"], options["vhost_regions"], here)
    elif (socket := options["qmp"]) is not None:
        kind, name = "qmp", socket
        here = vhost_regions() if kernel == HOST else None
        found = found_at(socket, profile, options["vhost_regions"], here)
    else:
        found = of_options(options, profile)
    answer = Answer(profile.name, kind, name, found, asked_for(options, kernel, found.switches))
    if decider(answer) is None or options["vhost_regions"] == SAFE_MAX_MEMSLOTS or kind == "qmp":
        return answer
    # Of a QEMU that runs nothing is known but what it has.
    enough = answered(options | {"vhost_regions": SAFE_MAX_MEMSLOTS}, kernel).found
    return replace(answer, enough=enough)


def asked_for(options: dict[str, Any], kernel: str, machine: Switches) -> Asked | None:
    """The machine that is asked about; None for the patch's own table."""
    given = Switches(**{name: options[name] for name in SWITCHES})
    arch = None if options["arch"] is None else Arch(options["arch"])
    if kernel != PATCH:
        return asked(kernel, arch, machine, given)
    if given.said() or arch is not None:
        raise KernelError(f"switches of a machine go without --kernel {PATCH}, which has none")
    return None


def of_options(options: dict[str, Any], profile: Profile) -> Found:
    """The device of the options, with the limit that a vhost device leaves it."""
    block = options["block"]
    config = Config(
        region=options["region"],
        block=block if block is not None else default_block_size(INTS, PAGE, PAGE, HUGE_PAGE),
        limit=options["limit"],
    )
    if (addr := options["addr"]) is not None:
        config = replace(config, addr=addr)
    regions = options["vhost_regions"]
    vhosts = () if regions is None else (Vhost("a vhost device", VHOST, regions, known=True),)
    if any(vhost.decides for vhost in vhosts):
        config = replace(config, limit=1)
    device = of_config("device", profile, config, options["plugged"] or 0)
    return Found((device,), vhosts)


def with_measure(answer: Answer) -> Answer:
    """The answer with every device measured. Raises KvmError and DisturbedError."""
    assert answer.asked is not None
    cases = (case for device in answer.devices for case in measured(answer.asked.vm, device))
    return replace(answer, measured=tuple(cases))


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
            f"{given}: {reason}: expected a file with a QEMU command line"
        ) from None
    except UnicodeDecodeError:
        raise CommandLineError(f"{given}: not UTF-8 text") from None


def draw(answer: Answer, path: Path) -> None:
    """Write the chart whole or not at all. Raises click.UsageError."""
    # Late: few runs want it.
    from conformance.metadata.chart import chart, over_plugged, over_steps

    assert answer.asked is not None
    asked = answer.asked
    if answer.found.steps:
        panels = list(over_steps(answer.found.steps, asked))
    else:
        panels = [panel for device in answer.devices for panel in over_plugged(device, asked)]
    try:
        write_whole(path, chart(panels).encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"cannot write {path}: {reason}") from None

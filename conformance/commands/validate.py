"""`slotproof trace validate`: a QEMU's own log of a run, checked against the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.commands.common import exit_with, profile_option
from conformance.commands.options import config_options, writable_file
from conformance.runlog.validate import Rejected, explain_log
from conformance.runlog.witness import witness
from conformance.targets.qemu.log import Line, LogError, read_lines
from conformance.traces.trace import write_trace
from model.device import ConfigError
from model.profiles import Profile
from model.state import Config

NEEDED = ("region", "block", "addr")


def log_file(name: str) -> tuple[str, list[Line]]:
    """A log's name and its lines. Raises click.UsageError."""
    try:
        return name, read_lines(Path(name).read_text(errors="replace"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"{name}: {reason}: a readable log is right") from None
    except LogError as error:
        raise click.UsageError(f"{name}: {error}") from None


@click.command()
@click.argument("log", type=log_file)
@profile_option
@click.option("--trace", "out", type=writable_file, help="Write a run that explains the log.")
@config_options
def validate(
    log: tuple[str, list[Line]], profile: Profile, out: Path | None, **fields: Any
) -> None:
    """Check the log of a real run, `qemu ... -trace 'virtio_mem_*' -D LOG`, against the model.

    The log is that of one device from its start; --region, --block and --addr say which one it is,
    and --requested, if it is known, where it started. What the log leaves out is the model's to
    choose. Ends 0 if some run writes the log, 1 at the first line that none writes.

    \b
    Example:
      slotproof trace validate docs/virtio-mem.log --region 4G --block 2M --addr 4G
    """
    name, lines = log
    if profile.peer:
        raise click.UsageError(f"{profile.name} is no QEMU: the profile of one is right")
    given = {field: value for field, value in fields.items() if value is not None}
    if missing := [f"--{field}" for field in NEEDED if field not in given]:
        raise click.UsageError(f"{', '.join(missing)} missing: the log does not say it")
    config = Config(**{"limit": 1} | given)
    try:
        explained = explain_log(profile, config, lines, requested=fields["requested"])
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    except Rejected as error:
        click.echo(f"fails: {name}, {error}")
        exit_with(1)
    found = witness(profile, config, explained)
    if [line.event for line in lines] != list(found.lines):
        raise RuntimeError("the run that was found writes another log")
    if out is not None:
        write_trace(found.trace, out)
    click.echo(
        f"holds: {name}, {len(lines)} lines of {len(explained.groups)} actions fit profile "
        f"{profile.name}; {found.chosen} steps that the log leaves out were chosen"
    )

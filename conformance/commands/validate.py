"""`slotproof trace validate`: the log of a real run, of QEMU or Linux, against the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from conformance.commands.common import exit_with, profile_option
from conformance.commands.options import config_options, writable_file
from conformance.runlog.kernel import Told, Unlike, explain_kernel, kernel_lines
from conformance.runlog.several import TooMany, explain_devices, explain_moved
from conformance.runlog.validate import Rejected
from conformance.runlog.witness import witness
from conformance.targets.qemu.log import Line, LogError, read_lines
from conformance.traces.sizes import size
from conformance.traces.trace import write_trace
from model.device import ConfigError
from model.profiles import Profile
from model.state import Config

NEEDED: Final = ("region", "block", "addr")


def log_file(name: str) -> tuple[str, str]:
    """A log's name and its text. Raises click.UsageError."""
    try:
        return name, Path(name).read_text(errors="replace")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"{name}: {reason}: expected a readable log") from None


def device(text: str) -> Config:
    """A device as region, block and addr. Raises click.BadParameter."""
    parts = dict(part.partition("=")[::2] for part in text.split(","))
    if set(parts) != set(NEEDED):
        raise click.BadParameter(f"{text!r}: expected region=4G,block=2M,addr=4G")
    region, block, addr = (size(parts[name]) for name in NEEDED)
    return Config(region=region, block=block, limit=1, addr=addr)


@click.command()
@click.argument("logs", type=log_file, nargs=-1, required=True, metavar="LOG...")
@profile_option
@click.option("--trace", "out", type=writable_file, help="Write a run that explains the log.")
@click.option(
    "--device",
    "devices",
    type=device,
    multiple=True,
    metavar="region=SIZE,block=SIZE,addr=SIZE",
    help="One of several devices, in the order of QEMU's command line.",
)
@config_options
def validate(
    logs: tuple[tuple[str, str], ...],
    profile: Profile,
    out: Path | None,
    devices: tuple[Config, ...],
    **fields: Any,
) -> None:
    """Check the log of a real run against the model.

    LOG is QEMU's, `qemu ... -trace 'virtio_mem_*' -D LOG`, of one device from its start;
    --region, --block and --addr say which one it is, and --requested, if it is known, where it
    started. Several logs are those of a guest that migrated from each process to the next; several
    devices in one log are named by --device. What a log leaves out is the model's to choose. Ends 0
    if some run writes the log, 1 at the first line that none writes.

    LOG may also be the kernel log of a Linux guest, `insmod virtio_mem dyndbg=+p; dmesg`, which
    tells itself which devices it is of.

    \b
    Examples:
      slotproof trace validate docs/virtio-mem.log --region 4G --block 2M --addr 4G
      slotproof trace validate source.log destination.log --region 4G --block 2M --addr 4G
    """
    if profile.peer:
        raise click.UsageError(f"{profile.name} is no QEMU: expected the profile of one")
    given = {field: value for field, value in fields.items() if value is not None}
    try:
        told = _validated(logs, profile, out, list(devices), given)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    except Rejected as error:
        click.echo(f"fails: {logs[error.log][0]}, {error}")
        exit_with(1)
    except Unlike as error:
        click.echo(f"fails: {logs[0][0]}, {error}")
        exit_with(1)
    except TooMany as error:
        click.echo(f"not decided: {logs[0][0]}: {error}")
        exit_with(3)
    else:
        click.echo(f"holds: {', '.join(name for name, _ in logs)}, {told}")


def _validated(
    logs: tuple[tuple[str, str], ...],
    profile: Profile,
    out: Path | None,
    devices: list[Config],
    given: dict[str, int],
) -> str:
    """What fits, in words. Raises Rejected, Unlike, TooMany, ConfigError and click.UsageError."""
    kernel = _kernel_lines(*logs[0]) if len(logs) == 1 else {}
    if kernel:
        return _kernel(logs[0][0], profile, kernel, out, devices, given)
    lines = [_lines(*log) for log in logs]
    if devices:
        if out is not None or given or len(logs) > 1:
            raise click.UsageError("expected --device alone and one log for several devices")
        actions = explain_devices(profile, devices, lines[0])
        return (
            f"{len(lines[0])} lines of {actions} actions of {len(devices)} devices fit profile "
            f"{profile.name}"
        )
    if missing := [f"--{field}" for field in NEEDED if field not in given]:
        raise click.UsageError(f"{', '.join(missing)} missing: the log does not say it")
    config = Config(**{"limit": 1} | given)  # type: ignore[arg-type]
    explained, told = explain_moved(profile, config, lines, requested=given.get("requested"))
    found = witness(profile, config, explained)
    if [line.event for line in told] != list(found.lines):
        raise RuntimeError("the run that was found writes another log")
    if out is not None:
        write_trace(found.trace, out)
    actions = len(explained.groups) - (len(logs) - 1)
    moved = "" if len(logs) == 1 else f" and {len(logs) - 1} migrations"
    return (
        f"{len(told)} lines of {actions} actions{moved} fit profile {profile.name}; "
        f"{found.chosen} steps that the log leaves out were chosen"
    )


def _lines(name: str, text: str) -> list[Line]:
    try:
        return read_lines(text)
    except LogError as error:
        raise click.UsageError(f"{name}: {error}") from None


def _kernel_lines(name: str, text: str) -> dict[str, list[Told]]:
    try:
        return kernel_lines(text)
    except LogError as error:
        raise click.UsageError(f"{name}: {error}") from None


def _kernel(
    name: str,
    profile: Profile,
    kernel: dict[str, list[Told]],
    out: Path | None,
    devices: list[Config],
    given: dict[str, int],
) -> str:
    """The log of a Linux kernel."""
    if out is not None or devices:
        raise click.UsageError(f"{name} is a kernel's log: --trace and --device go with QEMU's")
    requests = 0
    for told in kernel.values():
        known = {line.name for line in told} | set(given)
        if missing := [f"--{field}" for field in NEEDED if field not in known]:
            raise click.UsageError(f"{', '.join(missing)} missing: the log does not say it")
        config = Config(**{"region": 1 << 20, "block": 1 << 20, "limit": 1} | given)  # type: ignore[arg-type]
        try:
            requests += explain_kernel(profile, replace(config, requested=0), told)
        except LogError as error:
            raise click.UsageError(f"{name}: {error}") from None
    return f"{requests} requests of {len(kernel)} devices fit profile {profile.name}"

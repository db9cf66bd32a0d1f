"""Targets by the name that the command line gives them."""

from __future__ import annotations

import click

from conformance.qemu.process import QemuError, find_qemu
from conformance.target import Target
from conformance.targets.command import CommandTarget
from conformance.targets.qemu import QemuTarget
from conformance.targets.reference import ReferenceTarget

KNOWN = "reference, qemu, qemu:PATH, cmd:COMMAND"


def open_target(spec: str) -> Target:
    """The target of a spec. Raises click.UsageError, and TargetError if it fails at once."""
    kind, _, rest = spec.partition(":")
    if spec == "reference":
        return ReferenceTarget()
    if kind == "cmd":
        try:
            return CommandTarget(rest)
        except ValueError as error:
            raise click.UsageError(f"target {spec!r}: {error}") from None
    if kind == "qemu":
        try:
            return QemuTarget(find_qemu(rest or None))
        except QemuError as error:
            raise click.UsageError(str(error)) from None
    raise click.UsageError(f"unknown target {spec!r}: known are {KNOWN}")

"""Targets by the name that the command line gives them."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.judge.finding import Kind
from conformance.targets.command import CommandTarget
from conformance.targets.qemu.accel import KVM, TCG, kvm_missing
from conformance.targets.qemu.process import QemuError, find_qemu, has_memslots, lacking
from conformance.targets.qemu.target import QemuTarget
from conformance.targets.reference import ReferenceTarget
from conformance.targets.target import OPENINGS, Target, TargetError
from conformance.targets.vmm.spec import PROFILE_OF, open_vmm

KNOWN = "reference, qemu, qemu:PATH, qemu-kvm, qemu-kvm:PATH, vmm:NAME, vmm:NAME=PATH, cmd:COMMAND"
QEMUS = {"qemu": TCG, "qemu-kvm": KVM}
"""The targets that are a QEMU, with what carries its machines."""
COMPLETED = ("reference", "qemu", "qemu:", "qemu-kvm", "cmd:")
"""What a shell offers."""


def runs_kvm(spec: str) -> bool:
    """KVM carries the machines of this target."""
    return QEMUS.get(spec.partition(":")[0]) is KVM


def seen_by_strace(spec: str) -> bool:
    """The host's side of this VMM is seen by strace, where there is one; a QEMU tells it."""
    name = spec.removeprefix("vmm:").partition("=")[0]
    return spec.startswith("vmm:") and name != "qemu"


def accelerated(spec: str, accel: str) -> str:
    """The target of a QEMU with another accelerator. Raises click.UsageError for any other."""
    kind, colon, rest = spec.partition(":")
    if kind not in QEMUS:
        raise click.UsageError(f"--accel goes with --target qemu or qemu:PATH, not {spec!r}")
    return next(name for name, one in QEMUS.items() if one.name == accel) + colon + rest


def own_profile(spec: str) -> str | None:
    """The name of the profile that a target is held against if none is named; None for any other
    than a VMM."""
    name = spec.removeprefix("vmm:").partition("=")[0]
    return PROFILE_OF.get(name) if spec.startswith("vmm:") else None


def open_target(spec: str, deadline: float | None = None, log: Path | None = None) -> Target:
    """The target of a spec. Raises click.UsageError, and TargetError if it fails at once.

    A program has `deadline` seconds for an answer, and its messages are written to `log`.
    A program that cannot be started, ends before its hello or can do nothing is no target at all.
    """
    kind, _, rest = spec.partition(":")
    if spec == "reference":
        return ReferenceTarget()
    if kind == "cmd":
        try:
            target = CommandTarget(rest, deadline, log)
        except ValueError as error:
            raise click.UsageError(f"target {spec!r}: {error}") from None
        except TargetError as error:
            if error.kind is not Kind.DIED:
                raise
            raise click.UsageError(f"target {spec!r}: {error}") from None
        if not target.capabilities & OPENINGS:
            target.close()
            raise click.UsageError(f"target {spec!r}: its hello lists no operation to begin with")
        return target
    if kind in QEMUS:
        if spec != kind and not rest.strip():
            raise click.UsageError(f"target {spec!r}: the path is empty: expected {kind}:PATH")
        accel = QEMUS[kind]
        if accel is KVM and (missing := kvm_missing()) is not None:
            raise click.UsageError(f"target {spec!r}: {missing}: the target qemu needs no KVM")
        try:
            binary = find_qemu(rest or None, memslots=False)
            return QemuTarget(
                binary, memslots=has_memslots(binary), lacking=lacking(binary), accel=accel
            )
        except QemuError as error:
            raise click.UsageError(str(error)) from None
    if kind == "vmm":
        return open_vmm(spec)
    raise click.UsageError(f"unknown target {spec!r}: known are {KNOWN}")

"""What `slotproof check --driver` is asked for, and the driver that it opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from conformance.check.suite import Expected
from conformance.judge.driver.rules import DRIVER_RULE_NAMED, DRIVER_RULES
from conformance.targets.linux.debian import DEFAULT_SUITE, debian_kernel, static_busybox
from conformance.targets.linux.kernel import KernelError, installed_kernel, read_kernel
from conformance.targets.linux.target import LinuxTarget
from conformance.targets.qemu.process import QemuError, find_qemu
from conformance.traces.driven import Driven, DrivenError, read_driven

DRIVERS: Final = ("linux",)
LISTS, EVENTS = 5, 8
"""How many lists of how many events if nothing is said."""
_OF_DEVICES: Final = ("profile", "oracle", "accel", "executor")
"""Options that only a device has a use for."""


def driver_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a check of a driver."""
    file = click.Path(dir_okay=False, exists=True, path_type=Path)
    for option in (
        click.option("--events", type=file, help="With --driver: run the events of a kept run."),
        click.option("--initrd", type=file, help="With --driver: an initramfs with its modules."),
        click.option(
            "--kernel",
            metavar="KERNEL",
            help="With --driver: a bzImage, or debian[:SUITE] for the one that Debian serves. "
            f"[default: the newest in /boot, or debian:{DEFAULT_SUITE}]",
        ),
        click.option(
            "--driver",
            type=click.Choice(DRIVERS),
            help="Check a driver, in a guest that is given lists of host events.",
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class DriverWish:
    """What a check of a driver was asked for; `again` is a kept run to repeat."""

    target: str
    driver: str
    kernel: str | None
    initrd: Path | None
    seed: int
    lists: int
    events: int
    only: tuple[str, ...]
    expected: dict[str, Expected]
    failures: Path
    again: Driven | None

    @property
    def rules(self) -> frozenset[str]:
        """The rules that fail a list."""
        if self.only:
            return frozenset(self.only)
        return frozenset(r.id for r in DRIVER_RULES if r.binding) - set(self.expected)


def without_driver(options: dict[str, Any]) -> dict[str, Any]:
    """The options of check that are left where a device is checked. Raises click.UsageError."""
    for name in ("kernel", "initrd", "events"):
        if options[name] is not None:
            raise click.UsageError(f"--{name} is about a driver: expected --driver linux beside it")
    only = tuple(id for id in options["only"] if id not in DRIVER_RULE_NAMED)
    if options["only"] and not only:
        raise click.UsageError(
            f"{options['only'][0]} is a rule of a driver: expected --driver linux"
        )
    own = {"driver", "kernel", "initrd", "events"}
    return {n: value for n, value in options.items() if n not in own} | {"only": only}


def driver_wish(options: dict[str, Any]) -> DriverWish:
    """What the options of check ask for. Raises click.UsageError."""
    context = click.get_current_context()

    def given(name: str) -> bool:
        return context.get_parameter_source(name) is not ParameterSource.DEFAULT

    for name in _OF_DEVICES:
        if given(name):
            raise click.UsageError(f"--{name} is about a device: leave it out with --driver")
    target = options["spec"] if given("spec") else "qemu"
    if target != "qemu" and not target.startswith("qemu:"):
        raise click.UsageError(
            f"--target {target} runs no guest: expected qemu or qemu:PATH with --driver"
        )
    only = tuple(id for id in options["only"] if id in DRIVER_RULE_NAMED)
    if options["only"] and not only:
        raise click.UsageError(
            f"{options['only'][0]} is no rule of a driver: see slotproof check --list"
        )
    try:
        again = None if options["events"] is None else read_driven(options["events"])
    except DrivenError as error:
        raise click.UsageError(str(error)) from None
    return DriverWish(
        target=target,
        driver=options["driver"],
        kernel=options["kernel"],
        initrd=options["initrd"],
        seed=options["seed"],
        lists=options["traces"] if given("traces") else LISTS,
        events=options["steps"] if given("steps") else EVENTS,
        only=only,
        expected=options["expected"],
        failures=options["failures"],
        again=again,
    )


def opened_driver(wish: DriverWish) -> tuple[LinuxTarget, Path]:
    """The driver, and the QEMU that it runs on. Raises click.UsageError."""
    try:
        binary = find_qemu(wish.target.partition(":")[2] or None, memslots=False)
        kernel = read_kernel(_kernel(wish.kernel), alone=wish.initrd is not None)
        base = b"" if wish.initrd is None else wish.initrd.read_bytes()
        return LinuxTarget(binary, kernel, static_busybox(), base), binary
    except (QemuError, KernelError) as error:
        raise click.UsageError(str(error)) from None


def _kernel(spec: str | None) -> Path:
    """The image that is asked for. Raises KernelError."""
    if spec is None:
        return installed_kernel() or debian_kernel(DEFAULT_SUITE)
    name, _, suite = spec.partition(":")
    if name == "debian":
        return debian_kernel(suite or DEFAULT_SUITE)
    return Path(spec)

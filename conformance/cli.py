"""The command `slotproof`: one line for wrong use, exit codes that scripts can rely on.

0 everything holds, 1 a property or an implementation fails, 2 wrong use or input, 3 not decided.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from conformance.commands.check import check
from conformance.commands.decide import decide
from conformance.commands.options import TargetFailure
from conformance.commands.prove import prove
from conformance.commands.trace import trace


class OneLineGroup(click.Group):
    """A command group that reports wrong use in one line on standard error."""

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            code = super().main(*args, **extra | {"standalone_mode": False})
        except click.ClickException as error:
            message = " ".join(error.format_message().split())
            click.echo(f"slotproof: {message}", err=True)
            code = 1 if isinstance(error, TargetFailure) else 2
        except click.Abort:
            click.echo("slotproof: interrupted", err=True)
            code = 130
        sys.exit(code if isinstance(code, int) else 0)


@click.group("slotproof", cls=OneLineGroup, no_args_is_help=False)
@click.version_option(package_name="slotproof", prog_name="slotproof")
def slotproof() -> None:
    """Formal model, proofs and conformance checks for virtio-mem devices with several memslots."""


for command in (decide, prove, check, trace):
    slotproof.add_command(command)


def main() -> None:
    """The console entry point."""
    slotproof()


if __name__ == "__main__":
    main()

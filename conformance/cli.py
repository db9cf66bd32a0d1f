"""The command `slotproof`: one line for wrong use, exit codes that scripts can rely on.

0 everything holds, 1 a property or an implementation fails, 2 wrong use or input, 3 not decided,
4 a defect of slotproof itself.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any, Final

import click

from conformance.commands.failure import TargetFailure, Undecided
from conformance.commands.provenance import WORDS

COMMANDS: Final = {
    "check": "Check a device against a profile with generated traces and named scenarios.",
    "compare": "Find the fewest steps that tell the devices of two profiles apart.",
    "decide": "Show how many memslots a device chooses, and of which size.",
    "explore": "Visit every state of a small device and check every claim there.",
    "merge": "Join the documents of the shards of prove into the one of a whole run.",
    "metadata": "Show what KVM keeps for the memslots of a device, static against dynamic.",
    "prove": "Prove the theorems about a profile's rules, all of them or those named.",
    "report": "Write DIR/index.html, a page for a review, and the JSON documents it is made of.",
    "trace": "Make trace files, run them again, make them small, explain them.",
    "verify-source": "Prove virtio-mem.c or a patch of it equal to the model, or to an older text.",
}
"""Each command, and the module of `conformance.commands` it is in, with the first line of its
help."""


class LazyGroup(click.Group):
    """A command group that imports a command only to run it, and reports wrong use in one line.

    What it lists are stand-ins. The solver and the validators take long to import, and each process
    of the prover imports the command line anew.
    """

    asked: str | None = None
    """The command that was asked for."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        words = list(args)
        context = super().make_context(info_name, args, parent, **extra)
        # What a document says of the command line that made it.
        context.meta[WORDS] = words
        return context

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, stand_in, rest = super().resolve_command(ctx, args)
        self.asked = name
        return name, None if stand_in is None else imported(str(stand_in.name)), rest

    def fallen(self, error: Exception) -> int:
        """Tell of an error that no command expects; the exit code."""
        # Late: what they tell of the machine takes long to import.
        from conformance.commands import defect, extras

        if isinstance(error, ModuleNotFoundError):
            line = extras.missing(error, self.asked)
            if line is not None:
                click.echo(f"slotproof: {line}", err=True)
                return 2
        return defect.told(error)

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            code = super().main(*args, **extra | {"standalone_mode": False})
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = 2
        except click.ClickException as error:
            message = " ".join(error.format_message().split())
            click.echo(f"slotproof: {message}", err=True)
            code = error.exit_code if isinstance(error, TargetFailure | Undecided) else 2
        except OSError as error:
            # Most likely the output cannot be written; 1 would say that a property fails.
            where = "" if error.filename is None else f"{error.filename}: "
            reason = (error.strerror or str(error)).lower()
            click.echo(f"slotproof: {where}{reason}", err=True)
            # What is left in the buffer must not fail once more at exit, with a code of its own.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            code = 2
        except click.Abort:
            click.echo("slotproof: interrupted", err=True)
            code = 130
        except Exception as error:
            code = self.fallen(error)
        sys.exit(code if isinstance(code, int) else 0)


def imported(name: str) -> click.Command:
    """The command itself, from its module."""
    module = name.replace("-", "_")
    command = getattr(import_module(f"conformance.commands.{module}"), module)
    assert isinstance(command, click.Command)
    return command


@click.group(
    "slotproof",
    cls=LazyGroup,
    commands=[click.Command(name, help=line) for name, line in COMMANDS.items()],
)
@click.version_option(package_name="slotproof", prog_name="slotproof")
def slotproof() -> None:
    """Formal model, proofs and conformance checks for virtio-mem devices with several memslots.

    \b
    Examples:
      slotproof decide --region 1T --limit 256 --block 2M
      slotproof check --target "cmd:python3 docs/example_device.py"
      slotproof prove
    """


def interrupt(number: int, frame: object) -> None:
    """Stop at the first interrupt; a second one would only spoil the way out."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def terminate(number: int, frame: object) -> None:
    """Stop at the first SIGTERM likewise."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> None:
    """The console entry point."""
    signal.signal(signal.SIGINT, interrupt)
    # The default would end the process at once and leave a started QEMU behind.
    signal.signal(signal.SIGTERM, terminate)
    slotproof()


if __name__ == "__main__":
    main()

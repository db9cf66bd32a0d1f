"""What the quick commands share as well, and so what must import little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from model.profiles import PROFILES, Profile, profile_named

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def profile(name: str) -> Profile:
    """The profile of that name. Raises click.BadParameter."""
    try:
        return profile_named(name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def complete_profile(
    context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What a shell offers for a profile."""
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(known.name, help=known.summary)
        for known in PROFILES.values()
        if known.name.startswith(incomplete)
    ]


profile_option = click.option(
    "--profile",
    type=profile,
    shell_complete=complete_profile,
    default="qemu",
    show_default=True,
    help=f"The rules: {', '.join(PROFILES)}.",
)


def exit_with(code: int) -> None:
    """End the command."""
    click.get_current_context().exit(code)

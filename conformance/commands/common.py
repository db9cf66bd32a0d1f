"""What the quick commands share as well, and so what must import little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from model.profiles import PROFILES, Profile, profile_named
from model.versions import KNOWN, known_profile

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
    return _offered(PROFILES, incomplete)


def _offered(profiles: Mapping[str, Profile], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(known.name, help=known.summary)
        for known in profiles.values()
        if known.name.startswith(incomplete)
    ]


def any_profile(name: str) -> Profile:
    """The profile of that name, of those by version too. Raises click.BadParameter."""
    try:
        return known_profile(name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def complete_any_profile(
    context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What a shell offers for a profile, those by version too."""
    return _offered(KNOWN, incomplete)


profile_option = click.option(
    "--profile",
    type=profile,
    shell_complete=complete_profile,
    default="qemu",
    show_default=True,
    help=f"The rules: {', '.join(PROFILES)}.",
)
any_profile_option = click.option(
    "--profile",
    type=any_profile,
    shell_complete=complete_any_profile,
    default="qemu",
    show_default=True,
    help=f"The rules: {', '.join(KNOWN)}.",
)


def exit_with(code: int) -> None:
    """End the command."""
    click.get_current_context().exit(code)


def chosen_by_default(option: str) -> bool:
    """The user did not name the option of this command."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.DEFAULT

"""What the quick commands share as well, and so what must import little."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from model.profiles import PROFILES, Profile, profile_named
from model.versions import KNOWN

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def _reads(known: dict[str, Profile]) -> Callable[[str], Profile]:
    """Reads the name of a known profile; what it reads raises click.BadParameter."""

    def profile(name: str) -> Profile:
        try:
            return profile_named(name, known)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return profile


profile = _reads(PROFILES)
"""A profile that theorems are about, by its name."""
any_profile = _reads(KNOWN)
"""A profile by its name, of those by version too."""


def _option(read: Callable[[str], Profile], known: dict[str, Profile]) -> Callable[[F], F]:
    """`--profile`, of which a shell offers those that are known."""

    def offered(
        context: click.Context, option: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [
            CompletionItem(profile.name, help=profile.summary)
            for profile in known.values()
            if profile.name.startswith(incomplete)
        ]

    return click.option(
        "--profile",
        type=read,
        shell_complete=offered,
        default="qemu",
        show_default=True,
        help=f"The rules: {', '.join(known)}.",
    )


profile_option = _option(profile, PROFILES)
any_profile_option = _option(any_profile, KNOWN)


def exit_with(code: int) -> None:
    """End the command."""
    click.get_current_context().exit(code)


def chosen_by_default(option: str) -> bool:
    """The user did not name the option of this command."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.DEFAULT

"""`slotproof prove --list`: every theorem about a profile, with its statement."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem

from model.profiles import Profile
from smt_proofs.book.plan import theorem_names
from smt_proofs.book.statements import statements_of


def listed(profile: Profile, theorems: Sequence[str]) -> str:
    """A line each: the name, and what the theorem says; all where none is named."""
    chosen = [one for one in statements_of(profile) if not theorems or one.name in theorems]
    wide = max(len(one.name) for one in chosen)
    return "\n".join(f"{one.name:<{wide}}  {one.words}" for one in chosen)


def complete_theorem(
    context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The theorems that a shell offers: of the profile, if one is named before."""
    profile = context.params.get("profile")
    known = theorem_names(profile.name if isinstance(profile, Profile) else None)
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]

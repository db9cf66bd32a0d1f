"""A claim that a transition does not keep, as a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model.profiles import Mapping, Profile
from model.state import Op


@dataclass(frozen=True, slots=True)
class RefutedClaim:
    """A claim (an invariant or a contract, by name) that an operation does not keep.

    `holds` takes (domain, Fixed, state before, Action) and is the weakest hypothesis under which
    it does, `text` says it in words.
    """

    profile: str
    mapping: Mapping
    claim: str
    op: Op
    text: str
    holds: Callable[[Any, Any, Any, Any], Any]


def rows_of(
    profile: Profile,
    mapping: Mapping,
    holds: Callable[[Any, Any, Any, Any], Any],
    *rows: tuple[str, Op],
) -> tuple[RefutedClaim, ...]:
    """The rows of claims that hold under one hypothesis, whose words are its documentation."""
    text = " ".join((holds.__doc__ or "").split()).rstrip(".")
    text = text[0].lower() + text[1:]
    return tuple(RefutedClaim(profile.name, mapping, claim, op, text, holds) for claim, op in rows)

"""What is said of a function of a source."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final

from model.extents import Extents
from model.machine_ints import INTS
from smt_proofs.source.inputs import Inputs
from smt_proofs.source.rules import Rule


class Verdict(Enum):
    """What is known of a function of the source."""

    EQUAL = "equal"
    """Proven equal to the rule for all inputs."""
    DIFFERS = "differs"
    """There is an input at which it and the rule differ."""
    NOT_VERIFIED = "not verified"
    """Neither: outside the subset, or the solver could not tell."""
    UNSEEN = "unseen"
    """A patch shows it in part, or not at all."""
    INTERFACE = "another interface"
    """Its rule does not fit it, but all that call it are proven equal with it."""
    NOT_HERE = "not in this version"
    """It belongs to memslots of the device's own, which the source does not have."""
    TRUSTED = "taken on trust"
    """What it does is not looked at; its text is a known one."""
    TRUSTED_CHANGED = "taken on trust, text changed"
    """What it does is not looked at, and its text is none that is known."""


DECIDED: Final = frozenset({Verdict.EQUAL, Verdict.DIFFERS})
"""The verdicts that the text alone can change."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one function; `line` counts in `file`, 0 where there is none.

    `confirmed` says whether a compiled run does on the inputs what our own run did, None where none
    was tried. `remembered`: it was decided by an earlier run, on the day `since`. `assumed` are the
    fields whose type no header showed. `change` is what a patch did to its text. `after` are the
    sets that the source and the model leave at `inputs`, by side and name, as half-open ranges.
    """

    function: str
    rule: str
    file: str
    line: int
    verdict: Verdict
    reason: str = ""
    over: tuple[str, ...] = ()
    mappings: tuple[str, ...] = ()
    unseen: tuple[int, int] | None = None
    paths: int = 0
    queries: int = 0
    mapping: str | None = None
    inputs: dict[str, Any] | None = None
    what: str = ""
    source_says: str = ""
    model_says: str = ""
    confirmed: bool | None = None
    seconds: float = 0.0
    remembered: bool = False
    since: str = ""
    assumed: tuple[str, ...] = ()
    change: str = ""
    after: dict[str, dict[str, list[list[int]]]] | None = None


def hypotheses(rule: Rule) -> tuple[str, ...]:
    """What is assumed of the inputs of a function."""
    anything: dict[str, Any] = {f.name: 1 for f in fields(Inputs)}
    anything |= {"plugged": Extents(), "mapped": Extents()}
    return tuple(text for text, _ in rule.hypotheses(INTS, Inputs(**anything)))


def shown_inputs(x: Inputs, told: tuple[str, ...] = ()) -> dict[str, Any]:
    """The inputs that are not 0, false or empty, and those of the names in `told`."""
    values = {f.name: getattr(x, f.name) for f in fields(Inputs)}
    return {
        name: runs_of(value) if isinstance(value, Extents) else value
        for name, value in values.items()
        if value or name in told
    }


def runs_of(members: Extents) -> list[list[int]]:
    """A set as half-open ranges, as a document has them."""
    return [list(run) for run in members.ranges()]


def shown_sets(
    after: dict[str, dict[str, Extents]],
) -> dict[str, dict[str, list[list[int]]]] | None:
    """The sets of both sides, None where there is none."""
    sides = {
        side: {name: runs_of(members) for name, members in sets.items()}
        for side, sets in after.items()
    }
    return sides or None


def shown(value: Any) -> str:
    """A value of either side."""
    if isinstance(value, Extents):
        return " ".join(f"[{a}, {b})" for a, b in value.ranges()) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

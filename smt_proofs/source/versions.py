"""A file against an older one: for each function what the change comes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from smt_proofs.solving.pool import carried_out
from smt_proofs.source.against import Compared, Equality, calls, compared, handed
from smt_proofs.source.changes import OUTSIDE, Change, changes, outside
from smt_proofs.source.ir import Function
from smt_proofs.source.lower import Lowering
from smt_proofs.source.macros import OpenConditionError
from smt_proofs.source.material import Material, source_of
from smt_proofs.source.names import FIELDS, PRIMITIVES
from smt_proofs.source.pairs import Side, same_interface
from smt_proofs.source.parse import Source
from smt_proofs.source.typed import UnsupportedError


class Sameness(Enum):
    """What is known of a function of the new text beside the old one."""

    EQUAL = "equal"
    """Proven equal for all inputs, or the same text that uses the same."""
    DIFFERS = "differs"
    """There is an input on which they part."""
    NOT_VERIFIED = "not verified"
    """Neither."""
    FOLLOWS = "follows"
    """The same text, outside the subset, that uses functions which have a verdict of their own."""
    INTERFACE = "another interface"
    """Other parameters or result: judged through those that call it."""
    ADDED = "added"
    """The old text has none: judged through those that call it."""
    REMOVED = "removed"
    """The new text has none: judged through those that called it."""


@dataclass(frozen=True, slots=True)
class Parted:
    """One function in both texts; `line` counts in the new one, 0 where it has none.

    `change` says in words what became of its text; the rest is that of `Compared`.
    """

    function: str
    file: str
    line: int
    verdict: Sameness
    change: str
    reason: str = ""
    over: tuple[str, ...] = ()
    inputs: dict[str, Any] | None = None
    what: str = ""
    new_says: str = ""
    old_says: str = ""
    paths: int = 0
    queries: int = 0
    seconds: float = 0.0


_SAMENESS: Final = {
    Equality.EQUAL: Sameness.EQUAL,
    Equality.DIFFERS: Sameness.DIFFERS,
    Equality.OPEN: Sameness.NOT_VERIFIED,
}


def compare(
    old: Material,
    new: Material,
    only: frozenset[str] | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Parted]:
    """What the change comes to for each function, those of the same text ahead.

    `told` hears how many functions are judged, of how many.
    """
    before, after = source_of(old), source_of(new)
    changed = changes(before, after, header=old.header != new.header)
    names = [name for name in changed if only is None or name in only]
    found: dict[str, Parted] = {}
    for name in names:
        if not changed[name].own and not changed[name].through:
            found[name] = _parted(name, after, changed[name], Sameness.EQUAL)
            yield found[name]
    gone = sorted(before.functions.keys() - after.functions.keys())
    for name in gone if only is None else [name for name in gone if name in only]:
        found[name] = Parted(name, new.place, 0, Sameness.REMOVED, "removed")
        yield found[name]
    tasks = [name for name in names if name not in found]
    total = len(found) + len(tasks)
    told(len(found), total)
    for _, parted in carried_out(_judged, tasks, before, after, changed):
        found[parted.function] = parted
        told(len(found), total)
    _settle(found, changed)
    yield from (found[name] for name in tasks)
    if only is None and outside(old.source, before) != outside(new.source, after):
        yield Parted(
            OUTSIDE, new.place, 0, Sameness.NOT_VERIFIED, "changed", "tables, types and variables"
        )


def _parted(name: str, source: Source, change: Change, verdict: Sameness) -> Parted:
    text = source.functions[name][0]
    return Parted(name, text.file, text.lines[0], verdict, change.words)


def _judged(name: str, before: Source, after: Source, changed: dict[str, Change]) -> Parted:
    """One function, with what it calls followed on both sides."""
    start = time.monotonic()
    change = changed[name]
    parted = _parted(name, after, change, Sameness.NOT_VERIFIED)
    if change.added:
        return replace(parted, verdict=Sameness.ADDED)
    try:
        old, new = _side(name, before), _side(name, after)
        if not same_interface(old.function, new.function):
            return replace(parted, verdict=Sameness.INTERFACE)
        found = _through(compared(old, new), old, new, changed)
    except OpenConditionError as error:
        return replace(parted, reason=f"it depends on the condition {error.condition}")
    except UnsupportedError as error:
        where = f" (line {error.line})" if error.line else ""
        return replace(parted, reason=f"not in the subset: {error.construct}{where}")
    return replace(
        parted,
        verdict=_SAMENESS[found.equality],
        reason=found.reason,
        over=found.over,
        inputs=found.inputs,
        what=found.what,
        new_says=found.new_says,
        old_says=found.old_says,
        paths=found.paths,
        queries=found.queries,
        seconds=round(time.monotonic() - start, 3),
    )


def _side(name: str, source: Source) -> Side:
    program = Lowering(source)
    function: Function | None = program.function(name)
    assert function is not None
    kinds = {key: kind for key in FIELDS if (kind := source.fields.get(key)) is not None}
    return Side(function, program.function, kinds)


def _through(found: Compared, old: Side, new: Side, changed: dict[str, Change]) -> Compared:
    """What was taken to do the same in both texts must not have changed."""
    names = (calls(old) | calls(new)) & PRIMITIVES.keys() - {new.function.name}
    names |= handed(old) | handed(new)
    taken = sorted(n for n in names if n in changed and (changed[n].own or changed[n].through))
    if found.equality is not Equality.EQUAL or not taken:
        return found
    reason = f"alike but for {', '.join(taken)}, whose text changed"
    return replace(found, equality=Equality.OPEN, reason=reason)


def _settle(found: dict[str, Parted], changed: dict[str, Change]) -> None:
    """Functions of the same text, by what they use: equal where all of that is.

    Where it is not, but each has a verdict of its own, there is nothing more to say of them.
    """
    while True:
        settled = 0
        for name, parted in found.items():
            change = changed.get(name)
            if parted.verdict is not Sameness.NOT_VERIFIED or change is None or change.own:
                continue
            uses = {found[use].verdict if use in found else None for use in change.uses}
            verdict = Sameness.EQUAL if uses == {Sameness.EQUAL} else Sameness.FOLLOWS
            if uses <= _OWN_VERDICT and (verdict is Sameness.EQUAL or not _waits(change, found)):
                reason = "what it uses is equal" if verdict is Sameness.EQUAL else ""
                found[name] = replace(parted, verdict=verdict, reason=reason)
                settled += 1
        if not settled:
            return


_OWN_VERDICT: Final = {
    Sameness.EQUAL,
    Sameness.DIFFERS,
    Sameness.FOLLOWS,
    Sameness.NOT_VERIFIED,
}


def _waits(change: Change, found: dict[str, Parted]) -> bool:
    """It uses functions of the same text that are yet to be settled."""
    return any(
        found[use].verdict is Sameness.NOT_VERIFIED and found[use].change.startswith("as before")
        for use in change.uses
    )

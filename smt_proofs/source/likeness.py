"""What two runs of a function leave behind, and when that is alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from smt_proofs.source.c_types import VOID, CType
from smt_proofs.source.case import Claim
from smt_proofs.source.device import Device
from smt_proofs.source.typed import UnsupportedError

COMPARED: Final = frozenset(
    {
        "plugged",
        "mapped",
        "events",
        "sizes",
        "allocated",
        "depth",
        "aliases",
        "unmergeable",
        "errors",
        "freed",
        "fields",
        "pointers",
        "memory",
        "asked",
        "answers",
        "notified",
        "refused",
        "popped",
        "broken",
        "taken",
        "released",
    }
)
"""What a run leaves behind."""
ASIDE: Final = frozenset(
    {
        "d",
        "functions",
        "locals",
        "kinds",
        "result",
        "gap",
        "host",
        "files",
        "changes",
        "looping",
        "opaque",
        "only",
        "fresh",
        "firsts",
        "calls",
    }
)
"""What serves a run while it goes on. A part that is in neither set is refused."""

ENDS: Final = "where it stops"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: where it stopped, or its answer and what it leaves."""

    stopped: str
    answer: Any
    run: Device


def claims(d: Any, old: Outcome, new: Outcome, kind: CType) -> list[Claim]:
    """What must be alike. Raises UnsupportedError for a part of a run that is not known here."""
    if old.stopped or new.stopped:
        if old.stopped and new.stopped:
            return []
        same = d.truth(False)
        return [Claim(ENDS, same, _told(new), _told(old))]
    alike = [] if kind == VOID else [_value(d, "answer", new.answer, old.answer)]
    a, b = vars(new.run), vars(old.run)
    strange = {*a, *b} - COMPARED - ASIDE
    if strange:
        raise UnsupportedError(f"runs that keep {', '.join(sorted(strange))}", 0)
    for name in sorted(COMPARED & {*a, *b}):
        one, other = a.get(name), b.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            for key in sorted(one.keys() | other.keys()):
                if not _is_own(key):
                    alike.append(_value(d, _spelled(key), one.get(key), other.get(key)))
        elif callable(one) and callable(other):
            alike.append(_by_index(d, name, one, other))
        else:
            alike.append(_value(d, _WORDS.get(name, name), one, other))
    return alike


def _is_own(key: Any) -> bool:
    """A member of a variable of the function itself, which nobody sees afterwards."""
    return isinstance(key, tuple) and key[0].startswith("&")


def _spelled(key: Any) -> str:
    return "->".join(key) if isinstance(key, tuple) else str(key)


_WORDS: Final = {
    "asked": "functions asked",
    "answers": "responses sent",
    "notified": "notices of a changed configuration",
    "refused": "errors set",
    "plugged": "plugged blocks",
    "mapped": "mapped memslots",
    "events": "what is done and told, in order",
    "sizes": "plugged sizes told",
    "allocated": "number of memslots made",
}


def _told(outcome: Outcome) -> str:
    if outcome.stopped:
        return outcome.stopped
    if isinstance(outcome.answer, bool | int):
        return f"answers {signed(outcome.answer)}"
    return "goes on"


def signed(value: Any) -> Any:
    """A number as C prints it."""
    return value - (1 << 64) if isinstance(value, int) and value >> 63 else value


def _by_index(d: Any, name: str, one: Any, other: Any) -> Claim:
    end = 64 if isinstance(d.lit(0), int) else d.lit(1 << 32)
    same = d.every_index(end, lambda i: _value(d, name, one(i), other(i)).holds)
    return Claim(f"{name} of a memslot", same)


def _value(d: Any, what: str, one: Any, other: Any) -> Claim:
    """Two values of a run are the same: words, truth values, sets, pointers, records of them."""
    return Claim(what, _same(d, one, other), one, other)


def _same(d: Any, one: Any, other: Any) -> Any:
    if one is other:
        return d.truth(True)
    if one is None or other is None:
        return d.truth(False)
    if hasattr(one, "holds") or hasattr(one, "ranges"):
        return d.same_members(one, other)
    if isinstance(one, tuple | list):
        if len(one) != len(other):
            return d.truth(False)
        return _all(d, [_same(d, a, b) for a, b in zip(one, other, strict=True)])
    if isinstance(one, bool) or _is_truth(one):
        return d.same_truth(one, other)
    if isinstance(one, int) or hasattr(one, "sort"):
        return d.eq(one, other)
    names = getattr(type(one), "__slots__", None)
    if names and type(one) is type(other) and hasattr(one, "__dataclass_fields__"):
        return _all(d, [_same(d, getattr(one, n), getattr(other, n)) for n in names])
    return d.truth(one == other)


def _is_truth(value: Any) -> bool:
    return hasattr(value, "sort") and value.sort().name() == "Bool"


def _all(d: Any, parts: list[Any]) -> Any:
    found = d.truth(True)
    for part in parts:
        found = d.both(found, part)
    return found

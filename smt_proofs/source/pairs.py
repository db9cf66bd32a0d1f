"""One function in two texts, run on the same device, arguments and host: what is to be alike.

No rule of the model is asked. Where one text stops (a failed assertion, a division by zero, a null
pointer) the other one must stop too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from model.profiles import QEMU, Mapping
from smt_proofs.source.c_types import BOOL, POINTER, VOID, CType
from smt_proofs.source.case import Claim
from smt_proofs.source.device import Device
from smt_proofs.source.evaluation import Lookup, Pointer, UndefinedError
from smt_proofs.source.inputs import Inputs, device_fields, fixed, host
from smt_proofs.source.ir import Function
from smt_proofs.source.names import PRIMITIVES
from smt_proofs.source.runs import ProofRun, TrialRun
from smt_proofs.source.typed import UnsupportedError

_STOPS: Final = (
    "the assertion holds",
    "the divisor is not zero",
    "is not null",
    "vmem->memslots is set",
    "this is not reached",
    "only a memslot that is not mapped is added",
    "only a mapped memslot is removed",
)
"""Conditions without which a program ends; others must be shown to hold."""
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
    }
)
"""What serves a run while it goes on. A part that is in neither set is refused."""


ENDS: Final = "where it stops"


class StoppedError(Exception):
    """The program ends here: `what` does not hold."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"stops at line {line}, not so: {what}")


class SkipError(Exception):
    """Inputs on which a run says nothing."""


def _ends(what: str) -> bool:
    return any(stop in what for stop in _STOPS)


class PairTrial(TrialRun):
    """On machine integers."""

    def must(self, what: str, condition: Any, line: int) -> None:
        if not condition:
            raise StoppedError(what, line) if _ends(what) else SkipError


class PairProof(ProofRun):
    """On terms: where a program may end, the run forks. `firsts` are shared by both texts."""

    firsts: dict[tuple[int, ...], Any]

    def must(self, what: str, condition: Any, line: int) -> None:
        # What a round of a loop asks for is asked of all rounds, which may be none.
        if self.only is not None or not _ends(what):
            super().must(what, condition, line)
        elif not self.d.test(condition):
            raise StoppedError(what, line)

    def first(self, start: Any, end: Any, *, inside: bool) -> Any:
        key = (self.plugged.term.get_id(), start.get_id(), end.get_id(), inside)
        if key not in self.firsts:
            self.firsts[key] = super().first(start, end, inside=inside)
        return self.firsts[key]


@dataclass(frozen=True, slots=True)
class Side:
    """A function in one of the texts, and what it may call."""

    function: Function
    functions: Lookup
    kinds: dict[str, CType]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: where it stopped, or its answer and what it leaves."""

    stopped: str
    answer: Any
    run: Device


def same_interface(old: Function, new: Function) -> bool:
    """Both take and give the same types in the same order."""
    return old.kind == new.kind and _kinds(old) == _kinds(new)


def _kinds(function: Function) -> list[CType | None]:
    return [None if p is None else p[1] for p in function.parameters]


def outcomes(
    d: Any, x: Inputs, arguments: list[Any], old: Side, new: Side, run: type[Device]
) -> tuple[Outcome, Outcome]:
    """Both texts on the same inputs. Raises UnsupportedError, and SkipError on integers."""
    firsts: dict[tuple[int, ...], Any] = {}
    narrow = {
        name: min(old.kinds.get(name, kind).bits, new.kinds.get(name, kind).bits)
        for name, kind in (old.kinds | new.kinds).items()
        if kind not in (BOOL, POINTER)
    }
    made = []
    for side in (old, new):
        device = _device(d, x, side, run, narrow)
        if isinstance(device, PairProof):
            device.firsts = firsts
        pairs = enumerate(zip(arguments, _named(side), strict=True))
        given = [_converted(d, at, a, p[1]) for at, (a, p) in pairs]
        try:
            made.append(Outcome("", device.call(side.function, given), device))
        except (StoppedError, UndefinedError) as error:
            made.append(Outcome(str(error), None, device))
    return made[0], made[1]


def _named(side: Side) -> list[tuple[str, CType]]:
    return [p for p in side.function.parameters if p is not None]


def _converted(d: Any, at: int, value: Any, kind: CType) -> Any:
    if kind == POINTER:
        block = kind.pointee == "RAMBlock"
        return Pointer("memdev.mr.ram_block" if block else f"argument {at}", d.truth(True))
    if kind.signed:
        raise UnsupportedError(f"a parameter of type {kind.name}", 0)
    return value if kind == BOOL or kind.bits == 64 else d.narrow(value, kind.bits)


def _device(d: Any, x: Inputs, side: Side, run: type[Device], narrow: dict[str, int]) -> Device:
    """The device before the call: whatever its fields may hold."""
    before = device_fields(d, x, Mapping.PLUGGED)
    before["dynamic_memslots"] = x.option
    before["unplugged_inaccessible"] = d.lit(1) if d.test(x.inaccessible) else d.lit(2)
    before["bitmap_size"] = d.narrow(x.asked, 31)
    for name, bits in narrow.items():
        if name in before and bits < 64:
            before[name] = d.narrow(before[name], bits)
    surroundings = host(fixed(d, x, QEMU, Mapping.PLUGGED), x)
    device = run(d, side.functions, before, surroundings, (x.plugged, x.mapped))
    device.opaque -= {side.function.name}
    makes = side.function.name.endswith("prepare_memslots")
    slots = d.truth(False) if makes else x.option
    device.pointers = {
        "memdev": Pointer("memdev", x.memdev),
        "memdev.mr.ram_block": Pointer("memdev.mr.ram_block", x.ram),
        "memslots": Pointer("memslots", slots),
        "mr": Pointer("mr", x.option),
    }
    return device


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


def opaque_calls(names: set[str]) -> set[str]:
    """Those of the called functions that are not followed."""
    return names & PRIMITIVES.keys()

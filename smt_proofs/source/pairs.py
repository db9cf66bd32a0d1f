"""One function in two texts, run on the same device, arguments and host: what is to be alike.

No rule of the model is asked. Where one text stops (a failed assertion, a division by zero, a null
pointer) the other one must stop too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from model.profiles import QEMU, Mapping
from smt_proofs.source.c_types import BOOL, POINTER, CType
from smt_proofs.source.device import Device
from smt_proofs.source.evaluation import Lookup, Pointer, UndefinedError
from smt_proofs.source.inputs import Inputs, device_fields, fixed, host
from smt_proofs.source.ir import Function
from smt_proofs.source.likeness import Outcome
from smt_proofs.source.machine import AgainError
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
        except AgainError:
            raise UnsupportedError("an endless loop", side.function.line) from None
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

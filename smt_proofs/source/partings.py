"""Inputs on which two texts of a function part: looked for on machine integers, and shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any, Final

from model.extents import Extents
from model.machine_ints import INTS
from smt_proofs.source import findings
from smt_proofs.source.c_types import BOOL, CType
from smt_proofs.source.evaluation import UndefinedError
from smt_proofs.source.inputs import Inputs
from smt_proofs.source.likeness import ENDS, claims, signed
from smt_proofs.source.pairs import PairTrial, Side, SkipError, StoppedError, outcomes
from smt_proofs.source.realistic import SCALED, believable
from smt_proofs.source.runs import EndlessError
from smt_proofs.source.search import device, numbers
from smt_proofs.source.typed import UnsupportedError


@dataclass(frozen=True, slots=True)
class Parting:
    """Inputs and arguments on which two texts part, and what each says of `what`."""

    x: Inputs
    arguments: tuple[int | bool, ...]
    what: str
    new: Any
    old: Any

    @property
    def inputs(self) -> Inputs:
        """The device, its state and the host."""
        return self.x


def parameter_kinds(side: Side) -> list[CType]:
    """The types of what is given, the device left out."""
    return [p[1] for p in side.function.parameters if p is not None]


def first_parting(
    old: Side, new: Side, tried: Iterable[tuple[Inputs, tuple[int | bool, ...]]]
) -> Parting | None:
    """A parting of those tried, made simple, None where none is: one where both go on, if any."""
    stops = None
    for x, arguments in tried:
        found = _parts(old, new, x, arguments)
        if found is not None and found.what != ENDS:
            return _told_best(old, new, found)
        stops = stops or found
    return None if stops is None else _told_best(old, new, stops)


def _told_best(old: Side, new: Side, found: Parting) -> Parting:
    """The parting on a device that may be where the same is seen on one, made simple."""

    def again(x: Inputs) -> Parting | None:
        return _parts(old, new, x, tuple(_moved(a, found.x, x) for a in found.arguments))

    return _simplified(old, new, believable(found, again))


def _moved(argument: int | bool, old: Inputs, new: Inputs) -> int | bool:
    """An argument that is a size or an address of one device, as the other device has it."""
    if not argument or isinstance(argument, bool):
        return argument
    pairs = [(getattr(old, name), getattr(new, name)) for name in ("gpa", *SCALED)]
    pairs.append((old.blocks * old.block, new.blocks * new.block))
    return next((after for before, after in pairs if before == argument), argument)


_THERE: Final = frozenset({"memdev", "ram"})
"""Inputs that every device that works has."""


def random_inputs(random: Random, side: Side) -> tuple[Inputs, tuple[int | bool, ...]]:
    """A device and arguments for a call."""
    x = random.choice((numbers, *[device] * 5))(random)
    if random.random() < 0.2:
        x = replace(x, option=False, slot_size=0, count=0)
    return x, random_arguments(random, side, x)


def random_arguments(random: Random, side: Side, x: Inputs) -> tuple[int | bool, ...]:
    """Arguments of the right types, taken from the device and the request."""
    sizes = (x.gpa, x.offset, x.length, x.blocks * x.block, x.asked, x.region, 0)
    given: list[int | bool] = []
    for at, kind in enumerate(parameter_kinds(side)):
        if kind == BOOL:
            given.append(random.random() < 0.5)
        elif kind.bits < 64:
            given.append(random.choice((x.blocks, x.limit, 1)) & kind.largest)
        else:
            # An address or an offset ahead of a size, as all of them are called.
            usual = (x.offset, x.length) if "offset" in parameter_names(side) else (x.gpa, x.length)
            pick = usual[min(at, 1)] if random.random() < 0.7 else random.choice(sizes)
            given.append(pick & kind.largest)
    return tuple(given)


def parameter_names(side: Side) -> list[str]:
    """The names of what is given, the device left out."""
    return [p[0] for p in side.function.parameters if p is not None]


def _parts(old: Side, new: Side, x: Inputs, arguments: tuple[int | bool, ...]) -> Parting | None:
    try:
        before, after = outcomes(INTS, x, list(arguments), old, new, PairTrial)
        bad = next((c for c in claims(INTS, before, after, new.function.kind) if not c.holds), None)
    except (
        *(EndlessError, SkipError, StoppedError, UndefinedError, UnsupportedError),
        ZeroDivisionError,
    ):
        return None
    return None if bad is None else Parting(x, arguments, bad.what, bad.source, bad.model)


def _simplified(old: Side, new: Side, found: Parting) -> Parting:
    """The parting with all inputs at nothing that may be: what is left matters."""
    for field in fields(Inputs):
        value = getattr(found.x, field.name)
        nothing = type(value)()
        if value != nothing and field.name not in _THERE:
            x = replace(found.x, **{field.name: nothing})
            found = _alike(_parts(old, new, x, found.arguments), found)
    for at in range(len(found.arguments)):
        fewer = list(found.arguments)
        fewer[at] = type(fewer[at])()
        found = _alike(_parts(old, new, found.x, tuple(fewer)), found)
    return found


def _alike(simpler: Parting | None, found: Parting) -> Parting:
    """The simpler one, where both texts say there what they said before."""
    if simpler is None or simpler.what != found.what:
        return found
    same = isinstance(found.new, str | bool) and (simpler.new, simpler.old) != (
        found.new,
        found.old,
    )
    return found if same else simpler


def shown_inputs(parting: Parting, side: Side) -> dict[str, Any]:
    """The arguments by name, and the inputs that are not 0, false or empty."""
    given: dict[str, Any] = dict(zip(parameter_names(side), parting.arguments, strict=True))
    return given | {n: v for n, v in findings.shown_inputs(parting.x).items() if n not in given}


def shown(value: Any) -> str:
    """A value of either side."""
    if isinstance(value, tuple):
        return "; ".join(_event(part) for part in value) or "nothing"
    return findings.shown(value if isinstance(value, bool) else signed(value))


def shown_apart(one: Any, other: Any) -> tuple[str, str]:
    """The values of two sides, in as many words as tell them apart."""
    told = shown(one), shown(other)
    if told[0] != told[1] or not isinstance(one, tuple) or not isinstance(other, tuple):
        return told
    sides = ("; ".join(_event(part, blocks=True) for part in side) for side in (one, other))
    return next(sides), next(sides)


def _event(part: Any, *, blocks: bool = False) -> str:
    """Something done, or a size told; `blocks`: with the blocks that are plugged then."""
    if not hasattr(part, "did"):
        return str(part)
    what = "memslots change" if part.did is None else part.did.value
    if part.offset is None:
        what += f" (mapped then: {_members(part.mapped)})"
    else:
        what += f" [{part.offset}, +{part.size}]{'' if part.done else ', which fails'}"
    return f"{what} (plugged then: {_members(part.plugged)})" if blocks else what


def _members(members: Extents) -> str:
    """The numbers of a set, from first to last."""
    runs = (str(a) if b == a + 1 else f"{a} to {b - 1}" for a, b in members.ranges())
    return " and ".join(runs) or "none"

"""The functions of one text proven equal to those of another one, without any model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import Enum
from itertools import chain, islice
from random import Random
from typing import Any, Final

import z3

from model.extents import Extents
from model.machine_ints import INTS
from smt_proofs.solving.solve import Answer
from smt_proofs.source.c_types import BOOL, POINTER, CType
from smt_proofs.source.calls import calls_of
from smt_proofs.source.domain import SourceTerms
from smt_proofs.source.evaluation import UndefinedError
from smt_proofs.source.guesses import guesses
from smt_proofs.source.inputs import Inputs, any_inputs
from smt_proofs.source.ir import Function
from smt_proofs.source.names import PRIMITIVES
from smt_proofs.source.pairs import (
    ENDS,
    PairProof,
    PairTrial,
    Side,
    SkipError,
    StoppedError,
    claims,
    outcomes,
)
from smt_proofs.source.proof import ask
from smt_proofs.source.runs import EndlessError
from smt_proofs.source.search import SEED, device, numbers
from smt_proofs.source.typed import UnsupportedError
from smt_proofs.symbolic.paths import Script, explore

FEW: Final = 400
GUESSES: Final = 8
"""Choices of arguments for inputs that the solver has in mind."""
TRIES: Final = 8_000
ASSUMED: Final = "vmem->mr and vmem->memslots are there where the option for memslots is on"
BLOCK: Final = "the block size is not 0"
MEMORY: Final = "vmem->memdev is there"
_NULL: Final = "not shown: vmem->memdev is not null"
_RANGES: Final = frozenset(
    f"virtio_mem_{name}"
    for name in (
        "is_range_plugged",
        "is_range_unplugged",
        "set_range_plugged",
        "set_range_unplugged",
    )
)


class Equality(Enum):
    """What is known of two texts of a function."""

    EQUAL = "equal"
    DIFFERS = "differs"
    OPEN = "not verified"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two texts of a function compared; where they part, the inputs and what each says of `what`.

    `over` is what is assumed of the inputs.
    """

    equality: Equality
    reason: str = ""
    over: tuple[str, ...] = ()
    inputs: dict[str, Any] | None = None
    what: str = ""
    new_says: str = ""
    old_says: str = ""
    paths: int = 0
    queries: int = 0


@dataclass(frozen=True, slots=True)
class _Parting:
    x: Inputs
    arguments: tuple[int | bool, ...]
    what: str
    new: Any
    old: Any


def compared(old: Side, new: Side) -> Compared:
    """Prove two texts of one interface equal, or find inputs on which they part."""
    called = calls(old) | calls(new)
    ranged = bool(called & _RANGES)
    over = (ASSUMED, BLOCK) if ranged else (ASSUMED,)
    found = Compared(Equality.OPEN, over=over)
    random = Random(SEED)
    many = (_random(random, new) for _ in iter(int, 1))
    parting = _first(old, new, islice(many, FEW))
    if parting is None:
        tried: Iterable[Inputs] = ()
        try:
            found, tried = _proven(old, new, found, ranged=ranged)
            if _NULL in found.reason:
                # Whether a loop has a round at all is not asked: in none nothing is read.
                with_memory = replace(found, over=(*over, MEMORY))
                found, tried = _proven(old, new, with_memory, ranged=ranged, memory=True)
        except UnsupportedError as error:
            found = replace(found, reason=f"not in the subset: {error.construct}")
        if found.equality is Equality.EQUAL:
            return found
        guessed = ((x, _arguments(random, new, x)) for x in tried for _ in range(GUESSES))
        parting = _first(old, new, chain(guessed, islice(many, TRIES)))
    if parting is None:
        return found
    return replace(
        found,
        equality=Equality.DIFFERS,
        reason="",
        inputs=_shown_inputs(parting, new),
        what=parting.what,
        new_says=_shown(parting.new),
        old_says=_shown(parting.old),
    )


def _proven(
    old: Side, new: Side, found: Compared, *, ranged: bool, memory: bool = False
) -> tuple[Compared, Iterable[Inputs]]:
    """The proof, or why there is none and inputs that the solver has in mind."""
    kinds = _kinds(new)

    def run(script: Script) -> tuple[SourceTerms, list[Any]]:
        d = SourceTerms(script)
        x = any_inputs(d)
        if ranged:
            d.given.append(d.le(d.lit(1), x.block))
        if memory:
            d.given.append(x.memdev)
        given = [_symbol(d, at, kind) for at, kind in enumerate(kinds)]
        before, after = outcomes(d, x, given, old, new, PairProof)
        return d, claims(d, before, after, new.function.kind)

    paths = queries = 0
    for d, owed in explore(run):
        paths += 1
        known = [*d.given, *d.path]
        todo = [
            (f"not shown: {duty.what}", [*duty.given, *duty.path], duty.condition)
            for duty in (*d.closed, *d.duties)
        ]
        todo += [(f"not shown alike: {claim.what}", known, claim.holds) for claim in owed]
        todo = [item for item in todo if not z3.is_true(z3.simplify(item[2]))]
        queries += len(todo)
        broken = [z3.And(*given, z3.Not(condition)) for _, given, condition in todo]
        if not broken or ask([*d.facts, z3.Or(*broken)]) is Answer.UNSAT:
            continue
        for (what, _, _), violated in zip(todo, broken, strict=True):
            if ask([*d.facts, violated]) is not Answer.UNSAT:
                reason = f"no proof ({what}) and no input found on which they part"
                tries = guesses(d.facts, violated)
                return replace(found, reason=reason, paths=paths, queries=queries), tries
    return replace(found, equality=Equality.EQUAL, paths=paths, queries=queries), ()


def calls(side: Side) -> set[str]:
    """All calls that a function may make, but for those of functions that are not followed."""
    own = PRIMITIVES.keys() - {side.function.name}

    def follow(name: str) -> Function | None:
        return None if name in own else side.functions(name)

    return calls_of(side.function.body, follow)


def _kinds(side: Side) -> list[CType]:
    return [p[1] for p in side.function.parameters if p is not None]


def _symbol(d: SourceTerms, at: int, kind: CType) -> Any:
    if kind == POINTER:
        return None
    return d.flag(f"argument{at}") if kind == BOOL else d.word(f"argument{at}", kind.bits)


# Inputs on which they part.


def _first(
    old: Side, new: Side, tried: Iterable[tuple[Inputs, tuple[int | bool, ...]]]
) -> _Parting | None:
    """A parting of those tried, made simple, None where none is: one where both go on, if any."""
    stops = None
    for x, arguments in tried:
        found = _parts(old, new, x, arguments)
        if found is not None and found.what != ENDS:
            return _simplified(old, new, found)
        stops = stops or found
    return None if stops is None else _simplified(old, new, stops)


_THERE: Final = frozenset({"memdev", "ram"})
"""Inputs that every device that works has."""


def _random(random: Random, side: Side) -> tuple[Inputs, tuple[int | bool, ...]]:
    x = random.choice((numbers, *[device] * 5))(random)
    if random.random() < 0.2:
        x = replace(x, option=False, slot_size=0, count=0)
    return x, _arguments(random, side, x)


def _arguments(random: Random, side: Side, x: Inputs) -> tuple[int | bool, ...]:
    """Arguments of the right types, taken from the device and the request."""
    sizes = (x.gpa, x.offset, x.length, x.blocks * x.block, x.asked, x.region, 0)
    given: list[int | bool] = []
    for at, kind in enumerate(_kinds(side)):
        if kind == BOOL:
            given.append(random.random() < 0.5)
        elif kind.bits < 64:
            given.append(random.choice((x.blocks, x.limit, 1)) & kind.largest)
        else:
            # An address or an offset ahead of a size, as all of them are called.
            usual = (x.offset, x.length) if "offset" in _names(side) else (x.gpa, x.length)
            pick = usual[min(at, 1)] if random.random() < 0.7 else random.choice(sizes)
            given.append(pick & kind.largest)
    return tuple(given)


def _names(side: Side) -> list[str]:
    return [p[0] for p in side.function.parameters if p is not None]


def _parts(old: Side, new: Side, x: Inputs, arguments: tuple[int | bool, ...]) -> _Parting | None:
    try:
        before, after = outcomes(INTS, x, list(arguments), old, new, PairTrial)
        bad = next((c for c in claims(INTS, before, after, new.function.kind) if not c.holds), None)
    except (EndlessError, SkipError, ZeroDivisionError, UndefinedError, StoppedError):
        return None
    except UnsupportedError:
        return None
    return None if bad is None else _Parting(x, arguments, bad.what, bad.source, bad.model)


def _simplified(old: Side, new: Side, found: _Parting) -> _Parting:
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


def _alike(simpler: _Parting | None, found: _Parting) -> _Parting:
    """The simpler one, where both texts say there what they said before."""
    if simpler is None or simpler.what != found.what:
        return found
    same = isinstance(found.new, str | bool) and (simpler.new, simpler.old) != (
        found.new,
        found.old,
    )
    return found if same else simpler


def _shown_inputs(parting: _Parting, side: Side) -> dict[str, Any]:
    """The arguments by name, and the inputs that are not 0, false or empty."""
    values = {f.name: getattr(parting.x, f.name) for f in fields(Inputs)}
    shown: dict[str, Any] = dict(zip(_names(side), parting.arguments, strict=True))
    for name, value in values.items():
        if value and name not in shown:
            ranges = isinstance(value, Extents)
            shown[name] = [list(run) for run in value.ranges()] if ranges else value
    return shown


def _shown(value: Any) -> str:
    if isinstance(value, Extents):
        return " ".join(f"[{a}, {b})" for a, b in value.ranges()) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value - (1 << 64) if value >> 63 else value)
    if isinstance(value, tuple):
        return "; ".join(_event(part) for part in value) or "nothing"
    return str(value)


def _event(part: Any) -> str:
    """Something done, or a size told."""
    if not hasattr(part, "did"):
        return str(part)
    what = "memslots change" if part.did is None else part.did.value
    return what if part.offset is None else f"{what} [{part.offset}, +{part.size}]"

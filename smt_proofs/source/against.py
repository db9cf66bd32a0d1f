"""The functions of one text proven equal to those of another one, without any model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, islice
from random import Random
from typing import Any, Final

from smt_proofs.source.c_types import BOOL, POINTER, CType
from smt_proofs.source.calls import calls_of, parts_of
from smt_proofs.source.domain import SourceTerms
from smt_proofs.source.inputs import Inputs, any_inputs
from smt_proofs.source.ir import Function
from smt_proofs.source.likeness import claims
from smt_proofs.source.names import CALLBACK, PRIMITIVES
from smt_proofs.source.pairs import PairProof, Side, outcomes
from smt_proofs.source.partings import (
    first_parting,
    parameter_kinds,
    random_arguments,
    random_inputs,
    shown_apart,
    shown_inputs,
)
from smt_proofs.source.proof import Queries
from smt_proofs.source.search import SEED
from smt_proofs.source.typed import Place, UnsupportedError
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


def compared(old: Side, new: Side) -> Compared:
    """Prove two texts of one interface equal, or find inputs on which they part."""
    called = calls(old) | calls(new)
    ranged = bool(called & _RANGES)
    over = (ASSUMED, BLOCK) if ranged else (ASSUMED,)
    found = Compared(Equality.OPEN, over=over)
    random = Random(SEED)
    many = (random_inputs(random, new) for _ in iter(int, 1))
    parting = first_parting(old, new, islice(many, FEW))
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
        guessed = ((x, random_arguments(random, new, x)) for x in tried for _ in range(GUESSES))
        parting = first_parting(old, new, chain(guessed, islice(many, TRIES)))
    if parting is None:
        return found
    new_says, old_says = shown_apart(parting.new, parting.old)
    return replace(
        found,
        equality=Equality.DIFFERS,
        reason="",
        over=(),
        inputs=shown_inputs(parting, new),
        what=parting.what,
        new_says=new_says,
        old_says=old_says,
    )


def _proven(
    old: Side, new: Side, found: Compared, *, ranged: bool, memory: bool = False
) -> tuple[Compared, Iterable[Inputs]]:
    """The proof, or why there is none and inputs that the solver has in mind."""
    kinds = parameter_kinds(new)

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

    queries = Queries()
    paths = 0
    for d, owed in explore(run):
        paths += 1
        broken = queries.first_open(d, owed)
        if broken is not None:
            what, tries = broken
            reason = f"no proof ({what}) and no input found on which they part"
            return replace(found, reason=reason, paths=paths, queries=queries.count), tries
    return replace(found, equality=Equality.EQUAL, paths=paths, queries=queries.count), ()


def calls(side: Side) -> set[str]:
    """All calls that a function may make, but for those of functions that are not followed."""
    own = PRIMITIVES.keys() - {side.function.name}

    def follow(name: str) -> Function | None:
        return None if name in own else side.functions(name)

    return calls_of(side.function.body, follow)


def handed(side: Side) -> set[str]:
    """The functions that a function hands over, to be called for each range."""
    paths = [part.path for part in parts_of(side.function.body) if isinstance(part, Place)]
    return {path.removeprefix(CALLBACK) for path in paths if path.startswith(CALLBACK)}


def _symbol(d: SourceTerms, at: int, kind: CType) -> Any:
    if kind == POINTER:
        return None
    return d.flag(f"argument{at}") if kind == BOOL else d.word(f"argument{at}", kind.bits)

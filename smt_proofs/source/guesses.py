"""Inputs at which a condition fails, as the solver would have it: to be run, never believed.

In the domain of the proof a quotient or a product may be anything, so a model of it need not be one
of C. Here they are exact, and the device has one of a few geometries, so that the solver divides by
constants. The sets are made of what the model says of their members and ranges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

import z3

from model.arithmetic import GIB, MIB
from model.extents import Extents
from smt_proofs.solving.solve import SEED, Term
from smt_proofs.source.domain import ALL_IN, MEMBER, NONE_IN, PRODUCT, SLOT_BITS
from smt_proofs.source.inputs import FLAGS, NARROW, Inputs
from smt_proofs.symbolic.terms import QUOTIENT, REMAINDER

EFFORT: Final = 2_000_000
"""Resource units a geometry."""
GEOMETRIES: Final[tuple[dict[str, int], ...]] = (
    {"block": 2 * MIB, "slot_size": GIB, "count": 3, "region": 2 * GIB + 512 * MIB},
    {"block": 1 << 31, "slot_size": 1 << 33, "count": 2, "region": 3 << 32},
    {"block": 1 << 40, "slot_size": 1 << 42, "count": 2, "region": 1 << 43},
    {"block": 2 * MIB, "default_block": 2 * MIB},
    {"block": 1 << 40, "default_block": 1 << 40},
    {"block": 0, "default_block": 2 * MIB},
    {},
)
"""What is fixed of the inputs, bytes but for the number of memslots."""
_X, _Y = (z3.Var(index, z3.BitVecSort(64)) for index in range(2))


def guesses(facts: list[Term], violated: Term) -> Iterator[Inputs]:
    """Inputs to try, at most one a geometry."""
    exact = [
        z3.substitute_funs(
            condition,
            (QUOTIENT, z3.UDiv(_X, _Y)),
            (REMAINDER, z3.URem(_X, _Y)),
            (PRODUCT, _X * _Y),
        )
        for condition in (*facts, violated)
    ]
    for geometry in GEOMETRIES:
        context = z3.Context()
        solver = z3.Solver(ctx=context)
        solver.set("random_seed", SEED)
        solver.set("rlimit", EFFORT)
        fixed = [_word(name) == value for name, value in geometry.items()]
        solver.add(*(condition.translate(context) for condition in (*exact, *fixed)))
        if solver.check() == z3.sat:
            yield _inputs(solver.model(), geometry)


def _word(name: str) -> Term:
    return z3.BitVec(name, NARROW.get(name, 64))


def _inputs(model: z3.ModelRef, geometry: dict[str, int]) -> Inputs:
    """What the model says of each input; what it says nothing of is 0 or false."""
    said = {constant.name(): model[constant] for constant in model.decls() if not constant.arity()}
    values: dict[str, Any] = {}
    for field in fields(Inputs):
        value = said.get(field.name)
        if field.name in ("plugged", "mapped"):
            values[field.name] = _set(model, field.name)
        elif field.name in FLAGS:
            values[field.name] = value is not None and z3.is_true(value)
        else:
            values[field.name] = 0 if value is None else value.as_long()
    values |= geometry
    for name in ("slot_size", "count", "default_block"):
        values[name] = values[name] or 1
    return Inputs(**values)


def _set(model: z3.ModelRef, name: str) -> Extents:
    """A set with what the model says of it: of whole ranges first, then of single indices."""
    said: list[tuple[str, list[int], bool]] = []
    for function in model.decls():
        if function.name() not in (MEMBER.name(), ALL_IN.name(), NONE_IN.name()):
            continue
        about = model[function]
        for number in range(about.num_entries()):
            entry = about.entry(number)
            about_it = z3.Const(name, entry.arg_value(0).sort()) == entry.arg_value(0)
            if not z3.is_true(model.eval(about_it, model_completion=True)):
                continue
            at = [entry.arg_value(i).as_long() for i in range(1, entry.num_args())]
            said.append((function.name(), at, z3.is_true(entry.value())))
    found = Extents()
    largest = 1 << (SLOT_BITS if name == "mapped" else 64)
    for asked, bounds, holds in sorted(said, key=lambda entry: len(entry[1]), reverse=True):
        first, end = bounds[0], bounds[1] if len(bounds) == 2 else bounds[0] + 1
        if first >= end or end > largest:
            continue
        if asked == NONE_IN.name() and not holds:
            end = first + 1
        if asked == ALL_IN.name() and not holds:
            found = found.without_range(first, first + 1)
        elif asked == ALL_IN.name() or (holds is (asked == MEMBER.name())):
            found = found.with_range(first, end)
        else:
            found = found.without_range(first, end)
    return found

"""A theorem executed on machine integers: what confirms a counterexample or an example."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import z3

from model.machine_ints import INTS
from smt_proofs.decision.theorem import Theorem


def concrete(inputs: Any, model: z3.ModelRef) -> Any:
    """The inputs as machine integers under a model; what the model leaves open is 0."""
    if is_dataclass(inputs) and not isinstance(inputs, type):
        values = {f.name: concrete(getattr(inputs, f.name), model) for f in fields(inputs)}
        return type(inputs)(**values)
    value = model.eval(inputs, model_completion=True)
    return z3.is_true(value) if z3.is_bool(value) else value.as_long()


def by_name(inputs: Any) -> dict[str, Any]:
    """Inputs by field name, nested records merged."""
    values: dict[str, Any] = {}
    for f in fields(inputs):
        value = getattr(inputs, f.name)
        values.update(by_name(value) if is_dataclass(value) else {f.name: value})
    return values


def flat(inputs: Any) -> dict[str, int]:
    """Concrete inputs by field name; truth values become 0 or 1."""
    return {name: int(value) for name, value in by_name(inputs).items()}


def goal_fails(theorem: Theorem[Any], inputs: Any) -> bool:
    """Executed on machine integers, the goal is false there or divides by zero."""
    try:
        return not theorem.goal(INTS, inputs)
    except ZeroDivisionError:
        return True


def meets(theorem: Theorem[Any], inputs: Any, *, without: str = "") -> bool:
    """All hypotheses hold of concrete inputs, but the one named `without`, which does not."""
    try:
        return all(h.holds(INTS, inputs) == (h.name != without) for h in theorem.hypotheses)
    except ZeroDivisionError:
        return False

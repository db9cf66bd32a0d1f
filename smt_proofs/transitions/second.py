"""A second outcome that meets all that is claimed of a step: what the claims leave open, executed.

It is looked for on small devices whose state, action and outcome a solver chooses, among outcomes
of the shapes that the claims do not tell apart. It counts once the claims, executed on machine
integers, hold of it and of the rule's own outcome, and the two differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, Final

import z3

from model.contracts.words import EVERY_FIELD, SETS, SIZES, kept
from model.effects import Effect
from model.geometry import Memslots
from model.machine_ints import INTS
from model.profiles import Mapping, Profile
from model.state import Action, ConcreteResult, Faults, Fixed, Op, Result, State
from smt_proofs.solving.solve import Term, units
from smt_proofs.transitions.claims import REALIZE, Claim
from smt_proofs.transitions.finite import FiniteTerms, any_bits, valued
from smt_proofs.transitions.inputs import Situation, state_invariants
from smt_proofs.transitions.shapes import OtherKinds, Shape, shape_of
from smt_proofs.transitions.small import BLOCK, SmallSituation, fails, outcome, situations
from smt_proofs.transitions.spoils import outcomes

LAYOUTS: Final = ((2, 1), (3, 2))
"""Devices by their blocks, and blocks of a memslot."""
WORK: Final = 5.0
"""Seconds of work, as `solve.units` counts them, for one question."""
TRIED: Final = 500
"""Situations in which wrong outcomes are tried out."""
STEP: Final = 7
"""One in so many situations is taken; a prime, so that all kinds of them come up."""


@dataclass(frozen=True, slots=True)
class Second:
    """A situation, what the rule makes of it, and what else the claims would permit."""

    situation: SmallSituation
    right: ConcreteResult
    other: ConcreteResult


def second_outcome(
    profile: Profile,
    mapping: Mapping,
    transition: str,
    claims: Sequence[Claim],
    pairs: Iterable[tuple[Shape, Shape]],
) -> Second | None:
    """A second outcome, one of each pair being the rule's shape; None where none is found."""
    asked = list(pairs)
    for blocks, group in LAYOUTS:
        at = _Small(profile, mapping, transition, claims, blocks, group)
        for one, two in asked:
            found = at.between(one, two)
            if found is not None:
                return found
    return None


def let_in(
    profile: Profile,
    mapping: Mapping,
    transition: str,
    claims: Sequence[Claim],
    dropped: Claim,
    shapes: Sequence[Shape],
) -> Second | None:
    """An outcome that meets `claims` and not the one that was dropped; None where none is found."""
    for blocks, group in LAYOUTS:
        at = _Small(profile, mapping, transition, claims, blocks, group)
        for shape in shapes:
            found = at.breaking(dropped, shape)
            if found is not None:
                return found
    return None


def tried_out(
    profile: Profile, mapping: Mapping, transition: str, claims: Sequence[Claim]
) -> Second | None:
    """A wrong outcome of `spoils` that meets the claims; None where none is found.

    It may have effects that no claim names, which a solver is not asked about.
    """
    for at in islice(situations(profile, mapping, transition), 0, TRIED * STEP, STEP):
        right, wrongs = outcomes(transition, at)
        if any(fails(claim, at, right) for claim in claims):
            continue
        for _, wrong in wrongs:
            if wrong != right and not any(fails(claim, at, wrong) for claim in claims):
                return Second(at, right, wrong)
    return None


@dataclass(frozen=True, slots=True)
class _Small:
    """All situations of a transition on one small device."""

    profile: Profile
    mapping: Mapping
    transition: str
    claims: Sequence[Claim]
    blocks: int
    group: int

    def between(self, one: Shape, two: Shape) -> Second | None:
        """Two outcomes of these shapes that are not the same."""
        if isinstance(one.kinds, OtherKinds) or isinstance(two.kinds, OtherKinds):
            return None
        outcomes = [_outcome(one, ".one"), _outcome(two, ".two")]
        apart = [z3.Not(_same(FiniteTerms(), *outcomes))] if one == two else []
        return self._found(outcomes, lambda f, s, a: apart)

    def breaking(self, dropped: Claim, shape: Shape) -> Second | None:
        """An outcome of the shape of which the claim dropped is false."""
        if isinstance(shape.kinds, OtherKinds):
            return None
        outcome = _outcome(shape, ".two")
        d = FiniteTerms()
        return self._found([outcome], lambda f, s, a: [z3.Not(dropped.holds(d, f, s, a, outcome))])

    def _found(self, outcomes: Sequence[Any], also: Callable[..., Sequence[Term]]) -> Second | None:
        d: Any = FiniteTerms()
        f = _device(self.profile, self.mapping, self.blocks, self.group)
        s, a = _state(""), _action(self.transition)
        solver = z3.Solver()
        solver.set("rlimit", units("z3", WORK))
        solver.add(*_words((f, s, a, *outcomes)), *also(f, s, a))
        if self.transition != REALIZE:
            solver.add(*(i.holds(d, f, s) for i in state_invariants(self.mapping)))
        for each in outcomes:
            solver.add(*(claim.holds(d, f, s, a, each) for claim in self.claims))
        if solver.check() != z3.sat:
            return None
        model = solver.model()
        at = Situation(*(_valued(part, model) for part in (f, s, a)))
        return self._confirmed(at, [_valued(each, model) for each in outcomes])

    def _confirmed(self, at: SmallSituation, outcomes: Iterable[ConcreteResult]) -> Second | None:
        met = (i.holds(INTS, at.fixed, at.state) for i in state_invariants(self.mapping))
        if self.transition != REALIZE and not all(met):
            return None
        right = outcome(self.transition, at)
        for other in outcomes:
            both = (fails(claim, at, each) for claim in self.claims for each in (right, other))
            if other != right and not any(both):
                return Second(at, right, other)
        return None


def _device(profile: Profile, mapping: Mapping, blocks: int, group: int) -> Fixed[Any, Any]:
    static = mapping is Mapping.STATIC
    count, size = (1, blocks) if static else (-(-blocks // group), group)
    offered = {Mapping.PLUGGED: z3.BoolVal(True), Mapping.USABLE: z3.BoolVal(False)}
    return Fixed(
        profile=profile,
        mapping=mapping,
        slots=Memslots(z3.IntVal(count), z3.IntVal(size * BLOCK)),
        region=z3.IntVal(blocks * BLOCK),
        block=z3.IntVal(BLOCK),
        addr=z3.IntVal(4 * BLOCK),
        extent=z3.IntVal(BLOCK // 2),
        start_requested=z3.IntVal(BLOCK),
        inaccessible=offered.get(mapping, z3.Bool("inaccessible")),
        prealloc=z3.Bool("prealloc"),
    )


def _state(name: str) -> State[Any, Any, Any]:
    made = {
        field: any_bits(f"{field}{name}")
        if field in SETS
        else z3.Int(f"{field}{name}")
        if field in SIZES
        else z3.Bool(f"{field}{name}")
        for field in EVERY_FIELD
    }
    return State(**made)


def _action(transition: str) -> Action[Any, Any]:
    op = Op.STATE if transition == REALIZE else Op(transition)
    faults = Faults(*(z3.Bool(f"{fault}_fails") for fault in ("discard", "prealloc", "populate")))
    return Action(op, z3.Int("addr"), z3.Int("blocks"), z3.Int("value"), faults)


def _outcome(shape: Shape, name: str) -> Result[Any, Any, Any]:
    assert isinstance(shape.kinds, tuple)
    effects = tuple(
        Effect(
            did,
            any_bits(f"plugged_then_{n}{name}"),
            any_bits(f"mapped_then_{n}{name}"),
            z3.Int(f"offset_{n}{name}"),
            z3.Int(f"size_{n}{name}"),
            z3.Bool(f"done_{n}{name}"),
        )
        for n, did in enumerate(shape.kinds, 1)
    )
    head = shape.answer, shape.block_state, shape.notified
    return Result(_state(name), *head, effects)


def _parts(value: Any) -> Iterator[Any]:
    """The words, truth values and sets in a record, down to the last."""
    if isinstance(value, tuple) and not all(map(z3.is_expr, value)):
        for each in value:
            yield from _parts(each)
    elif hasattr(value, "__dataclass_fields__"):
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
    else:
        yield value


def _words(record: Any) -> Iterator[Term]:
    """Words are small enough that no sum of a few of them wraps, and 16 bits hold a count."""
    words = (p for p in _parts(record) if z3.is_expr(p) and z3.is_int(p))
    for word in words:
        yield z3.And(word >= 0, word <= 32 * BLOCK)
        if str(word) == "blocks":
            yield word < 1 << 16


def _valued(value: Any, model: z3.ModelRef) -> Any:
    """A record with what the model says of its parts."""
    if isinstance(value, tuple) and not (value and all(map(z3.is_expr, value))):
        return tuple(_valued(each, model) for each in value)
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, Profile):
        made = {field.name: _valued(getattr(value, field.name), model) for field in fields(value)}
        return type(value)(**made)
    return valued(value, model) if isinstance(value, tuple) or z3.is_expr(value) else value


def _same(d: Any, one: Any, two: Any) -> Term:
    """Both outcomes, of one shape, are the same."""
    same = [kept(d, one.state, two.state, EVERY_FIELD)]
    for e, other in zip(one.effects, two.effects, strict=True):
        same += [e.offset == other.offset, e.size == other.size, e.done == other.done]
        same += [d.same_members(getattr(e, n), getattr(other, n)) for n in sorted(SETS)]
    return z3.And(*same)


def right_shape(transition: str, situation: SmallSituation) -> Shape:
    """The shape of what the rule makes of a situation."""
    return shape_of(outcome(transition, situation))

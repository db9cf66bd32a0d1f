"""Wrong outcomes: what a transition's claims must notice.

A spoil alters the right outcome of any transition in one respect. A claim that no spoil breaks
claims nothing; one that a spoil breaks on an executed situation has its negative control.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Final

from model.effects import Did, Effect
from model.machine_ints import INTS
from model.state import Answer, BlockState
from smt_proofs.transitions.claims import Claim, carry_out

FEW: Final = 5000
"""Situations that a control is looked for in."""


@dataclass(frozen=True, slots=True)
class Spoil:
    """`apply` takes (domain, fixed, right outcome) and returns a wrong one."""

    name: str
    apply: Callable[[Any, Any, Any], Any]


def _state(change: Callable[[Any, Any, Any], dict[str, Any]], d: Any, f: Any, r: Any) -> Any:
    return replace(r, state=replace(r.state, **change(d, f, r.state)))


def _flip(flag: str, d: Any, f: Any, s: Any) -> dict[str, Any]:
    return {flag: d.negate(getattr(s, flag))}


def _answered(answer: Answer, d: Any, f: Any, r: Any) -> Any:
    return replace(r, answer=answer)


def _reported(state: BlockState | None, d: Any, f: Any, r: Any) -> Any:
    return replace(r, block_state=state)


def _did(did: Did, d: Any, f: Any, r: Any) -> Any:
    """Something is done with the region's first block, plugged and in no mapped memslot."""
    plugged = d.filled(d.no_blocks(), d.lit(0), d.lit(1))
    done = d.truth(True)
    return replace(r, effects=(Effect(did, plugged, d.no_slots(), d.lit(0), f.block, done),))


def _failed(d: Any, f: Any, r: Any) -> Any:
    """What took place did not, and the other way round."""
    return replace(r, effects=tuple(replace(e, done=d.negate(e.done)) for e in r.effects))


def _put_off(d: Any, f: Any, r: Any) -> Any:
    """What was done first is done last."""
    return replace(r, effects=(*r.effects[1:], *r.effects[:1]))


STATES: Final[dict[str, Callable[[Any, Any, Any], dict[str, Any]]]] = {
    "nothing is plugged": lambda d, f, s: {"plugged": d.no_blocks()},
    "the first block is plugged": lambda d, f, s: {
        "plugged": d.filled(d.no_blocks(), d.lit(0), d.lit(1))
    },
    "a block beyond the region is plugged": lambda d, f, s: {
        "plugged": d.filled(
            d.no_blocks(), d.div(f.region, f.block), d.add(d.div(f.region, f.block), d.lit(1))
        )
    },
    "nothing is mapped": lambda d, f, s: {"mapped": d.no_slots()},
    "all memslots are mapped": lambda d, f, s: {
        "mapped": d.filled(d.no_slots(), d.lit(0), f.slots.count)
    },
    "a memslot beyond the last is mapped": lambda d, f, s: {
        "mapped": d.filled(d.no_slots(), f.slots.count, d.add(f.slots.count, d.lit(1)))
    },
    "the plugged size is 0": lambda d, f, s: {"size": d.lit(0)},
    "the plugged size is one block": lambda d, f, s: {"size": f.block},
    "the plugged size is 1 byte": lambda d, f, s: {"size": d.lit(1)},
    "the requested size is 0": lambda d, f, s: {"requested": d.lit(0)},
    "the requested size is the region": lambda d, f, s: {"requested": f.region},
    "the usable region is empty": lambda d, f, s: {"usable": d.lit(0)},
    "the usable region is one block": lambda d, f, s: {"usable": f.block},
    "the usable region is the region": lambda d, f, s: {"usable": f.region},
    **{
        f"{flag} is flipped": partial(_flip, flag)
        for flag in ("busy", "accepted", "broken", "realized")
    },
}

SPOILS: Final = (
    *(Spoil(name, partial(_state, change)) for name, change in STATES.items()),
    *(Spoil(f"the answer is {a.value}", partial(_answered, a)) for a in Answer),
    *(
        Spoil(f"the block state is {b.value if b else 'missing'}", partial(_reported, b))
        for b in (None, *BlockState)
    ),
    Spoil("a notification more or less", lambda d, f, r: replace(r, notified=not r.notified)),
    Spoil("nothing is done to the host", lambda d, f, r: replace(r, effects=())),
    Spoil("what was done first is done last", _put_off),
    Spoil("what was done failed", _failed),
    Spoil("a wrong map fails", lambda d, f, r: _failed(d, f, _did(Did.MAP, d, f, r))),
    *(Spoil(f"a wrong {did.value} is done", partial(_did, did)) for did in Did),
)
SPOIL_NAMED: Final = {spoil.name: spoil for spoil in SPOILS}


def outcomes(transition: str, situation: Any) -> tuple[Any, list[tuple[Spoil, Any]]]:
    """The right outcome of a situation, and the wrong one that each spoil makes of it."""
    f = situation.fixed
    right = carry_out(INTS, transition, f, situation.state, situation.action)
    return right, [(spoil, spoil.apply(INTS, f, right)) for spoil in SPOILS]


def controls(
    transition: str, claims: Iterable[Claim], situations: Iterable[Any]
) -> dict[str, tuple[Spoil, Any]]:
    """For each claim, by its theorem, a spoil that it notices and the situation in which it does:
    the claim holds of the right outcome and not of the wrong one, both executed. Claims that notice
    none in the first FEW situations are left out."""
    missing = {claim.theorem: claim for claim in claims}
    found: dict[str, tuple[Spoil, Any]] = {}
    for situation in islice(situations, FEW):
        if not missing:
            break
        right, wrongs = outcomes(transition, situation)
        for claim in list(missing.values()):
            holds = partial(claim.holds, INTS, situation.fixed, situation.state, situation.action)
            if not holds(right):
                continue
            for spoil, wrong in wrongs:
                if not holds(wrong):
                    found[claim.theorem] = (spoil, situation)
                    del missing[claim.theorem]
                    break
    return found

"""Which contracts are needed: without one of them, does a second device meet all the others?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from model.contracts import CONTRACTS, START_CONTRACTS
from model.profiles import QEMU, QEMU_7_2, QEMU_8_2, SEED_V2, Mapping, Profile
from smt_proofs.transitions.claims import Claim, transitions
from smt_proofs.transitions.determined import possible_shapes
from smt_proofs.transitions.determined_proofs import leaving_one, told
from smt_proofs.transitions.second import Second, let_in, tried_out

SETTINGS: Final[tuple[tuple[Profile, Mapping], ...]] = (
    (QEMU, Mapping.PLUGGED),
    (SEED_V2, Mapping.USABLE),
    (QEMU, Mapping.STATIC),
    (QEMU_8_2, Mapping.PLUGGED),
    (SEED_V2, Mapping.PLUGGED),
    (QEMU_7_2, Mapping.STATIC),
)
"""Where a second device is looked for, in this order."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What becomes possible where a contract is dropped: `shown` in words is an executed second
    outcome of one transition, in one profile and way of mapping."""

    contract: str
    profile: str
    mapping: str
    transition: str
    shown: str


def contract_names(*, follows: bool) -> list[str]:
    """The contracts that are needed, or those that follow from the others, by name."""
    return [c.name for c in (*START_CONTRACTS, *CONTRACTS) if c.follows is follows]


def needed(name: str) -> Needed | None:
    """How a contract is needed, None where no second outcome is found without it."""
    return next(without(name), None)


def without(name: str, settings: Sequence[tuple[Profile, Mapping]] = SETTINGS) -> Iterator[Needed]:
    """The second outcomes that dropping a contract lets in, at most one a transition."""
    for profile, mapping in settings:
        for transition in transitions():
            claims = leaving_one(profile, mapping, transition)
            dropped = [claim for claim in claims if claim.serves == name]
            if dropped:
                second = _let_in(profile, mapping, transition, claims, dropped[0])
                if second is not None:
                    yield Needed(name, profile.name, mapping.value, transition, told(second))


def _let_in(
    profile: Profile, mapping: Mapping, transition: str, claims: list[Claim], dropped: Claim
) -> Second | None:
    others = [claim for claim in claims if claim.serves != dropped.serves]
    shapes = possible_shapes(profile, mapping, transition, others)
    found = let_in(profile, mapping, transition, others, dropped, shapes)
    return found or tried_out(profile, mapping, transition, others)

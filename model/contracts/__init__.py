"""The behavioural contracts, each named once: goals of the proofs and checks on every step.

Together with the invariants they leave a step no choice, which mutation testing of the rules shows.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from model.contracts import (
    answers,
    effects,
    events,
    host,
    listeners,
    migration,
    moments,
    plug,
    resets,
    start,
    unplug,
)
from model.contracts.contract import Contract
from model.profiles import Mapping
from model.state import Op

CONTRACTS: Final = tuple(
    contract
    for module in (
        plug,
        unplug,
        answers,
        events,
        resets,
        migration,
        effects,
        listeners,
        moments,
        host,
    )
    for contract in module.CONTRACTS
)
CONTRACT_NAMED: Final = {contract.name: contract for contract in CONTRACTS}
START_CONTRACTS: Final = start.CONTRACTS
"""What is claimed of a device just realized."""


@cache
def contracts_of(op: Op, mapping: Mapping) -> tuple[Contract, ...]:
    """The contracts claimed of an operation on a device with that way of mapping."""
    return tuple(c for c in CONTRACTS if op in c.ops and mapping in c.mappings)

"""Requests as chains of buffers in guest RAM: in how many descriptors, and where answers go.

Addresses are guest-physical, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conformance.targets.driver.bus import Access, DriverError, read_bytes, write_bytes
from conformance.traces.layout import MAX_PARTS

BUFFER_SIZE: Final = 0x1000

BASE: Final = 0x180_0000
"""In boot RAM, above what a bare guest takes for itself and below 64 MiB."""
_REQUESTS, _RESPONSES = BASE + 0x1_0000, BASE + 0x2_0000

DESC_NEXT, DESC_WRITE, DESC_INDIRECT = 1, 2, 4
"""VIRTIO 2.7.5 and 2.8.13, flags of a descriptor."""
_POISON: Final = b"\xa5"
"""Fills the response buffer, so that bytes claimed but not written can be seen."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One request: its bytes, the room for its response, and in how many descriptors they lie.

    `response_at` is where the response shall go, by default a buffer of the queue's own.
    """

    payload: bytes
    room: int
    out_parts: int = 1
    in_parts: int = 1
    indirect: bool = False
    response_at: int | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """A request that came back: the length that the device gives, and as many bytes."""

    length: int
    data: bytes


Buffer = tuple[int, int, int]
"""Address, size and flags of a descriptor."""


def buffers_of(number: int, chain: Chain) -> list[Buffer]:
    """The descriptors of a chain, without buffers of no bytes. Raises ValueError."""
    if not (chain.payload or chain.room) or max(len(chain.payload), chain.room) > BUFFER_SIZE:
        raise ValueError(
            f"a request of {len(chain.payload)} bytes with {chain.room} for the response: "
            f"one must be over 0 and none over {BUFFER_SIZE}"
        )
    answer = _RESPONSES + number * BUFFER_SIZE if chain.response_at is None else chain.response_at
    return [
        *_parts(_REQUESTS + number * BUFFER_SIZE, len(chain.payload), chain.out_parts, 0),
        *_parts(answer, chain.room, chain.in_parts, DESC_WRITE),
    ]


def _parts(address: int, size: int, parts: int, flags: int) -> list[Buffer]:
    """A buffer cut into so many parts, the first ones a byte each, the last one the rest."""
    parts = min(parts, size, MAX_PARTS)
    return [
        (address + at, size - at if at == parts - 1 else 1, flags) for at in range(max(parts, 0))
    ]


def filled(number: int, chain: Chain) -> list[Access]:
    """Write the request and poison the place of its response."""
    accesses = []
    if chain.payload:
        accesses.append(write_bytes(_REQUESTS + number * BUFFER_SIZE, chain.payload))
    if chain.room and chain.response_at is None:
        poison = _POISON * chain.room
        accesses.append(write_bytes(_RESPONSES + number * BUFFER_SIZE, poison))
    return accesses


def responses(chains: Sequence[Chain]) -> list[Access]:
    """Read each response, a byte at least so that there is an answer for every chain."""
    return [
        read_bytes(_RESPONSES + number * BUFFER_SIZE, max(chain.room, 1))
        for number, chain in enumerate(chains)
    ]


def used(chain: Chain, length: int, data: bytes) -> Used:
    if length > chain.room:
        raise DriverError(f"used length {length} of {chain.room}: not what was made available")
    return Used(length, data[:length] if chain.response_at is None else b"")

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
_BUFFERS, _STRIDE = BASE + 0x1_0000, 0x3000
"""Where a request lies, with the place of its response behind it, and how far off the next one."""
_GUARD: Final = 16
"""Bytes around the place of a response that the device was not given."""

DESC_NEXT, DESC_WRITE, DESC_INDIRECT = 1, 2, 4
"""VIRTIO 2.7.5 and 2.8.13, flags of a descriptor."""
POISON: Final = b"\xa5"
"""Fills the response buffer, so that bytes claimed but not written can be seen."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One request: its bytes, the room for its response, and in how many descriptors they lie.

    `response_at` is where the response shall go, by default a buffer of the queue's own; `guarded`:
    that the device writes nothing around that buffer is looked at.
    """

    payload: bytes
    room: int
    out_parts: int = 1
    in_parts: int = 1
    indirect: bool = False
    response_at: int | None = None
    guarded: bool = False


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
    return [
        *_parts(_BUFFERS + number * _STRIDE, len(chain.payload), chain.out_parts, 0),
        *_parts(_answer(number, chain), chain.room, chain.in_parts, DESC_WRITE),
    ]


def _answer(number: int, chain: Chain) -> int:
    """Where the response goes."""
    own = _BUFFERS + number * _STRIDE + len(chain.payload) + _GUARD
    return own if chain.response_at is None else chain.response_at


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
        accesses.append(write_bytes(_BUFFERS + number * _STRIDE, chain.payload))
    guard = _GUARD if chain.guarded else 0
    if chain.response_at is None and (size := chain.room + 2 * guard):
        accesses.append(write_bytes(_answer(number, chain) - guard, POISON * size))
    return accesses


def responses(chains: Sequence[Chain]) -> list[Access]:
    """Read each response, a byte at least so that there is an answer for every chain; of a guarded
    one all from the request to the guard behind the response."""
    return [_response(number, chain) for number, chain in enumerate(chains)]


def _response(number: int, chain: Chain) -> Access:
    start = _BUFFERS + number * _STRIDE
    if chain.guarded:
        return read_bytes(start, len(chain.payload) + chain.room + 2 * _GUARD)
    return read_bytes(start + len(chain.payload) + _GUARD, max(chain.room, 1))


def used(chain: Chain, length: int, data: bytes) -> Used:
    """A chain that came back, of which `data` was read as `responses` says. Raises DriverError."""
    if length > chain.room:
        raise DriverError(f"used length {length} of {chain.room}: not what was made available")
    if chain.guarded:
        start = len(chain.payload) + _GUARD
        before, data, behind = (
            data[:start],
            data[start : start + chain.room],
            data[start + chain.room :],
        )
        if not before.startswith(chain.payload):
            raise DriverError("the device wrote to a request, which it may only read")
        if before[len(chain.payload) :] + behind != POISON * (2 * _GUARD):
            raise DriverError(f"the device wrote beyond the {chain.room} bytes for its response")
    return Used(length, data[:length] if chain.response_at is None else b"")

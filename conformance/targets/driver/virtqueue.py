"""Split virtqueues in guest RAM, which carry requests in batches, in any framing.

Source: VIRTIO 1.2, section 2.7. Addresses are guest-physical, sizes are bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final, Protocol

from conformance.targets.driver.bus import (
    Access,
    DriverError,
    as_int,
    read_bytes,
    store,
    wait_change,
    write_bytes,
)
from conformance.targets.driver.chains import (
    BASE,
    DESC_INDIRECT,
    DESC_NEXT,
    Buffer,
    Chain,
    Used,
    buffers_of,
    filled,
    responses,
    used,
)

MAX_QUEUE_SIZE: Final = 128

DESCRIPTOR_AREA, DRIVER_AREA, DEVICE_AREA, TABLES = range(BASE, BASE + 0x4000, 0x1000)
TABLE_SIZE: Final = 0x400

_AVAIL_NO_INTERRUPT = 1
"""VIRTIO 2.7.6, `struct virtq_avail`: the ring is polled. It is 0 with an event index (2.7.7.1)."""
_INDEX, _RING = 2, 4
_USED_ELEMENT = 8
"""VIRTIO 2.7.6 and 2.7.8: after le16 flags comes le16 idx, then the ring."""
DESCRIPTOR: Final = struct.Struct("<QIHH")


class Queue(Protocol):
    """One batch at a time is with the device.

    With an event index the device is notified as it asked for, and must interrupt for the last
    request of a batch.
    """

    event_index: bool

    def clear(self) -> list[Access]:
        """Make the rings empty."""

    def submit(self, chains: Sequence[Chain]) -> list[Access]:
        """Make requests available, all of them with the last access."""

    def wish(self) -> Access:
        """Read what the device asks for once `submit` is done: of an event index only."""

    def wanted(self, wish: bytes) -> bool:
        """Whether the device is to be notified of the batch."""

    def poll(self) -> list[Access]:
        """Read what `take` needs."""

    def take(self, answers: list[bytes]) -> list[Used | None]:
        """Each request as it came back, None while it is with the device. Raises DriverError."""

    def give_up(self) -> None:
        """The device took the batch and never gives it back."""


def laid_down(
    chains: Sequence[Chain], size: int, write: Callable[[int, Sequence[Buffer]], list[Access]]
) -> tuple[list[list[Buffer]], list[Access]]:
    """The descriptors of each request for a ring of `size` entries, and the accesses that fill the
    buffers; `write` puts an indirect table at an address. Raises ValueError."""
    accesses: list[Access] = []
    lists = []
    for number, chain in enumerate(chains):
        buffers = buffers_of(number, chain)
        if chain.indirect:
            place = TABLES + number * TABLE_SIZE
            accesses += write(place, buffers)
            buffers = [(place, len(buffers) * DESCRIPTOR.size, DESC_INDIRECT)]
        lists.append(buffers)
        accesses += filled(number, chain)
    if sum(map(len, lists)) > size:
        raise ValueError(f"the batch takes more descriptors than the queue has: {size}")
    return lists, accesses


class SplitQueue:
    """A split virtqueue (VIRTIO 2.7) of `size` entries, at most `MAX_QUEUE_SIZE`."""

    def __init__(self, size: int, *, event_index: bool = False) -> None:
        self._size = size
        self.event_index = event_index
        self._done = self._lost = 0
        """Requests that came back so far, and those that never will."""
        self._chains: Sequence[Chain] = ()
        self._heads: list[int] = []
        self._written: dict[int, bytes] = {}
        self._ring = [0] * size

    def clear(self) -> list[Access]:
        return [
            write_bytes(
                DRIVER_AREA, struct.pack("<H", 0 if self.event_index else _AVAIL_NO_INTERRUPT)
            ),
            write_bytes(DRIVER_AREA + _INDEX, bytes(4 + 2 * self._size)),
            write_bytes(DEVICE_AREA, bytes(_RING + _USED_ELEMENT * self._size + 2)),
        ]

    def submit(self, chains: Sequence[Chain]) -> list[Access]:
        self._chains = chains
        lists, accesses = laid_down(
            chains, self._size, lambda place, buffers: self._write(place, _linked(buffers, 0))
        )
        starts = list(accumulate((len(buffers) for buffers in lists), initial=0))
        # What an earlier turn left in the used ring must not pass for what is due in this one.
        turn, half = (self._done + self._lost) // self._size, self._size // 2
        first = half if turn % 2 and starts[-1] <= half else 0
        self._heads = [first + start for start in starts[:-1]]
        table = b"".join(map(_linked, lists, self._heads))
        accesses += self._write(DESCRIPTOR_AREA + first * DESCRIPTOR.size, table)
        for number, head in enumerate(self._heads):
            place = (self._done + self._lost + number) % self._size
            if self._ring[place] != head:
                self._ring[place] = head
                accesses.append(store(DRIVER_AREA + _RING + 2 * place, head, 2))
        if self.event_index:
            last = self._done + len(chains) - 1 & 0xFFFF
            accesses.append(store(DRIVER_AREA + _RING + 2 * self._size, last, 2))
        index = self._done + self._lost + len(chains) & 0xFFFF
        return [*accesses, store(DRIVER_AREA + _INDEX, index, 2)]

    def wish(self) -> Access:
        return read_bytes(DEVICE_AREA + _RING + _USED_ELEMENT * self._size, 2)

    def wanted(self, wish: bytes) -> bool:
        # The device asks to be told once the entry of that index is there (2.7.10).
        old = self._done + self._lost
        return as_int(wish) - old & 0xFFFF < len(self._chains)

    def poll(self) -> list[Access]:
        elements = (
            DEVICE_AREA + _RING + (self._done + number) % self._size * _USED_ELEMENT
            for number in range(len(self._chains))
        )
        return [
            wait_change(DEVICE_AREA + _INDEX, self._done & 0xFFFF, 2),
            *(read_bytes(element, _USED_ELEMENT) for element in elements),
            *responses(self._chains),
        ]

    def take(self, answers: list[bytes]) -> list[Used | None]:
        count = len(self._chains)
        back = as_int(answers[0]) - self._done & 0xFFFF
        elements, responses = answers[1 : 1 + count], answers[1 + count :]
        if back > count:
            raise DriverError(
                f"used index {as_int(answers[0])} after {self._done} requests and {count} more: "
                "not what was made available"
            )
        found: list[Used | None] = [None] * count
        for element in elements[:back]:
            head, length = struct.unpack("<II", element)
            number = self._heads.index(head) if head in self._heads else count
            if number == count or found[number] is not None:
                raise DriverError(f"used element id {head}: not what was made available")
            found[number] = used(self._chains[number], length, responses[number])
        if back == count:
            self._done += count
        return found

    def give_up(self) -> None:
        self._lost += len(self._chains)

    def _write(self, place: int, data: bytes) -> list[Access]:
        """Write descriptors, unless they are there."""
        if self._written.get(place, b"").startswith(data):
            return []
        self._written[place] = data
        return [write_bytes(place, data)]


def _linked(buffers: Sequence[Buffer], first: int) -> bytes:
    """Descriptors that follow each other, the first one at an index of the table."""
    last = len(buffers) - 1
    return b"".join(
        DESCRIPTOR.pack(
            address,
            size,
            flags | (DESC_NEXT if number < last else 0),
            first + number + 1 if number < last else 0,
        )
        for number, (address, size, flags) in enumerate(buffers)
    )

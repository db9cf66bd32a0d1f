"""Virtqueues in guest RAM, split and packed, that carry requests in batches, in any framing.

Source: VIRTIO 1.2, sections 2.7 and 2.8. Addresses are guest-physical, sizes are bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
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

DESCRIPTOR_AREA, DRIVER_AREA, DEVICE_AREA, _TABLES = range(BASE, BASE + 0x4000, 0x1000)
_TABLE_SIZE: Final = 0x400

_DESC_AVAIL, _DESC_USED = 1 << 7, 1 << 15
"""VIRTIO 2.8.1."""
_AVAIL_NO_INTERRUPT = 1
"""VIRTIO 2.7.6, `struct virtq_avail`, and 2.8.14: the ring is polled."""
_INDEX, _RING = 2, 4
_USED_ELEMENT = 8
"""VIRTIO 2.7.6 and 2.7.8: after le16 flags comes le16 idx, then the ring."""
_DESCRIPTOR: Final = struct.Struct("<QIHH")


class Queue(Protocol):
    """One batch at a time is with the device."""

    def clear(self) -> list[Access]:
        """Make the rings empty."""

    def submit(self, chains: Sequence[Chain]) -> list[Access]:
        """Make requests available, all of them with the last access."""

    def poll(self) -> list[Access]:
        """Read what `take` needs."""

    def take(self, answers: list[bytes]) -> list[Used | None]:
        """Each request as it came back, None while it is with the device. Raises DriverError."""

    def give_up(self) -> None:
        """The device took the batch and never gives it back."""


class SplitQueue:
    """A split virtqueue (VIRTIO 2.7) of `size` entries, at most `MAX_QUEUE_SIZE`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._done = self._lost = 0
        """Requests that came back so far, and those that never will."""
        self._chains: Sequence[Chain] = ()
        self._heads: list[int] = []
        self._written: dict[int, bytes] = {}
        self._ring = [0] * size

    def clear(self) -> list[Access]:
        return [
            write_bytes(DRIVER_AREA, struct.pack("<H", _AVAIL_NO_INTERRUPT)),
            write_bytes(DRIVER_AREA + _INDEX, bytes(4 + 2 * self._size)),
            write_bytes(DEVICE_AREA, bytes(_RING + _USED_ELEMENT * self._size + 2)),
        ]

    def submit(self, chains: Sequence[Chain]) -> list[Access]:
        self._chains, self._heads = chains, []
        accesses, table = [], b""
        for number, chain in enumerate(chains):
            buffers = buffers_of(number, chain)
            self._heads.append(len(table) // _DESCRIPTOR.size)
            if chain.indirect:
                place = _TABLES + number * _TABLE_SIZE
                accesses += self._write(place, _linked(buffers, 0))
                buffers = [(place, len(buffers) * _DESCRIPTOR.size, DESC_INDIRECT)]
            table += _linked(buffers, self._heads[-1])
            accesses += filled(number, chain)
        if len(table) > self._size * _DESCRIPTOR.size:
            raise ValueError(f"the batch takes more descriptors than the queue has: {self._size}")
        accesses += self._write(DESCRIPTOR_AREA, table)
        for number, head in enumerate(self._heads):
            place = (self._done + self._lost + number) % self._size
            if self._ring[place] != head:
                self._ring[place] = head
                accesses.append(store(DRIVER_AREA + _RING + 2 * place, head, 2))
        index = self._done + self._lost + len(chains) & 0xFFFF
        return [*accesses, store(DRIVER_AREA + _INDEX, index, 2)]

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
        _DESCRIPTOR.pack(
            address,
            size,
            flags | (DESC_NEXT if number < last else 0),
            first + number + 1 if number < last else 0,
        )
        for number, (address, size, flags) in enumerate(buffers)
    )


class PackedQueue:
    """A packed virtqueue (VIRTIO 2.8) of `size` entries, at most `MAX_QUEUE_SIZE`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._next = 0
        """Descriptors made available so far, which tells place and wrap counter."""
        self._chains: Sequence[Chain] = ()
        self._starts: list[int] = []

    def clear(self) -> list[Access]:
        return [
            write_bytes(DESCRIPTOR_AREA, bytes(_DESCRIPTOR.size * self._size)),
            write_bytes(DRIVER_AREA, struct.pack("<HH", 0, _AVAIL_NO_INTERRUPT)),
            write_bytes(DEVICE_AREA, bytes(4)),
        ]

    def submit(self, chains: Sequence[Chain]) -> list[Access]:
        self._chains = chains
        accesses: list[Access] = []
        lists = []
        for number, chain in enumerate(chains):
            buffers = buffers_of(number, chain)
            if chain.indirect:
                place = _TABLES + number * _TABLE_SIZE
                # In an indirect table of a packed ring only the flag WRITE counts (2.8.7).
                table = b"".join(_DESCRIPTOR.pack(*buffer[:2], 0, buffer[2]) for buffer in buffers)
                accesses.append(write_bytes(place, table))
                buffers = [(place, len(table), DESC_INDIRECT)]
            lists.append(buffers)
            accesses += filled(number, chain)
        lengths = [len(buffers) for buffers in lists]
        if sum(lengths) > self._size:
            raise ValueError(f"the batch takes more descriptors than the queue has: {self._size}")
        self._starts = list(accumulate(lengths, initial=self._next))
        first = self._next
        for number, buffers in enumerate(lists):
            last = len(buffers) - 1
            for place, (address, size, flags) in enumerate(buffers, self._starts[number]):
                flags |= DESC_NEXT if place - self._starts[number] < last else 0
                flags |= _DESC_USED if place // self._size % 2 else _DESC_AVAIL
                at = DESCRIPTOR_AREA + place % self._size * _DESCRIPTOR.size
                data = _DESCRIPTOR.pack(address, size, number, flags)
                if place == first:
                    accesses.append(write_bytes(at, data[:-2]))
                    release = store(at + 14, flags, 2)
                else:
                    accesses.append(write_bytes(at, data))
        self._next = self._starts.pop()
        return [*accesses, release]

    def give_up(self) -> None:
        # What comes back next is written where the lost batch begins, one descriptor a chain.
        raise DriverError("a packed ring that lost a request cannot be followed any more")

    def poll(self) -> list[Access]:
        places = [DESCRIPTOR_AREA + start % self._size * _DESCRIPTOR.size for start in self._starts]
        return [
            *(read_bytes(place, _DESCRIPTOR.size) for place in places),
            *responses(self._chains),
        ]

    def take(self, answers: list[bytes]) -> list[Used | None]:
        count = len(self._chains)
        found: list[Used | None] = [None] * count
        for start, element in zip(self._starts, answers, strict=False):
            _, length, number, flags = _DESCRIPTOR.unpack(element)
            both = _DESC_AVAIL | _DESC_USED
            if flags & both != (0 if start // self._size % 2 else both):
                continue
            if number >= count or found[number] is not None:
                raise DriverError(f"used buffer id {number}: not what was made available")
            found[number] = used(self._chains[number], length, answers[count + number])
        return found


def queue_of(size: int, *, packed: bool = False) -> Queue:
    """An empty queue of that kind."""
    return PackedQueue(size) if packed else SplitQueue(size)

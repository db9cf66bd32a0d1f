"""Packed virtqueues in guest RAM, which carry requests in batches, in any framing.

Source: VIRTIO 1.2, section 2.8. Addresses are guest-physical, sizes are bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from conformance.targets.driver.bus import Access, DriverError, read_bytes, store, write_bytes
from conformance.targets.driver.chains import (
    DESC_NEXT,
    Buffer,
    Chain,
    Used,
    responses,
    used,
)
from conformance.targets.driver.virtqueue import (
    DESCRIPTOR,
    DESCRIPTOR_AREA,
    DEVICE_AREA,
    DRIVER_AREA,
    Queue,
    SplitQueue,
    laid_down,
)

_DESC_AVAIL, _DESC_USED = 1 << 7, 1 << 15
"""VIRTIO 2.8.1."""
_DISABLE, _AT_DESCRIPTOR = 1, 2
"""VIRTIO 2.8.14, `struct pvirtq_event_suppress`, flags; before them le16 of place and wrap."""
_EVENT: Final = struct.Struct("<HH")


class PackedQueue:
    """A packed virtqueue (VIRTIO 2.8) of `size` entries, at most `MAX_QUEUE_SIZE`."""

    def __init__(self, size: int, *, event_index: bool = False) -> None:
        self._size = size
        self.event_index = event_index
        self._next = 0
        """Descriptors made available so far, which tells place and wrap counter."""
        self._chains: Sequence[Chain] = ()
        self._first = 0
        """Where the batch begins, counted as `_next` is."""
        self._lengths: list[int] = []
        """Descriptors of each request."""

    def clear(self) -> list[Access]:
        return [
            write_bytes(DESCRIPTOR_AREA, bytes(DESCRIPTOR.size * self._size)),
            write_bytes(DRIVER_AREA, _EVENT.pack(0, _DISABLE)),
            write_bytes(DEVICE_AREA, bytes(4)),
        ]

    def submit(self, chains: Sequence[Chain]) -> list[Access]:
        self._chains = chains
        lists, accesses = laid_down(chains, self._size, _table)
        self._lengths = [len(buffers) for buffers in lists]
        first = self._first = self._next
        *starts, self._next = accumulate(self._lengths, initial=first)
        for number, buffers in enumerate(lists):
            last = len(buffers) - 1
            for place, (address, size, flags) in enumerate(buffers, starts[number]):
                flags |= DESC_NEXT if place - starts[number] < last else 0
                flags |= _DESC_AVAIL if self._lap(place) else _DESC_USED
                at = DESCRIPTOR_AREA + place % self._size * DESCRIPTOR.size
                data = DESCRIPTOR.pack(address, size, number, flags)
                if place == first:
                    accesses.append(write_bytes(at, data[:-2]))
                    release = store(at + 14, flags, 2)
                else:
                    accesses.append(write_bytes(at, data))
        if self.event_index:
            at = starts[-1] % self._size | self._lap(starts[-1]) << 15
            accesses.append(write_bytes(DRIVER_AREA, _EVENT.pack(at, _AT_DESCRIPTOR)))
        return [*accesses, release]

    def _lap(self, place: int) -> int:
        """The wrap counter at a place, counted from the queue's beginning on."""
        return 1 - place // self._size % 2

    def wish(self) -> Access:
        return read_bytes(DEVICE_AREA, _EVENT.size)

    def wanted(self, wish: bytes) -> bool:
        at, flags = map(int, _EVENT.unpack(wish))
        if flags != _AT_DESCRIPTOR:
            return flags != _DISABLE
        lap = self._next // self._size
        # The other wrap counter is that of the lap before.
        lap -= at >> 15 != self._lap(self._next)
        return self._first <= lap * self._size + (at & 0x7FFF) < self._next

    def give_up(self) -> None:
        # What comes back next is written where the lost batch begins, one descriptor a chain.
        raise DriverError("a packed ring that lost a request cannot be followed any more")

    def poll(self) -> list[Access]:
        """The descriptors of the batch and the one behind them, then the responses."""
        start = self._first % self._size
        end = min(start + self._next - self._first + 1, start + self._size)
        parts = [(start, min(end, self._size)), (0, max(end - self._size, 0))]
        return [
            *(
                read_bytes(DESCRIPTOR_AREA + low * DESCRIPTOR.size, (high - low) * DESCRIPTOR.size)
                for low, high in parts
                if high > low
            ),
            *responses(self._chains),
        ]

    def take(self, answers: list[bytes]) -> list[Used | None]:
        count = len(self._chains)
        ring = list(DESCRIPTOR.iter_unpack(b"".join(answers[: len(answers) - count])))
        found: list[Used | None] = [None] * count
        place = self._first
        for _ in range(count):
            _, length, number, flags = ring[place - self._first]
            if not self._is_used(place, flags):
                return found
            if number >= count or found[number] is not None:
                raise DriverError(f"used buffer id {number}: not what was made available")
            found[number] = used(self._chains[number], length, answers[number - count])
            # What comes back next is written as far on as this one had descriptors (2.8.6).
            place += self._lengths[number]
        if len(ring) > place - self._first and self._is_used(place, ring[-1][3]):
            raise DriverError("a descriptor behind the batch is marked used: not made available")
        return found

    def _is_used(self, place: int, flags: int) -> bool:
        both = _DESC_AVAIL | _DESC_USED
        return bool(flags & both == (both if self._lap(place) else 0))


def queue_of(size: int, *, packed: bool = False, event_index: bool = False) -> Queue:
    """An empty queue of that kind."""
    return (PackedQueue if packed else SplitQueue)(size, event_index=event_index)


def _table(place: int, buffers: Sequence[Buffer]) -> list[Access]:
    """Write an indirect table, in which only the flag WRITE counts (2.8.7)."""
    return [write_bytes(place, b"".join(DESCRIPTOR.pack(*b[:2], 0, b[2]) for b in buffers))]

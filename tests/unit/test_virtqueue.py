"""The driver's virtqueues against a device written from VIRTIO 2.7 and 2.8, in plain memory."""

from __future__ import annotations

import struct
from itertools import product

import pytest
from ring_device import SIZE, WRITE, Device, Memory

from conformance.targets.driver.bus import DriverError
from conformance.targets.driver.chains import Chain
from conformance.targets.driver.packed import PackedQueue
from conformance.targets.driver.virtqueue import (
    DEVICE_AREA,
    DRIVER_AREA,
    Queue,
    SplitQueue,
)
from conformance.traces.layout import MAX_BATCH


def made(
    kind: type[SplitQueue] | type[PackedQueue], *, event_index: bool = False
) -> tuple[Memory, Queue, Device]:
    memory, queue = Memory(), kind(SIZE, event_index=event_index)
    for access in queue.clear():
        memory.carry_out(access)
    return memory, queue, Device(memory, queue)


def asked(memory: Memory, queue: Queue, device: Device, chains: list[Chain]) -> list[bytes | None]:
    for access in queue.submit(chains):
        memory.carry_out(access)
    device.run()
    used = queue.take([memory.carry_out(access) for access in queue.poll()])
    return [None if one is None else one.data for one in used]


BOTH = pytest.mark.parametrize("kind", [SplitQueue, PackedQueue])


@BOTH
def test_the_framing_does_not_matter(kind: type[SplitQueue] | type[PackedQueue]) -> None:
    memory, queue, device = made(kind)
    parts = (1, 2, 3, 10, 16)
    # Often enough for the ring to wrap many times.
    for number, (out, back, indirect) in enumerate(product(parts, parts, (False, True))):
        payload = bytes([number, *range(1, 24)])
        chain = Chain(payload, 24, out_parts=out, in_parts=back, indirect=indirect)
        assert asked(memory, queue, device, [chain]) == [payload[::-1]]


@BOTH
def test_requests_of_other_lengths_at_the_same_place(
    kind: type[SplitQueue] | type[PackedQueue],
) -> None:
    memory, queue, device = made(kind)
    for length in (4, 24, 5, 16):
        payload = bytes(range(1, length + 1))
        for indirect in (False, True):
            chain = Chain(payload, length, indirect=indirect)
            assert asked(memory, queue, device, [chain]) == [payload[::-1]]


def test_no_ring_asks_for_interrupts() -> None:
    # Split: le16 flags of the available ring. Packed: le16 flags behind le16 desc (2.8.14).
    assert made(SplitQueue)[0].take(DRIVER_AREA, 2) == b"\1\0"
    assert made(PackedQueue)[0].take(DRIVER_AREA, 4) == b"\0\0\1\0"


class Claiming(Device):
    """Says once it is lazy how much it answered, and writes nothing."""

    lazy = False

    def answered(self, buffers: list[tuple[int, int, int]]) -> int:
        if not self.lazy:
            return super().answered(buffers)
        return sum(size for _, size, flags in buffers if flags & WRITE)


@BOTH
def test_an_earlier_answer_is_not_taken_for_one_that_was_never_written(
    kind: type[SplitQueue] | type[PackedQueue],
) -> None:
    memory, queue, _ = made(kind)
    device = Claiming(memory, queue)
    assert asked(memory, queue, device, [Chain(b"ab", 2)]) == [b"ba"]
    device.lazy = True
    assert asked(memory, queue, device, [Chain(b"ab", 2)]) == [b"\xa5\xa5"]


@BOTH
@pytest.mark.parametrize("count", [2, 4, MAX_BATCH])
def test_each_request_of_a_batch_comes_back_once(
    kind: type[SplitQueue] | type[PackedQueue], count: int
) -> None:
    memory, queue, device = made(kind)
    for turn in range(40):
        chains = [Chain(bytes([turn, n]), 2, out_parts=1 + n % 2) for n in range(count)]
        assert asked(memory, queue, device, chains) == [bytes([n, turn]) for n in range(count)]


@BOTH
def test_indices_wrap(kind: type[SplitQueue] | type[PackedQueue]) -> None:
    memory, queue, device = made(kind)
    for turn in range((1 << 16) // MAX_BATCH + 2 if kind is SplitQueue else 40):
        chains = [Chain(bytes([n]), 1) for n in range(MAX_BATCH)]
        assert asked(memory, queue, device, chains)[-1] == bytes([MAX_BATCH - 1]), turn


@BOTH
def test_what_does_not_come_back_is_with_the_device(
    kind: type[SplitQueue] | type[PackedQueue],
) -> None:
    memory, queue, _ = made(kind)
    for access in queue.submit([Chain(b"a", 1), Chain(b"b", 1)]):
        memory.carry_out(access)
    assert queue.take([memory.carry_out(access) for access in queue.poll()]) == [None, None]


@pytest.mark.parametrize("lost", [1, 3])
def test_requests_that_are_lost_do_not_hold_up_the_next(lost: int) -> None:
    memory, queue, _ = made(SplitQueue)
    for access in queue.submit([Chain(b"lost", 4)] * lost):
        memory.carry_out(access)
    # The device takes it and never says that it did: its used index stays one behind.
    queue.give_up()
    for access in queue.submit([Chain(b"next", 4)]):
        memory.carry_out(access)
    index, *ring = struct.unpack("<5H", memory.take(DRIVER_AREA + 2, 10))
    assert index == lost + 1 and ring[lost] == 0
    memory.put(DEVICE_AREA + 2, struct.pack("<H", 1))
    memory.put(DEVICE_AREA + 4, struct.pack("<II", 0, 4))
    (used,) = queue.take([memory.carry_out(access) for access in queue.poll()])
    assert used is not None and used.length == 4


@pytest.mark.parametrize(
    ("index", "element", "message"),
    [
        (2, (0, 1), "used index 2 after 0 requests and 1 more"),
        (1, (9, 1), "used element id 9"),
        (1, (0, 5), "used length 5 of 1"),
        (1, (0, 2), "used length 2 of 1"),
    ],
)
def test_used_elements_that_nothing_was_made_available_for(
    index: int, element: tuple[int, int], message: str
) -> None:
    memory, queue, _ = made(SplitQueue)
    for access in queue.submit([Chain(b"a", 1)]):
        memory.carry_out(access)
    memory.put(DEVICE_AREA + 2, struct.pack("<H", index))
    memory.put(DEVICE_AREA + 4, struct.pack("<II", *element))
    with pytest.raises(DriverError, match=message):
        queue.take([memory.carry_out(access) for access in queue.poll()])


@BOTH
def test_a_batch_larger_than_the_queue_is_the_callers_mistake(
    kind: type[SplitQueue] | type[PackedQueue],
) -> None:
    _, queue, _ = made(kind)
    with pytest.raises(ValueError, match="more descriptors"):
        queue.submit([Chain(bytes(16), 16, out_parts=16, in_parts=16)] * 5)

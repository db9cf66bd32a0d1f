"""Devices that are wrong in how they use a virtqueue, and what the driver says of each."""

from __future__ import annotations

from typing import Final

import pytest
from ring_device import SIZE, WRITE, Device, Memory

from conformance.targets.driver.bus import Access, DriverError, DriverLate, Kind, as_int
from conformance.targets.driver.chains import Chain
from conformance.targets.driver.device import VirtioMem
from conformance.targets.driver.mmio import MmioTransport
from conformance.targets.driver.packed import queue_of
from conformance.targets.driver.requests import RequestType, encode_request
from conformance.targets.driver.speech import answered
from conformance.targets.driver.virtqueue import DEVICE_AREA
from conformance.traces.layout import Layout

BASE: Final = 0xD000_0000
OFFERED: Final = 1 << 34 | 1 << 32 | 1 << 29 | 1 << 28 | 1 << 1
STATE: Final = encode_request(RequestType.STATE, 1 << 32, 1)
Buffers = list[tuple[int, int, int]]


class Answering(Device):
    """Answers every request by an ACK of ten bytes."""

    def answered(self, buffers: Buffers) -> int:
        answer = bytes(10)
        for at, size, flags in buffers:
            if flags & WRITE:
                self.memory.put(at, answer[:size])
                answer = answer[size:]
        return 10


class LosesSixteenth(Answering):
    """Of a batch it never gives the sixteenth back."""

    def use_split(self, index: int, head: int, length: int) -> None:
        if index % 16 != 15:
            super().use_split(index, head, length)

    def use_packed(self, place: int, number: int, length: int) -> None:
        if number != 15:
            super().use_packed(place, number, length)


class OtherChain(Answering):
    """The second of a batch comes back as the first once more."""

    def use_split(self, index: int, head: int, length: int) -> None:
        super().use_split(index, 0 if index == 1 else head, length)

    def use_packed(self, place: int, number: int, length: int) -> None:
        super().use_packed(place, 0 if number == 1 else number, length)


class Twice(Answering):
    """Every buffer comes back twice."""

    def use_split(self, index: int, head: int, length: int) -> None:
        super().use_split(index, head, length)
        super().use_split(index + 1, head, length)

    def use_packed(self, place: int, number: int, length: int) -> None:
        super().use_packed(place, number, length)
        super().use_packed(self.place, number, length)


class LastTwice(Answering):
    """The last buffer of a batch comes back twice."""

    def use_packed(self, place: int, number: int, length: int) -> None:
        super().use_packed(place, number, length)
        if number == 15:
            super().use_packed(self.place, number, length)


class ForgetsTheRing(Answering):
    """After two turns of the ring it counts what it gives back, and does not write it; on a packed
    ring the wrap counter stays as in the first turn."""

    def use_split(self, index: int, head: int, length: int) -> None:
        place = DEVICE_AREA + 4 + 8 * (index % SIZE)
        before = self.memory.take(place, 8)
        super().use_split(index, head, length)
        if index >= 2 * SIZE:
            self.memory.put(place, before)

    def wrap(self, place: int) -> int:
        return super().wrap(place if place < 2 * SIZE else 0)


class NeverInterrupts(Answering):
    """Gives back, and does not say so."""

    def interrupt(self, due: bool) -> None:
        pass


class AsksTooLate(Answering):
    """Wants to be notified of later requests than the next one."""

    def ask_split(self, index: int) -> None:
        super().ask_split(index + 2)

    def ask_packed(self, place: int) -> None:
        super().ask_packed(place + 2)


class NeverAsks(Answering):
    """Leaves the event index at what it was at first."""

    def ask_split(self, index: int) -> None:
        super().ask_split(0)

    def ask_packed(self, place: int) -> None:
        super().ask_packed(0)


class WritesBeyond(Answering):
    """Writes a response of sixteen bytes, whatever room there is."""

    def answered(self, buffers: Buffers) -> int:
        self.memory.put(answer_at(buffers), bytes(16))
        return 10


class WritesBefore(Answering):
    """Writes two bytes before the place of the response as well."""

    def answered(self, buffers: Buffers) -> int:
        self.memory.put(answer_at(buffers) - 2, bytes(2))
        return super().answered(buffers)


class WritesToTheRequest(Answering):
    """Changes the type of a request."""

    def answered(self, buffers: Buffers) -> int:
        self.memory.put(buffers[0][0], b"\0")
        return super().answered(buffers)


class WritesTwoBytes(Answering):
    """Writes the type of a response and says ten bytes."""

    def answered(self, buffers: Buffers) -> int:
        self.memory.put(answer_at(buffers), bytes(2))
        return 10


def answer_at(buffers: Buffers) -> int:
    return next(at for at, _, flags in buffers if flags & WRITE)


class Machine:
    """A machine with a virtio-mem device on virtio-mmio."""

    def __init__(self, made: type[Device]) -> None:
        self.memory = Memory()
        self.made = made
        self.device: Device | None = None
        self.registers = {0: 0x74726976, 4: 2, 8: 24, 0x34: SIZE}
        self.features = self.notices = 0

    def exchange(self, *accesses: Access) -> list[bytes]:
        return [self._carried_out(access) for access in accesses]

    def number(self, access: Access) -> int:
        return as_int(self.exchange(access)[0])

    def late(self, what: str) -> DriverError:
        return DriverLate(what)

    def _carried_out(self, access: Access) -> bytes:
        offset = access.address - BASE
        if not 0 <= offset < 0x1000:
            return self.memory.carry_out(access)
        if access.kind is Kind.LOAD:
            return self._read(offset).to_bytes(access.width, "little")
        self._write(offset, access.value)
        return b""

    def _write(self, offset: int, value: int) -> None:
        self.registers[offset] = value
        if offset == 0x20:
            shift = 32 * self.registers[0x24]
            self.features = self.features & ~(0xFFFF_FFFF << shift) | value << shift
        elif offset == 0x44:
            packed, event_index = (bool(self.features >> bit & 1) for bit in (34, 29))
            queue = queue_of(SIZE, packed=packed, event_index=event_index)
            self.device = self.made(self.memory, queue)
        elif offset == 0x50 and self.device is not None:
            self.notices += 1
            self.device.run()
        elif offset == 0x64 and self.device is not None:
            self.device.interrupts = 0

    def _read(self, offset: int) -> int:
        if offset == 0x10:
            return OFFERED >> 32 * self.registers[0x14] & 0xFFFF_FFFF
        if offset == 0x60:
            return int(self.device is not None and self.device.interrupts > 0)
        return self.registers.get(offset, 0)


KINDS: Final = {
    "split": Layout(),
    "packed": Layout(packed=True),
    "split, event index": Layout(event_index=True),
    "packed, event index": Layout(packed=True, event_index=True),
}
EVENTS: Final = ("split, event index", "packed, event index")


def brought_up(made: type[Device], kind: str) -> tuple[Machine, VirtioMem]:
    machine = Machine(made)
    driver = VirtioMem(machine, MmioTransport([BASE]))
    assert driver.setup(layout=KINDS[kind])
    return machine, driver


def driven(made: type[Device], kind: str, *, batches: int = 12, parts: int = 1) -> Machine:
    """Three turns of the ring: batches of sixteen requests, each followed by one alone."""
    machine, driver = brought_up(made, kind)
    one = Chain(STATE, 10, out_parts=parts, guarded=True)
    for chains in ([one] * 16, [one]) * batches:
        for used in driver.together(chains, timeout=0):
            assert used is not None
            answered(one, used)
    return machine


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_right_device_is_right(kind: str, parts: int) -> None:
    machine = driven(Answering, kind, parts=parts, batches=24)
    assert machine.notices == 48 and machine.device is not None
    # Without an event index the driver asks for none, and with one they were taken note of.
    assert machine.device.interrupts == 0


WRONG: list[tuple[type[Device], tuple[str, ...], str]] = [
    (LosesSixteenth, tuple(KINDS), "did not answer .*: 15 of 16 requests came back"),
    (OtherChain, tuple(KINDS), "used (element|buffer) id 0: not what was made available"),
    (Twice, ("split", EVENTS[0]), "used index 17 after 0 requests and 16 more"),
    (Twice, ("packed", EVENTS[1]), "used buffer id 0: not what was made available"),
    (LastTwice, ("packed", EVENTS[1]), "a descriptor behind the batch is marked used"),
    (ForgetsTheRing, ("split", EVENTS[0]), "used element id .*: not what was made available"),
    (ForgetsTheRing, ("packed", EVENTS[1]), "did not answer"),
    (NeverInterrupts, EVENTS, "requests came back without the interrupt due"),
    (AsksTooLate, EVENTS, "did not answer"),
    (NeverAsks, EVENTS, "did not answer"),
    (WritesBeyond, tuple(KINDS), "wrote beyond the 10 bytes for its response"),
    (WritesBefore, tuple(KINDS), "wrote beyond the 10 bytes for its response"),
    (WritesToTheRequest, tuple(KINDS), "wrote to a request, which it may only read"),
    (WritesTwoBytes, tuple(KINDS), "used length of 10, and not so many bytes were written"),
]


@pytest.mark.parametrize(
    ("made", "kind", "told"),
    [(made, kind, told) for made, kinds, told in WRONG for kind in kinds],
)
def test_a_wrong_device_is_found(made: type[Device], kind: str, told: str) -> None:
    with pytest.raises(DriverError, match=told):
        driven(made, kind, batches=24)


@pytest.mark.parametrize("kind", ["split", "packed"])
@pytest.mark.parametrize("made", [NeverInterrupts, AsksTooLate, NeverAsks])
def test_without_an_event_index_nothing_is_asked_of_it(made: type[Device], kind: str) -> None:
    driven(made, kind, batches=2)


def test_what_an_earlier_turn_left_in_the_used_ring_is_not_taken_for_new() -> None:
    """One request at a time, so that each is the same as one turn of the ring before."""
    _, driver = brought_up(ForgetsTheRing, "split")
    for _ in range(2 * SIZE):
        driver.together([Chain(STATE, 10)], timeout=0)
    with pytest.raises(DriverError, match="used element id 64: not what was made available"):
        for _ in range(SIZE + 1):
            driver.together([Chain(STATE, 10)], timeout=0)


class LastFirst(Device):
    """Gives a batch back in another order than it came, as VIRTIO lets a device do."""

    waiting: list[tuple[int, int]]

    def run(self) -> None:
        self.waiting, index, place = [], self.seen, self.place
        super().run()
        for number, length in self.waiting[::-1]:
            if self.packed:
                super().use_packed(place, number, length)
                place += 2 + number % 2
            else:
                super().use_split(index, number, length)
                index += 1

    def use_split(self, index: int, head: int, length: int) -> None:
        self.waiting.append((head, length))

    def use_packed(self, place: int, number: int, length: int) -> None:
        self.waiting.append((number, length))


@pytest.mark.parametrize("kind", ["split", "packed"])
def test_the_order_in_which_buffers_come_back_is_free(kind: str) -> None:
    _, driver = brought_up(LastFirst, kind)
    # Those of odd numbers have three descriptors, the others two.
    asked = [bytes(range(number, number + 1 + number % 2)) for number in range(7)]
    chains = [Chain(payload, 2, out_parts=2) for payload in asked]
    for _ in range(30):
        used = driver.together(chains, timeout=0)
        assert [one and one.data for one in used] == [payload[::-1] for payload in asked]

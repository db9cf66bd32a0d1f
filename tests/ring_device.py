"""A device's side of virtqueues, written from VIRTIO 2.7 and 2.8, in plain memory."""

from __future__ import annotations

import struct

from conformance.targets.driver.bus import Access, Kind
from conformance.targets.driver.packed import PackedQueue
from conformance.targets.driver.virtqueue import DESCRIPTOR_AREA, DEVICE_AREA, DRIVER_AREA, Queue

SIZE = 128
NEXT, WRITE, INDIRECT = 1, 2, 4


class Memory(dict[int, int]):
    """Bytes by address, 0 where nobody wrote."""

    def __missing__(self, address: int) -> int:
        return 0

    def take(self, address: int, size: int) -> bytes:
        return bytes(self[address + at] for at in range(size))

    def number(self, address: int) -> int:
        """A le16."""
        return int.from_bytes(self.take(address, 2), "little")

    def put(self, address: int, data: bytes) -> None:
        for at, byte in enumerate(data):
            self[address + at] = byte

    def carry_out(self, access: Access) -> bytes:
        if access.kind is Kind.WRITE:
            self.put(access.address, access.data)
        elif access.kind is Kind.STORE:
            self.put(access.address, access.value.to_bytes(access.width, "little"))
        else:
            return self.take(access.address, access.width)
        return b""


class Device:
    """Answers each request by its bytes backwards, in the order the queue has them.

    `interrupts` counts those that the driver asked for. Each step of it can be made wrong.
    """

    def __init__(self, memory: Memory, queue: Queue) -> None:
        self.memory = memory
        self.packed = isinstance(queue, PackedQueue)
        self.event_index = queue.event_index
        self.seen = self.place = self.interrupts = 0

    def answered(self, buffers: list[tuple[int, int, int]]) -> int:
        out = b"".join(self.memory.take(at, n) for at, n, flags in buffers if not flags & WRITE)
        answer = out[::-1]
        for at, size, flags in buffers:
            if flags & WRITE:
                self.memory.put(at, answer[:size])
                answer = answer[size:]
        return len(out) - len(answer)

    def table(self, at: int, size: int) -> list[tuple[int, int, int]]:
        entries = [struct.unpack("<QIHH", self.memory.take(at + o, 16)) for o in range(0, size, 16)]
        flags = 3 if self.packed else 2
        return [(entry[0], entry[1], entry[flags]) for entry in entries]

    def run(self) -> None:
        if self.packed:
            self.run_packed()
        else:
            self.run_split()

    def run_split(self) -> None:
        memory = self.memory
        while self.seen != memory.number(DRIVER_AREA + 2):
            head = at = memory.number(DRIVER_AREA + 4 + 2 * (self.seen % SIZE))
            buffers = []
            while True:
                data = memory.take(DESCRIPTOR_AREA + 16 * at, 16)
                address, size, flags, at = struct.unpack("<QIHH", data)
                buffers += (
                    self.table(address, size) if flags & INDIRECT else [(address, size, flags)]
                )
                if not flags & NEXT:
                    break
            index = self.seen
            self.seen = self.seen + 1 & 0xFFFF
            if self.event_index:
                self.ask_split(self.seen)
            self.use_split(index, head, self.answered(buffers))
            if self.event_index:
                self.interrupt(memory.number(DRIVER_AREA + 4 + 2 * SIZE) == index)
            else:
                self.interrupt(not memory.number(DRIVER_AREA))

    def ask_split(self, index: int) -> None:
        """Notify me once the entry of that index is available."""
        self.memory.put(DEVICE_AREA + 4 + 8 * SIZE, struct.pack("<H", index))

    def use_split(self, index: int, head: int, length: int) -> None:
        place = DEVICE_AREA + 4 + 8 * (index % SIZE)
        self.memory.put(place, struct.pack("<II", head, length))
        self.memory.put(DEVICE_AREA + 2, struct.pack("<H", index + 1 & 0xFFFF))

    def interrupt(self, due: bool) -> None:
        self.interrupts += due

    def run_packed(self) -> None:
        memory = self.memory
        while True:
            start, buffers = self.place, []
            while True:
                at = DESCRIPTOR_AREA + 16 * (self.place % SIZE)
                address, size, number, flags = struct.unpack("<QIHH", memory.take(at, 16))
                if (flags >> 7 & 1, flags >> 15) != (
                    self.wrap(self.place),
                    1 - self.wrap(self.place),
                ):
                    return
                buffers += (
                    self.table(address, size) if flags & INDIRECT else [(address, size, flags)]
                )
                self.place += 1
                if not flags & NEXT:
                    break
            if self.event_index:
                self.ask_packed(self.place)
            self.use_packed(start, number, self.answered(buffers))
            event, kind = struct.unpack("<HH", memory.take(DRIVER_AREA, 4))
            at = start % SIZE | self.wrap(start) << 15
            self.interrupt(kind == 0 or (kind == 2 and event == at))

    def wrap(self, place: int) -> int:
        """The wrap counter."""
        return 1 - place // SIZE % 2

    def ask_packed(self, place: int) -> None:
        """Notify me once the descriptor of that place is available."""
        event = place % SIZE | self.wrap(place) << 15
        self.memory.put(DEVICE_AREA, struct.pack("<HH", event, 2))

    def use_packed(self, place: int, number: int, length: int) -> None:
        flags = (1 << 7 | 1 << 15) * self.wrap(place)
        used = struct.pack("<QIHH", 0, length, number, flags)
        self.memory.put(DESCRIPTOR_AREA + 16 * (place % SIZE), used)

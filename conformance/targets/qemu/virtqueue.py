"""A split virtqueue in guest RAM that carries one request at a time, as qtest commands.

Source: VIRTIO 1.2, section 2.7. Addresses are guest-physical, sizes are bytes.
"""

import struct

from conformance.targets.qemu.process import QemuError
from conformance.targets.qemu.qtest import as_bytes, as_int, load, read_bytes, store, write_bytes

MAX_QUEUE_SIZE = 128
BUFFER_SIZE = 0x1000

_DESCRIPTORS, _AVAILABLE, _USED, _REQUEST, _RESPONSE = range(0x10_0000, 0x10_5000, 0x1000)
"""A page each, in boot RAM; each part of the largest queue fits in one."""

_DESC_NEXT, _DESC_WRITE = 1, 2
"""VIRTIO 2.7.5, `struct virtq_desc`."""
_AVAIL_NO_INTERRUPT = 1
"""VIRTIO 2.7.6, `struct virtq_avail`: the used ring is polled."""
_INDEX, _RING = 2, 4
_USED_ELEMENT = 8
"""VIRTIO 2.7.6 and 2.7.8: after le16 flags comes le16 idx, then the ring."""

_POISON = b"\xa5"
"""Fills the response buffer, so that bytes claimed but not written can be seen."""


class RequestQueue:
    """`size` is the number of queue entries, at most `MAX_QUEUE_SIZE`.

    Every request uses the descriptor chain that starts at 0, so an available ring full of zeros
    is right for all of them and only its index moves.
    """

    descriptor_area, driver_area, device_area = _DESCRIPTORS, _AVAILABLE, _USED

    def __init__(self, size: int) -> None:
        self._size = size
        self._done = 0
        """Requests answered so far; there is at most one more with the device."""
        self._chain: bytes | None = None

    def clear(self) -> list[str]:
        """Commands that make the rings empty."""
        return [
            write_bytes(_AVAILABLE, struct.pack("<H", _AVAIL_NO_INTERRUPT)),
            write_bytes(_AVAILABLE + _INDEX, bytes(2 + 2 * self._size)),
            write_bytes(_USED, bytes(_RING + _USED_ELEMENT * self._size)),
        ]

    def submit(self, payload: bytes, response_space: int) -> list[str]:
        """Commands that make a request available; an empty buffer is left out of its chain."""
        commands = []
        chain = _chain(len(payload), response_space)
        if chain != self._chain:
            commands.append(write_bytes(_DESCRIPTORS, chain))
            self._chain = chain
        if payload:
            commands.append(write_bytes(_REQUEST, payload))
        if response_space:
            commands.append(write_bytes(_RESPONSE, _POISON * response_space))
        commands.append(store(_AVAILABLE + _INDEX, self._done + 1 & 0xFFFF, 2))
        return commands

    def poll(self, response_space: int) -> list[str]:
        """Commands that read what `take` needs."""
        element = _USED + _RING + self._done % self._size * _USED_ELEMENT
        commands = [load(_USED + _INDEX, 2), read_bytes(element, _USED_ELEMENT)]
        if response_space:
            commands.append(read_bytes(_RESPONSE, response_space))
        return commands

    def take(self, answers: list[str]) -> bytes | None:
        """The response, cut to the used length; None while the request is with the device.

        Raises `QemuError` for a used element that breaks VIRTIO 2.7.8.
        """
        index, used, *response = answers
        if as_int(index) == self._done & 0xFFFF:
            return None
        self._done += 1
        head, length = struct.unpack("<II", as_bytes(used))
        data = as_bytes(response[0]) if response else b""
        if as_int(index) != self._done & 0xFFFF or head != 0 or length > len(data):
            raise QemuError(
                f"used index {as_int(index)} for request {self._done}, element id {head}, "
                f"length {length} of {len(data)}: not what was made available"
            )
        return data[:length]


def _chain(request_size: int, response_space: int) -> bytes:
    """The descriptors of a request buffer and a response buffer, without those of no bytes."""
    buffers = [
        (address, size, flags)
        for address, size, flags in (
            (_REQUEST, request_size, 0),
            (_RESPONSE, response_space, _DESC_WRITE),
        )
        if size
    ]
    if not buffers or max(request_size, response_space) > BUFFER_SIZE:
        raise ValueError(
            f"a request of {request_size} bytes with {response_space} for the response: "
            f"one must be over 0 and none over {BUFFER_SIZE}"
        )
    chain = b""
    for number, (address, size, flags) in enumerate(buffers, start=1):
        more = number < len(buffers)
        flags |= _DESC_NEXT if more else 0
        chain += struct.pack("<QIHH", address, size, flags, number if more else 0)
    return chain

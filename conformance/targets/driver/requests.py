"""A guest's requests and the device's responses, as bytes. Source: VIRTIO 1.2, section 5.15.6."""

import struct
from enum import IntEnum

from conformance.targets.driver.bus import DriverError

_REQUEST = struct.Struct("<H6sQH6s")
"""`struct virtio_mem_req`: type, guest-physical address, number of blocks."""
_RESPONSE = struct.Struct("<H6xH")
"""`struct virtio_mem_resp`: type, block state."""


class RequestType(IntEnum):
    """VIRTIO_MEM_REQ_*."""

    PLUG = 0
    UNPLUG = 1
    UNPLUG_ALL = 2
    STATE = 3


class ResponseType(IntEnum):
    """VIRTIO_MEM_RESP_*."""

    ACK = 0
    NACK = 1
    BUSY = 2
    ERROR = 3


def encode_request(
    kind: int, address: int = 0, blocks: int = 0, padding: bytes = bytes(12)
) -> bytes:
    """The 24 bytes of a request of any type; UNPLUG_ALL has neither address nor blocks.

    A device ignores the 12 bytes of padding.
    """
    return _REQUEST.pack(kind, padding[:6], address, blocks, padding[6:])


def decode_response(response: bytes) -> tuple[ResponseType, int]:
    """Type and block state. Raises `DriverError` for what is no response of 10 bytes."""
    try:
        kind, state = _RESPONSE.unpack(response)
        return ResponseType(kind), state
    except (struct.error, ValueError) as error:
        raise DriverError(f"{response.hex()!r} is no virtio-mem response: {error}") from error

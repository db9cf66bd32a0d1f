"""The model's requests as a driver sends them, and a device's responses as the model says them."""

from __future__ import annotations

from random import Random
from typing import Final

from conformance.targets.driver.bus import DriverError
from conformance.targets.driver.device import VirtioMem
from conformance.targets.driver.requests import (
    RequestType,
    ResponseType,
    decode_response,
    encode_request,
)
from conformance.targets.driver.virtqueue import Chain, Used
from model.state import Answer, BlockState, ConcreteAction, Op

REQUEST_SIZE: Final = 24
RESPONSE_SIZE: Final = 10

_TYPES: Final = {
    Op.PLUG: RequestType.PLUG,
    Op.UNPLUG: RequestType.UNPLUG,
    Op.UNPLUG_ALL: RequestType.UNPLUG_ALL,
    Op.STATE: RequestType.STATE,
}
_ANSWERS: Final = {
    ResponseType.ACK: Answer.ACK,
    ResponseType.NACK: Answer.NACK,
    ResponseType.BUSY: Answer.BUSY,
    ResponseType.ERROR: Answer.ERROR,
}
_STATES: Final = (BlockState.PLUGGED, BlockState.UNPLUGGED, BlockState.MIXED)
"""VIRTIO_MEM_STATE_*, by number."""

Done = tuple[Answer, BlockState | None]


class Speech:
    """Makes requests; what VIRTIO leaves to the driver (padding, which buffer is short) is chosen
    the same way in every run of a trace."""

    def __init__(self) -> None:
        self._whim = Random(0)

    def again(self) -> None:
        """A new trace begins."""
        self._whim.seed(0)

    def ask(self, driver: VirtioMem, action: ConcreteAction) -> Done:
        """Send one request. Raises DriverError."""
        broken = driver.needs_reset()
        chain = self.chain(action)
        (used,) = driver.together([chain], may_be_lost=action.op in (Op.UNKNOWN, Op.SHORT))
        if used is None:
            stopped = not broken and driver.needs_reset()
            return (Answer.VIOLATION if stopped else Answer.SILENT), None
        return answered(chain, used)

    def chain(self, action: ConcreteAction) -> Chain:
        """A request's bytes and the room for its response."""
        padding = self._whim.randbytes(12)
        if action.op is Op.UNKNOWN:
            return Chain(encode_request(action.value, padding=padding), RESPONSE_SIZE)
        if action.op is Op.SHORT:
            request = encode_request(self._whim.choice(list(RequestType)), padding=padding)
            if self._whim.random() < 0.5:
                return Chain(request[: self._whim.randrange(REQUEST_SIZE)], RESPONSE_SIZE)
            return Chain(request, self._whim.randrange(RESPONSE_SIZE))
        addr, blocks = action.addr, action.blocks
        if action.op is Op.UNPLUG_ALL:
            # It reads nothing but the type.
            addr, blocks = self._whim.getrandbits(64), self._whim.getrandbits(16)
        return Chain(encode_request(_TYPES[action.op], addr, blocks, padding), RESPONSE_SIZE)


def answered(chain: Chain, used: Used) -> Done:
    """What a request that came back was answered. Raises DriverError.

    With nothing written it is one that the device would not answer.
    """
    if not used.length:
        return Answer.SILENT, None
    kind, state = decode_response(used.data)
    # The type is the first field.
    asked = chain.payload.startswith(bytes([RequestType.STATE])) and kind is ResponseType.ACK
    # A driver ignores the state that comes with any other answer (VIRTIO, driver normative).
    if asked and state >= len(_STATES):
        raise DriverError(f"{used.data.hex()} has block state {state}, which means nothing")
    return _ANSWERS[kind], _STATES[state] if asked else None

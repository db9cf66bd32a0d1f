"""The model's requests as a driver sends them, and a device's responses as the model says them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from conformance.judge.virtio.judge import RESPONSE_SIZE
from conformance.targets.driver.bus import DriverError
from conformance.targets.driver.chains import POISON, Chain, Used
from conformance.targets.driver.device import VIRTIO_F_INDIRECT_DESC, DeviceConfig, VirtioMem
from conformance.targets.driver.requests import (
    RequestType,
    ResponseType,
    decode_response,
    encode_request,
)
from conformance.targets.target import Asked
from conformance.traces.layout import PLAIN, Layout, Place
from model.observation import Constants, Observation
from model.state import Answer, BlockState, ConcreteAction, Op

REQUEST_SIZE: Final = 24

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

_PLACES: Final = {
    # Above what any machine of a test has, and below what processors can address.
    Place.BEYOND: (1 << 45) - 0x1000,
    Place.WRAPS: (1 << 64) - 4,
}


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action: `used` is the length that came with a response (bytes)."""

    answer: Answer
    block_state: BlockState | None = None
    used: int | None = None


def only_answered(done: Done) -> Observation:
    """All that is seen of a request with others behind it."""
    return Observation(done.answer, done.block_state, used=done.used)


def observed(config: DeviceConfig, done: Done, notified: bool | None) -> Observation:
    """What a driver sees after an action: the answer, and the configuration read then."""
    return Observation(
        answer=done.answer,
        block_state=done.block_state,
        used=done.used,
        usable=config.usable_region_size,
        size=config.plugged_size,
        requested=config.requested_size,
        notified=notified,
        constants=Constants(
            block=config.block_size,
            addr=config.addr,
            region=config.region_size,
            node=config.node_id,
        ),
    )


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
        (done,) = self.together(driver, [Asked(action)])
        return done

    def together(self, driver: VirtioMem, asked: Sequence[Asked]) -> list[Done]:
        """Send requests with one notification. Raises DriverError."""
        broken = driver.needs_reset()
        chains = [self.laid_out(driver, one) for one in asked]
        lost = any(one.action.op in (Op.UNKNOWN, Op.SHORT) for one in asked)
        done = []
        for chain, used in zip(chains, driver.together(chains, may_be_lost=lost), strict=True):
            if used is not None:
                done.append(answered(chain, used))
                continue
            stopped = not broken and driver.needs_reset()
            # The first one without an answer is the one that broke the device.
            done.append(Done(Answer.VIOLATION if stopped else Answer.SILENT))
            broken = broken or stopped
        return done

    def laid_out(self, driver: VirtioMem, asked: Asked) -> Chain:
        """A request's bytes, the room for its response, and the way it lies in the queue."""
        layout = asked.layout
        if layout.place is not Place.OWN:
            # What is wrong with it is the place of its response alone.
            payload = encode_request(RequestType.STATE, asked.action.addr, 1)
            return _placed(Chain(payload, RESPONSE_SIZE), layout, driver)
        chain = self.chain(asked.action)
        if layout == PLAIN or chain.room < RESPONSE_SIZE:
            return chain
        return Chain(
            chain.payload,
            layout.room,
            out_parts=layout.parts,
            in_parts=layout.response_parts,
            indirect=layout.indirect and bool(driver.features & VIRTIO_F_INDIRECT_DESC),
            guarded=True,
        )

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

    With nothing written it is one that the device would not answer; what it wrote where nobody can
    read it is no answer either.
    """
    if not used.length or chain.response_at is not None:
        return Done(Answer.SILENT)
    # A length of more bytes than there are in a response is judged, not believed.
    if used.data[:RESPONSE_SIZE].endswith(POISON):
        raise DriverError(f"a used length of {used.length}, and not so many bytes were written")
    kind, state = decode_response(used.data[:RESPONSE_SIZE])
    # The type is the first field.
    asked = chain.payload.startswith(bytes([RequestType.STATE])) and kind is ResponseType.ACK
    # A driver ignores the state that comes with any other answer (VIRTIO, driver normative).
    if asked and state >= len(_STATES):
        raise DriverError(f"{used.data.hex()} has block state {state}, which means nothing")
    return Done(_ANSWERS[kind], _STATES[state] if asked else None, used.length)


def _placed(chain: Chain, layout: Layout, driver: VirtioMem) -> Chain:
    """The chain with its response in another place than a buffer of the driver's."""
    place = driver.config_address if layout.place is Place.WINDOW else _PLACES[layout.place]
    return Chain(chain.payload, chain.room, response_at=place)

"""Which lines a device writes to its log while it carries out an action.

What a step does comes from the rules; here is only when QEMU says so. Source: the trace_virtio_mem
calls in hw/virtio/virtio-mem.c of QEMU 10.0.
"""

from __future__ import annotations

from typing import Final

from conformance.targets.qemu.log import Event
from model.machine_ints import INTS
from model.mapping import usable_size
from model.requests import unplug_everything
from model.state import (
    RANGE_REQUESTS,
    Answer,
    BlockState,
    ConcreteAction,
    ConcreteResult,
    ConcreteState,
    Fixed,
    Op,
)

REQUESTED: Final = {
    Op.PLUG: "plug_request",
    Op.UNPLUG: "unplug_request",
    Op.STATE: "state_request",
    Op.UNPLUG_ALL: "unplug_all_request",
}
"""The line that a request begins with."""
RESPONSES: Final = (Answer.ACK, Answer.NACK, Answer.BUSY, Answer.ERROR)
"""VIRTIO_MEM_RESP_*, by number."""
STATES: Final = (BlockState.PLUGGED, BlockState.UNPLUGGED, BlockState.MIXED)
"""VIRTIO_MEM_STATE_*, by number."""

Fix = Fixed[int, bool]


def resized(before: int, after: int) -> Event:
    """The usable region was fitted, from and to so many bytes."""
    return Event("resized_usable_region", (before, after))


def written(
    fixed: Fix, before: ConcreteState, done: ConcreteAction, result: ConcreteResult
) -> tuple[Event, ...]:
    """The lines of one action, in order."""
    after = result.state
    emptied = (Event("unplugged_all"), resized(before.usable, after.usable))
    if done.op in REQUESTED:
        if result.answer not in RESPONSES:
            return ()
        numbers = (done.addr, done.blocks) if done.op in RANGE_REQUESTS else ()
        told: tuple[Event, ...] = ()
        if result.block_state is not None:
            told = (Event("state_response", (STATES.index(result.block_state),)),)
        elif done.op is Op.UNPLUG_ALL and result.answer is Answer.ACK:
            told = emptied
        response = Event("send_response", (RESPONSES.index(result.answer),))
        return (Event(REQUESTED[done.op], numbers), *told, response)
    if done.op is Op.RESIZE:
        # Nothing is told where nothing changes, and where the usable region would shrink.
        grown = usable_size(INTS, fixed, after.requested) == after.usable
        changed = after.requested != before.requested
        return (resized(before.usable, after.usable),) if changed and grown else ()
    resets = done.op is Op.WAKE_UP and not fixed.profile.wake_up_keeps
    if (done.op is Op.SYSTEM_RESET or resets) and before.realized:
        unplugged = unplug_everything(INTS, fixed, before, done.faults).answer is Answer.ACK
        return emptied if unplugged else ()
    if done.op is Op.UNREALIZE and not after.realized and before.realized:
        return (resized(before.usable, 0),) if fixed.profile.unrealize_shrinks else ()
    return ()

"""Requests that change no block: whether a range is valid, STATE, and what is no request at all."""

from __future__ import annotations

from dataclasses import replace

from model.arithmetic import B, Domain, S, W, is_aligned
from model.mapping import range_plugged, range_unplugged
from model.state import Action, Answer, BlockState, Fixed, Result, State


def request_size(d: Domain[W, B, S], f: Fixed[W, B], a: Action[W, B]) -> W:
    """Bytes that a range request covers. Source: virtio_mem_state_change_request."""
    return d.mul(a.blocks, f.block)


def valid_range(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], addr: W, size: W) -> bool:
    """The range is block-aligned, not empty, and inside the usable region.

    `addr` is any 64-bit guest physical address, so the sum may wrap and the rule looks for that.
    Source: virtio_mem_valid_range.
    """
    if not d.test(is_aligned(d, addr, f.block)):
        return False
    end = d.wrapping_add(addr, size)
    if d.test(d.lt(end, addr)) or d.test(d.eq(size, d.lit(0))):
        return False
    usable_end = d.add(f.addr, s.usable)
    if d.test(d.lt(addr, f.addr)) or d.test(d.le(usable_end, addr)):
        return False
    return not d.test(d.lt(usable_end, end))


def report_state(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """STATE: answered even while busy. Source: virtio_mem_state_request."""
    size = request_size(d, f, a)
    if not valid_range(d, f, s, a.addr, size):
        return Result(s, Answer.ERROR)
    offset = d.sub(a.addr, f.addr)
    if d.test(range_plugged(d, f, s.plugged, offset, size)):
        return Result(s, Answer.ACK, BlockState.PLUGGED)
    if d.test(range_unplugged(d, f, s.plugged, offset, size)):
        return Result(s, Answer.ACK, BlockState.UNPLUGGED)
    return Result(s, Answer.ACK, BlockState.MIXED)


def violate(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B]
) -> Result[W, B, S]:
    """An unknown request type or a buffer too short breaks the device until its next reset.

    Source: virtio_mem_handle_request, which answers nothing and calls virtio_error; that one asks
    for a reset in the device status and notifies the driver of it.
    """
    return Result(replace(s, broken=d.truth(True)), Answer.VIOLATION, notified=True)

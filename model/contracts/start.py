"""What host and guest may rely on when a device was just realized."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import MEMORY_DEVICE, StartContract
from model.contracts.words import all_of, fits
from model.state import Fixed, State


def starts_empty(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """At start no block is plugged and the plugged size is 0."""
    return d.both(d.same_members(s.plugged, d.no_blocks()), d.eq(s.size, d.lit(0)))


def starts_as_requested(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """At start the requested size is the one configured, and the usable region fits it."""
    set_up = d.eq(s.requested, f.start_requested)
    return d.both(set_up, fits(d, f, f.start_requested, s.usable))


def starts_idle(d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S]) -> B:
    """At start the device is not gone, no migration runs, no feature is accepted, and the
    device is not broken."""
    return all_of(d, s.realized, d.negate(s.busy), d.negate(s.accepted), d.negate(s.broken))


CONTRACTS: Final = (
    StartContract("starts-empty", starts_empty, f"{MEMORY_DEVICE}, introduction"),
    StartContract("starts-as-requested", starts_as_requested, "virtio_mem_device_realize"),
    StartContract("starts-idle", starts_idle, "virtio_mem_device_realize"),
)

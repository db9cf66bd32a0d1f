"""What host and guest may rely on in resets."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import MEMORY_DEVICE, RESETS, Contract
from model.contracts.words import fits, hindered, kept, unplugs_all, when
from model.state import Action, Answer, Fixed, Op, Result, State


def reset_forgets_driver(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """After a reset no feature is accepted and the device is not broken."""
    if r.answer is not Answer.DONE:
        return d.truth(True)
    return d.both(d.negate(r.state.accepted), d.negate(r.state.broken))


def reset_keeps_blocks(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A device reset, or a wake-up of a device that keeps its blocks, changes no block."""
    if unplugs_all(f, a.op):
        return d.truth(True)
    return kept(d, s, r.state, ("plugged", "size", "mapped"))


def reset_unplugs(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A system reset unplugs all blocks unless a migration runs or the discard fails."""
    if r.answer is not Answer.DONE or not unplugs_all(f, a.op):
        return d.truth(True)
    empty = d.same_members(r.state.plugged, d.no_blocks())
    return d.either(hindered(d, s, a), d.both(empty, d.eq(r.state.size, d.lit(0))))


def reset_fits_usable(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """After a system reset that leaves no block plugged, the usable region fits the requested
    size."""
    if r.answer is not Answer.DONE or not unplugs_all(f, a.op):
        return d.truth(True)
    return d.either(hindered(d, s, a), fits(d, f, s.requested, r.state.usable))


def hindered_reset_keeps(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A system reset that cannot unplug, as a migration runs or the discard fails, leaves blocks,
    memslots and usable region alone."""
    alone = kept(d, s, r.state, ("plugged", "size", "mapped", "usable"))
    return when(d, hindered(d, s, a), alone)


def busy_reset_keeps_usable(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """In a profile that looks for a migration first, a system reset while one runs leaves the
    usable region alone.

    Any other that nothing hinders fits it.
    """
    if r.answer is not Answer.DONE or not unplugs_all(f, a.op):
        return d.truth(True)
    stuck = d.both(s.busy, d.truth(f.profile.busy_before_empty))
    kept_then = when(d, stuck, d.eq(s.usable, r.state.usable))
    free = d.either(hindered(d, s, a), stuck)
    return d.both(kept_then, d.either(free, fits(d, f, s.requested, r.state.usable)))


_OPERATION: Final = f"{MEMORY_DEVICE}, Device Operation (device normative)"

CONTRACTS: Final = (
    Contract(
        "reset-forgets-driver", reset_forgets_driver, RESETS | {Op.DEVICE_RESET}, "virtio_reset"
    ),
    Contract(
        "reset-keeps-blocks",
        reset_keeps_blocks,
        frozenset({Op.DEVICE_RESET, Op.WAKE_UP}),
        f"{_OPERATION}; the same, Device Initialization",
        follows=True,
    ),
    Contract("reset-unplugs", reset_unplugs, RESETS, f"{_OPERATION}; virtio_mem_system_reset"),
    Contract("reset-fits-usable", reset_fits_usable, RESETS, "virtio_mem_unplug_all", follows=True),
    Contract("busy-reset-keeps-usable", busy_reset_keeps_usable, RESETS, "virtio_mem_unplug_all"),
    Contract("hindered-reset-keeps", hindered_reset_keeps, RESETS, "virtio_mem_unplug_all"),
)

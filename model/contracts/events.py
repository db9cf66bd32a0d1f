"""What the host may rely on when it resizes a device, and a driver when it negotiates."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W, is_aligned
from model.contracts.contract import MEMORY_DEVICE, Contract
from model.contracts.words import all_of, answered, fits, reaches, when
from model.state import Action, Answer, Fixed, Op, Result, State


def negotiate_done(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A driver is refused iff the device offers UNPLUGGED_INACCESSIBLE and the driver does not
    accept it, or the device is gone."""
    accepts = d.negate(d.eq(a.value, d.lit(0)))
    return answered(d, r, d.both(s.realized, d.either(d.negate(f.inaccessible), accepts)))


def negotiate_records(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """Once a driver has chosen, UNPLUGGED_INACCESSIBLE is in force iff the device offers it and the
    driver accepts it."""
    accepts = d.both(f.inaccessible, d.negate(d.eq(a.value, d.lit(0))))
    after = r.state.accepted
    present = when(d, s.realized, d.same_truth(after, accepts))
    return d.both(present, d.either(s.realized, d.same_truth(after, s.accepted)))


def resize_done(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A new requested size is set iff it is a multiple of the block size and no larger than the
    region, and the device is not gone."""
    sensible = d.both(is_aligned(d, a.value, f.block), d.le(a.value, f.region))
    return answered(d, r, d.both(s.realized, sensible))


def resize_sets_requested(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """The requested size is then the one that the host set."""
    return d.truth(True) if r.answer is not Answer.DONE else d.eq(r.state.requested, a.value)


def resize_grows_usable(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """When the requested size changes, the usable region stays as it is or grows to fit the new
    size, and afterwards reaches the extent beyond that size or to the end of the region.

    A requested size of 0 asks for no usable region. The size that was requested already changes
    nothing.
    """
    if r.answer is not Answer.DONE:
        return d.truth(True)
    usable = r.state.usable
    same = d.eq(usable, s.usable)
    grown = all_of(
        d,
        d.le(s.usable, usable),
        reaches(d, f, a.value, usable),
        d.either(same, fits(d, f, a.value, usable)),
    )
    repeated = d.eq(a.value, s.requested)
    return d.both(when(d, repeated, same), d.either(repeated, grown))


_NEGOTIATE: Final = frozenset({Op.NEGOTIATE})
_RESIZE: Final = frozenset({Op.RESIZE})

CONTRACTS: Final = (
    Contract(
        "negotiate-done",
        negotiate_done,
        _NEGOTIATE,
        f"{MEMORY_DEVICE}, Device Initialization (device normative); virtio_mem_validate_features",
    ),
    Contract(
        "negotiate-records",
        negotiate_records,
        _NEGOTIATE,
        f"{MEMORY_DEVICE}, Feature bits; virtio_mem_get_features",
    ),
    Contract("resize-done", resize_done, _RESIZE, "virtio_mem_set_requested_size"),
    Contract(
        "resize-sets-requested", resize_sets_requested, _RESIZE, "virtio_mem_set_requested_size"
    ),
    Contract(
        "resize-grows-usable",
        resize_grows_usable,
        _RESIZE,
        f"{MEMORY_DEVICE}, introduction; virtio_mem_resize_usable_region",
    ),
)

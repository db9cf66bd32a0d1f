"""What every step leaves alone, and what the host and the guest may rely on beside an answer."""

from __future__ import annotations

from typing import Final

from model.arithmetic import B, Domain, S, W
from model.contracts.contract import MEMORY_DEVICE, RESETS, Contract
from model.contracts.words import EVERY_FIELD, answered, kept, unplugs_all, when
from model.profiles import Mapping
from model.state import Action, Answer, Fixed, Op, Result, State

REFUSALS: Final = frozenset(
    {Answer.ERROR, Answer.NACK, Answer.BUSY, Answer.SILENT, Answer.REFUSED},
)
"""Answers that promise that nothing was done."""

BLOCK_FIELDS: Final = ("plugged", "mapped", "size")
CHANGES: Final[dict[Op, tuple[str, ...]]] = {
    Op.PLUG: BLOCK_FIELDS,
    Op.UNPLUG: BLOCK_FIELDS,
    Op.UNPLUG_ALL: (*BLOCK_FIELDS, "usable"),
    Op.STATE: (),
    Op.UNKNOWN: ("broken",),
    Op.SHORT: ("broken",),
    Op.NEGOTIATE: ("accepted",),
    Op.RESIZE: ("requested", "usable"),
    Op.SYSTEM_RESET: (*BLOCK_FIELDS, "usable", "accepted", "broken"),
    Op.DEVICE_RESET: ("accepted", "broken"),
    Op.WAKE_UP: ("accepted", "broken"),
    Op.MIGRATION_START: ("busy",),
    Op.MIGRATION_END: ("busy",),
    Op.MIGRATION_IN: ("mapped", "busy"),
    Op.UNREALIZE: ("usable", "realized"),
}
"""The fields of the state that an operation may change."""


def left_alone(f: Fixed[W, B], op: Op) -> list[str]:
    """The fields that an operation may not change on this device."""
    may = CHANGES[Op.SYSTEM_RESET if unplugs_all(f, op) else op]
    if f.mapping is Mapping.USABLE and "usable" in may:
        # Where mapping follows the usable region, it changes with it.
        may = (*may, "mapped")
    return [name for name in EVERY_FIELD if name not in may]


def event_done(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """The event is carried out iff the device is not gone."""
    return answered(d, r, s.realized)


def rest_left_alone(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """No operation changes more than this: PLUG and UNPLUG the plugged blocks, the mapped memslots
    and the plugged size; UNPLUG_ALL and a system reset these and the usable region; a resize the
    requested size and the usable region; an incoming migration the mapped memslots; unrealize the
    usable region; each its own flags; and the mapped memslots where they follow the usable region.
    """
    return kept(d, s, r.state, left_alone(f, a.op))


def refusal_changes_nothing(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """A request that is answered NACK, BUSY, ERROR or not at all, and an event that is refused,
    leave the state of the device as it was, the mapped memslots too."""
    return kept(d, s, r.state, EVERY_FIELD) if r.answer in REFUSALS else d.truth(True)


def notified_exactly(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """The driver is notified iff the step sets the requested size, to whatever value, or breaks the
    device by a protocol violation."""
    resized = a.op is Op.RESIZE and r.answer is Answer.DONE
    return d.truth(r.notified is (resized or r.answer is Answer.VIOLATION))


def usable_never_shrinks(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """The usable region of a device that is not removed shrinks by nothing but UNPLUG_ALL, a system
    reset and a wake-up."""
    return when(d, r.state.realized, d.le(s.usable, r.state.usable))


def busy_keeps_blocks(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """While a migration runs no block is plugged or unplugged."""
    return when(d, s.busy, kept(d, s, r.state, ("plugged", "size")))


def busy_keeps_mapped(
    d: Domain[W, B, S], f: Fixed[W, B], s: State[W, B, S], a: Action[W, B], r: Result[W, B, S]
) -> B:
    """While a migration runs no memslot is mapped or unmapped."""
    return when(d, s.busy, kept(d, s, r.state, ("mapped",)))


_ANY: Final = frozenset(Op)
_CONFIG: Final = f"{MEMORY_DEVICE}, Device configuration layout (device normative)"
_BUSY: Final = "virtio_mem_is_busy, comment there"

CONTRACTS: Final = (
    Contract(
        "event-done",
        event_done,
        RESETS | {Op.DEVICE_RESET, Op.MIGRATION_START, Op.MIGRATION_END, Op.MIGRATION_IN},
        "virtio_reset; virtio_mem_system_reset; virtio_mem_is_busy; virtio_mem_post_load",
    ),
    Contract("rest-left-alone", rest_left_alone, _ANY, f"{_CONFIG}; hw/virtio/virtio-mem.c"),
    Contract(
        "refusal-changes-nothing",
        refusal_changes_nothing,
        # A driver that is refused leaves behind what it did not accept.
        _ANY - {Op.NEGOTIATE},
        f"{MEMORY_DEVICE}, Device Operation; patch hunk virtio_mem_set_block_state",
    ),
    Contract(
        "notified-exactly",
        notified_exactly,
        _ANY,
        f"{_CONFIG}; virtio_mem_set_requested_size; virtio_error",
    ),
    Contract(
        "usable-never-shrinks",
        usable_never_shrinks,
        _ANY - {Op.UNPLUG_ALL} - RESETS,
        _CONFIG,
        follows=True,
    ),
    Contract("busy-keeps-blocks", busy_keeps_blocks, _ANY, _BUSY, follows=True),
    # A device that receives a migration is another one than the busy one that sends it.
    Contract("busy-keeps-mapped", busy_keeps_mapped, _ANY - {Op.MIGRATION_IN}, _BUSY, follows=True),
)

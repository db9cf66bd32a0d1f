"""The vocabulary of the device: configuration, state, actions, answers and observations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic

from model.arithmetic import MIB, B, S, W
from model.effects import Did, Effects
from model.extents import Extents
from model.geometry import Memslots
from model.profiles import Mapping, Profile

USABLE_EXTENT_X86: Final = 256 * MIB
"""Bytes. Source: VIRTIO_MEM_USABLE_EXTENT on x86 and s390x (1 GiB on Arm)."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a user sets before the device exists. All sizes in bytes, `limit` in memslots.

    `addr` is the guest physical address of the region, `requested` the requested size at start,
    `extent` how far the usable region reaches beyond the requested size.
    """

    region: int
    block: int
    limit: int
    requested: int = 0
    addr: int = 1 << 40
    page: int = 4096
    extent: int = USABLE_EXTENT_X86
    option: bool = True
    inaccessible: bool = True
    prealloc: bool = False


@dataclass(frozen=True, slots=True)
class Fixed(Generic[W, B]):
    """What realize fixed for the device's lifetime (bytes, but for the memslot count).

    `inaccessible`: VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE is offered. `prealloc`: memory is
    preallocated before it is plugged.
    """

    profile: Profile
    mapping: Mapping
    slots: Memslots[W]
    region: W
    block: W
    addr: W
    extent: W
    start_requested: W
    inaccessible: B
    prealloc: B


@dataclass(frozen=True, slots=True)
class State(Generic[W, B, S]):
    """What changes at run time.

    `plugged` holds block indices, `mapped` memslot indices; `size` (the plugged size), `requested`
    and `usable` are bytes. `busy`: a migration runs. `accepted`: the driver accepted
    VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE. `broken`: a protocol violation stopped the device until its
    next reset. `realized`: the device still exists.
    """

    plugged: S
    mapped: S
    size: W
    requested: W
    usable: W
    busy: B
    accepted: B
    broken: B
    realized: B


class Op(Enum):
    """What can happen to the device: guest requests first, then events of the host."""

    # A member is one object, so its identity is hash enough; the one that Enum brings is a call
    # into Python, twice a step.
    __hash__ = object.__hash__

    PLUG = "plug"
    UNPLUG = "unplug"
    UNPLUG_ALL = "unplug-all"
    STATE = "state"
    UNKNOWN = "unknown"
    """A request with a type above 3."""
    SHORT = "short"
    """A request whose buffers are smaller than 24 bytes out or 10 bytes in."""
    NEGOTIATE = "negotiate"
    RESIZE = "resize"
    SYSTEM_RESET = "system-reset"
    DEVICE_RESET = "device-reset"
    WAKE_UP = "wake-up"
    MIGRATION_START = "migration-start"
    MIGRATION_END = "migration-end"
    MIGRATION_IN = "migration-in"
    UNREALIZE = "unrealize"


REQUESTS: Final = frozenset(
    {Op.PLUG, Op.UNPLUG, Op.UNPLUG_ALL, Op.STATE, Op.UNKNOWN, Op.SHORT},
)
RANGE_REQUESTS: Final = frozenset({Op.PLUG, Op.UNPLUG, Op.STATE})


@dataclass(frozen=True, slots=True)
class Faults(Generic[B]):
    """Which host operations fail while an action is carried out.

    `discard`: ram_block_discard_range. `prealloc`: qemu_prealloc_mem (only where the device
    preallocates). `populate`: a RamDiscardListener refuses notify_populate.
    """

    discard: B
    prealloc: B
    populate: B


NO_FAULTS: Final = Faults(discard=False, prealloc=False, populate=False)


@dataclass(frozen=True, slots=True)
class Action(Generic[W, B]):
    """One step. `addr` (guest physical, bytes) and `blocks` (le16) belong to range requests,
    `value` is the requested size of RESIZE (bytes), the request type of UNKNOWN, or 1 for a
    NEGOTIATE that accepts VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE."""

    op: Op
    addr: W
    blocks: W
    value: W
    faults: Faults[B]


class Answer(Enum):
    """How the device answered. The first four are VIRTIO_MEM_RESP_*."""

    ACK = "ack"
    NACK = "nack"
    BUSY = "busy"
    ERROR = "error"
    VIOLATION = "violation"
    """Protocol violation: no response, and the device is broken from here on."""
    SILENT = "silent"
    """No response: the device was broken already, or is gone."""
    DONE = "done"
    """A host event was carried out."""
    REFUSED = "refused"
    """A host event was refused with an error to the host."""


class BlockState(Enum):
    """The payload of an acknowledged STATE request (VIRTIO_MEM_STATE_*)."""

    PLUGGED = "plugged"
    UNPLUGGED = "unplugged"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Result(Generic[W, B, S]):
    """The outcome of one action. `notified`: a configuration change notification was sent.

    `effects` are what was done to the host on the way, in order.
    """

    state: State[W, B, S]
    answer: Answer
    block_state: BlockState | None = None
    notified: bool = False
    effects: Effects[W, B, S] = ()

    @property
    def kinds(self) -> tuple[Did, ...]:
        """What was done, in order."""
        return tuple(effect.did for effect in self.effects)


ConcreteState = State[int, bool, Extents]
ConcreteAction = Action[int, bool]
ConcreteResult = Result[int, bool, Extents]


def action(
    op: Op, *, addr: int = 0, blocks: int = 0, value: int = 0, faults: Faults[bool] = NO_FAULTS
) -> ConcreteAction:
    """An action on machine integers; fields that the operation does not use stay 0."""
    return Action(op=op, addr=addr, blocks=blocks, value=value, faults=faults)

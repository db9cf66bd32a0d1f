"""What is seen of a driver, one record after the other in the order in which it happened.

Sizes and addresses are bytes. The order is that of the device's own log: what the host does is in
it where the device was told. Records are written to files as JSON, tagged by `seen`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from model.state import Answer, BlockState, Op


class _Record(msgspec.Struct, frozen=True, tag_field="seen", tag=str.lower):
    """One of the records below."""


class Asked(_Record, frozen=True, omit_defaults=True):
    """A request and its answer; `at` is when it was asked, in seconds since the first record."""

    op: Op
    answer: Answer
    addr: int = 0
    blocks: int = 0
    state: BlockState | None = None
    at: float | None = None


class Requested(_Record, frozen=True, omit_defaults=True):
    """The host set the requested size."""

    size: int


class Usable(_Record, frozen=True, omit_defaults=True):
    """The device fitted its usable region."""

    size: int


class Emptied(_Record, frozen=True, omit_defaults=True):
    """The device unplugged all by itself: a reset of the machine."""


class Status(_Record, frozen=True, omit_defaults=True):
    """The driver wrote the device status (VIRTIO, Basic Facilities of a Virtio Device); 0 resets
    the device."""

    value: int


class Features(_Record, frozen=True, omit_defaults=True):
    """The device's features by bit, as offered and as the driver accepted them."""

    offered: tuple[int, ...]
    accepted: tuple[int, ...]


class Wrote(_Record, frozen=True, omit_defaults=True):
    """The driver wrote into the device configuration."""

    offset: int
    size: int


class Began(_Record, frozen=True, omit_defaults=True):
    """A new guest begins, which uses no memory of the device yet: `by` reset or kexec."""

    by: str


class Suspend(_Record, frozen=True, omit_defaults=True):
    """The guest was asked to suspend; `done` tells whether it did."""

    done: bool


class Touch(msgspec.Struct, frozen=True):
    """Pages of an unplugged block that were accessed; `written`, if they hold something new."""

    addr: int
    size: int
    written: bool


class Memory(_Record, frozen=True, omit_defaults=True):
    """The unplugged blocks were looked at, while no request was under way."""

    touched: tuple[Touch, ...] = ()


class Rested(_Record, frozen=True, omit_defaults=True):
    """The driver had time and came to rest.

    `seconds` is how long it was given, of the guest's own time; `tried`, that its kernel tells of
    attempts which led to no request; `used` the device memory that the guest has in use; `intact`,
    that files which it holds in memory are as they were written. None where it is not seen.
    """

    seconds: int
    tried: bool = False
    used: int | None = None
    intact: bool | None = None


Seen = (
    Asked
    | Requested
    | Usable
    | Emptied
    | Status
    | Features
    | Wrote
    | Began
    | Suspend
    | Memory
    | Rested
)

UNPLUGGED_INACCESSIBLE: Final = 1
PERSISTENT_SUSPEND: Final = 2
"""Feature bits. Source: VIRTIO, Memory Device, Feature bits."""
DRIVER_OK: Final = 4
FAILED: Final = 128
"""Device status bits. Source: VIRTIO, Device Status Field."""

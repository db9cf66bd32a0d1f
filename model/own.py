"""What a device of another program does otherwise than QEMU's, as data; `model.own_rules` reads it.

What is told here was read, or seen of a real device: `model.versions` says which for each profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Reach(Enum):
    """How far a usable region reaches that does not end with the requested size and the extent."""

    SLOT = "slot"
    """To the end of the memslot in which the requested size ends."""
    REGION = "region"
    """To the end of the region, from the start."""


class FailedDiscard(Enum):
    """What UNPLUG and UNPLUG_ALL come to where host memory cannot be given back."""

    BUSY = "busy"
    """Nothing is changed: BUSY."""
    ERROR = "error"
    """Nothing is changed: ERROR."""
    IGNORED = "ignored"
    """The blocks are unplugged: ACK."""


class Nonsense(Enum):
    """What becomes of a request of an unknown type, or in buffers that are too small."""

    BREAKS = "breaks"
    """The device asks for a reset and answers nothing until then."""
    ERROR = "error"
    """It is answered by ERROR."""
    UNANSWERED = "unanswered"
    """Nothing is written as an answer, and the device goes on."""


@dataclass(frozen=True, slots=True)
class Own:
    """The switches of a device of another program; by default it does what QEMU's does.

    `reach`: see there; None for the requested size and the extent. `unknown`, `short`: what such a
    request comes to. `failed_discard`: see there.
    `states_before_size`: PLUG looks at the blocks' states before the requested size.
    `empty_is_nack`: PLUG and UNPLUG of no block are answered by NACK before anything is looked at.
    `unplug_keeps_requested`: UNPLUG below the requested size is answered by NACK.
    `discards_all`: UNPLUG_ALL gives the region's memory back also where nothing is plugged.
    `unplug_all_keeps`: UNPLUG_ALL leaves the usable region as it is.
    `resize_to_same`: the host may set the size that is requested already.
    `resize_only_grows`: the host cannot set less than is requested.
    `resize_unit`: the bytes of which a requested size is a multiple; 1 where whole blocks will do.
    `reset_forgets`: a reset leaves the plugged size and forgets which blocks are plugged.
    `reset_renews`: a system reset makes the device anew; where it then cannot give memory back it
    asks for a reset.
    `gives_back`: host memory behind unplugged blocks is given back.
    """

    reach: Reach | None = None
    unknown: Nonsense = Nonsense.BREAKS
    short: Nonsense = Nonsense.BREAKS
    failed_discard: FailedDiscard = FailedDiscard.BUSY
    states_before_size: bool = False
    empty_is_nack: bool = False
    unplug_keeps_requested: bool = False
    discards_all: bool = False
    unplug_all_keeps: bool = False
    resize_to_same: bool = True
    resize_only_grows: bool = False
    resize_unit: int = 1
    reset_forgets: bool = False
    reset_renews: bool = False
    gives_back: bool = True


NOTHING_OWN: Final = Own()
"""Of a device that its other switches tell all about."""

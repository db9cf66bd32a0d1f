"""How requests lie in the queue, and what queue it is, by which no answer of a device changes.

Sources: VIRTIO 2.7.4.1 (framing), 2.7 and 2.8 (split and packed ring), 2.7.10 (event index).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, Final

from conformance.judge.virtio.judge import RESPONSE_SIZE
from conformance.traces.codec import CodecError, members, number, word
from model.state import Op

MAX_PARTS: Final = 16
"""Descriptors of one buffer at most."""
MAX_ROOM: Final = 4096
MAX_BATCH: Final = 16
"""Requests of one notification."""


class Place(Enum):
    """Where the response shall go."""

    OWN = "own"
    """Into a buffer of the driver's."""
    BEYOND = "beyond"
    """Where the guest has no memory."""
    WRAPS = "wraps"
    """So near to 2^64 that its end wraps."""
    WINDOW = "window"
    """Into the device's own configuration space."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A request's way of lying in the queue, or the queue that a driver sets up after a reset.

    `parts`, `response_parts`: in how many descriptors request and response are; `indirect`: those
    are in a table of their own; `room`: bytes for the response; `more`: the request of the next
    step goes out with the same notification.

    Of a reset, which takes the queue away: `packed`: the next one is a packed ring; `event_index`:
    it has an event index; `persistent_suspend`: the driver accepts that feature as well.
    """

    parts: int = 1
    response_parts: int = 1
    indirect: bool = False
    room: int = RESPONSE_SIZE
    place: Place = Place.OWN
    more: bool = False
    packed: bool = False
    event_index: bool = False
    persistent_suspend: bool = False

    def told(self) -> list[str]:
        """What is not as in a plain layout, for a person."""
        parts = {
            f"request in {self.parts} descriptors": self.parts > 1,
            f"response in {self.response_parts} descriptors": self.response_parts > 1,
            "descriptors in a table": self.indirect,
            f"{self.room} bytes for the response": self.room != RESPONSE_SIZE,
            f"response address {self.place.value}": self.place is not Place.OWN,
            "sent together with the next": self.more,
            "then a packed ring": self.packed,
            "then an event index": self.event_index,
            "then PERSISTENT_SUSPEND accepted": self.persistent_suspend,
        }
        return [part for part, so in parts.items() if so]

    @property
    def sets_up(self) -> bool:
        """It says how a driver sets the device up."""
        return self.packed or self.event_index or self.persistent_suspend


SETS_UP: Final = frozenset({Op.DEVICE_RESET, Op.SYSTEM_RESET})
"""Actions after which the driver sets the device up anew."""
PLAIN: Final = Layout()
_NUMBERS: Final = {
    "parts": (1, MAX_PARTS),
    "response_parts": (1, MAX_PARTS),
    "room": (RESPONSE_SIZE, MAX_ROOM),
}


def layout_to_json(layout: Layout) -> dict[str, Any]:
    """The members that are not as in a plain layout."""
    values = asdict(layout) | {"place": layout.place.value}
    plain = asdict(PLAIN) | {"place": PLAIN.place.value}
    return {name: value for name, value in values.items() if value != plain[name]}


def layout_from_json(value: Any) -> Layout:
    """The layout that `layout_to_json` writes so. Raises CodecError."""
    given = members(value, "layout", frozenset(field.name for field in fields(Layout)))
    read: dict[str, Any] = {}
    for name, found in given.items():
        if name in _NUMBERS:
            read[name] = number(found, f"layout.{name}", *_NUMBERS[name])
        elif name == "place":
            read[name] = Place(word(found, "layout.place", tuple(one.value for one in Place)))
        elif type(found) is bool:
            read[name] = found
        else:
            raise CodecError(f"layout.{name} is {found!r}: expected true or false")
    return Layout(**read)

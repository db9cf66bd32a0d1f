"""What surrounds the device, and what its listeners hear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model.effects import Did
from model.state import Faults, Fixed


@dataclass(frozen=True, slots=True)
class Host:
    """What surrounds the device: sizes in bytes, and which host operations fail."""

    fixed: Fixed[Any, Any]
    page: Any
    host_page: Any
    thp: Any
    default_block: Any
    busy: Any
    faults: Faults[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """What listeners are told, with the sets as they are then.

    `heard` is None where memslots change outside a transaction, or come and go in one.
    """

    heard: Did | None
    plugged: Any
    mapped: Any
    offset: Any = None
    size: Any = None

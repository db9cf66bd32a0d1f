"""What surrounds the device, and what is done to it."""

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
    inputs: Any


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One thing done, with the sets as they are then, as the model's Effect has it.

    `did` is None where memslots change outside a transaction. `offset` and `size` are None where
    memslots change, which says by itself what changed.
    """

    did: Did | None
    plugged: Any
    mapped: Any
    offset: Any
    size: Any
    done: Any
